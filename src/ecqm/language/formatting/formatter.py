"""The canonical layout of each construct of CQL, as documents of `ecqm.language.formatting.layout`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ecqm.language.diagnostics import Diagnostic, Diagnostics
from ecqm.language.formatting.comments import Comments, comment_text
from ecqm.language.formatting.layout import (
    NOTHING_OR_LINE,
    SPACE_OR_LINE,
    Doc,
    Group,
    HardLine,
    LastInLine,
    Nest,
    render,
    separated,
)
from ecqm.language.parsing import deep_recursion, parse

WIDTH = 110
_NOTHING_BEFORE = frozenset((",", ")", "]", ".", ":", ">"))
_NOTHING_AFTER = frozenset(("(", "[", ".", "%"))
_CHAINS = ("AndExpression", "OrExpression", "ImpliesExpression", "SetExpression", "AdditionTerm", "MultiplicationTerm")


class FormatError(ValueError):
    """A source that cannot be formatted because of syntax errors."""

    def __init__(self, errors: Sequence[Diagnostic]) -> None:
        super().__init__("; ".join(error.render() for error in errors))
        self.errors = tuple(errors)


def format_source(source: str) -> str:
    """The source of a library in the canonical layout. Raises FormatError for syntax errors."""
    diagnostics = Diagnostics()
    text = source.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    parsed = parse(text, diagnostics)
    if parsed is None or diagnostics.errors:
        raise FormatError(diagnostics.errors)
    with deep_recursion():
        parts = [part for part in (parsed.header, *parsed.definitions, *parsed.statements) if part is not None]
        return render(_Formatter(text).library(parts), WIDTH)


def _token_text(token: Any) -> str:
    """The text of a token; a token of several words is written with single spaces."""
    text = str(token.text)
    return text if text[0] in "'\"`" else " ".join(text.split())


def _is(node: Any, text: str) -> bool:
    """Whether a node is the token `text`."""
    symbol = getattr(node, "symbol", None)
    return symbol is not None and symbol.text == text


class _Formatter:
    def __init__(self, source: str) -> None:
        self.comments = Comments(source)

    # ------------------------------------------------------------------------------------------ tokens

    def token(self, token: Any) -> Doc:
        """A token with the comments before and after it."""
        parts: list[Doc] = []
        for comment in self.comments.before.get(token.start, ()):
            parts += [HardLine(), comment_text(comment), HardLine()]
        parts.append(_token_text(token))
        for comment in self.comments.behind.get(token.start, ()):
            text = f" {comment_text(comment)}"
            parts.append(LastInLine(text) if text.startswith(" //") else text)
        return tuple(parts) if len(parts) > 1 else parts[0]

    def doc(self, node: Any) -> Doc:
        """The document of a parse-tree node."""
        symbol = getattr(node, "symbol", None)
        if symbol is not None:
            return self.token(symbol)
        name = type(node).__name__.removesuffix("Context")
        if name in _CHAINS:
            return self._chain(node, name)
        special = getattr(self, f"_{name}", None)
        if special is not None:
            found: Doc = special(node)
            return found
        return self._plain(self._children(node))

    def _children(self, node: Any) -> list[Any]:
        return [child for child in node.getChildren() if not _is(child, "<EOF>")]

    def _plain(self, children: Sequence[Any]) -> Doc:
        """Children in one line, with spaces where they are needed."""
        parts: list[Doc] = []
        previous = ""
        for child in children:
            symbol = getattr(child, "symbol", None)
            if symbol is None and child.getChildCount() == 0:
                continue
            first, last = (symbol, symbol) if symbol is not None else (child.start, child.stop)
            if parts and first.text not in _NOTHING_BEFORE and previous not in _NOTHING_AFTER:
                parts.append(" ")
            parts.append(self.doc(child))
            previous = last.text
        return tuple(parts)

    # ------------------------------------------------------------------------------------------ the library

    def library(self, parts: Sequence[Any]) -> Doc:
        """All definitions and statements, each on its own lines."""
        found: list[Doc] = []
        for part in parts:
            if found:
                found.append(HardLine(self._blank_lines(part)))
            found.append(self._with_leading_comments(part))
        for comment in self.comments.at_end:
            blank = 1 if comment.start in self.comments.blank_before else 0
            found += [HardLine(blank), comment_text(comment)]
        return tuple(found)

    def _blank_lines(self, part: Any) -> int:
        if type(part).__name__ in ("ExpressionDefinitionContext", "FunctionDefinitionContext"):
            return 1
        first = part.start.start
        comments = self.comments.before.get(first, ())
        return 1 if (comments[0].start if comments else first) in self.comments.blank_before else 0

    def _with_leading_comments(self, part: Any) -> Doc:
        """A definition after its leading comments. Of several blank lines between comments, one is kept."""
        first = part.start.start
        comments = self.comments.before.pop(first, [])
        parts: list[Doc] = []
        for at, comment in enumerate(comments):
            blank = 1 if at and comment.start in self.comments.blank_before else 0
            parts += [HardLine(blank), comment_text(comment)]
        if comments:
            parts.append(HardLine(1 if first in self.comments.blank_before else 0))
        return (*parts, self.doc(part))

    def _ExpressionDefinition(self, node: Any) -> Doc:
        children = self._children(node)
        return (self._plain(children[:-1]), Nest((HardLine(), self.doc(children[-1]))))

    def _FunctionDefinition(self, node: Any) -> Doc:
        children = self._children(node)
        opening = next(at for at, child in enumerate(children) if _is(child, "("))
        closing = next(at for at in range(len(children)) if _is(children[at], ")"))
        head = (self._plain(children[:opening]), self._bracketed(children[opening : closing + 1]))
        tail = self._plain(children[closing + 1 : -1])
        returns: Doc = (" ", tail) if len(children) - closing > 3 else tail
        return (head, returns, Nest((HardLine(), self.doc(children[-1]))))

    # ------------------------------------------------------------------------------------------ brackets

    def _bracketed(self, children: Sequence[Any], inner: Doc = NOTHING_OR_LINE) -> Doc:
        """Brackets around parts separated by commas: in one line, or with each part on its own line."""
        opening, *middle, closing = children
        if not middle:
            return (self.doc(opening), self.doc(closing))
        content = Nest((inner, self._comma_separated([piece for child in middle for piece in self._pieces(child)])))
        return Group((self.doc(opening), content, inner, self.doc(closing)))

    def _comma_separated(self, children: Sequence[Any]) -> Doc:
        """Parts separated by commas, with a possible line break after each comma."""
        parts: list[Doc] = []
        current: list[Doc] = []
        for child in children:
            current.append(self.doc(child))
            if _is(child, ","):
                parts.append(tuple(current))
                current = []
        parts.append(tuple(current))
        return separated(parts, SPACE_OR_LINE)

    def _pieces(self, child: Any) -> list[Any]:
        if type(child).__name__ == "ArgumentsContext":
            return self._children(child)
        return [child]

    def _from_bracket(self, node: Any, opening: Sequence[str], inner: Doc, before: str = "") -> Doc:
        """The children before the first opening bracket, then the bracketed rest."""
        children = self._children(node)
        at = next((at for at, child in enumerate(children) if any(_is(child, text) for text in opening)), None)
        if at is None:
            return self._plain(children)
        head = self._plain(children[:at])
        return (head, before if at else "", self._bracketed(children[at:], inner))

    def _NameTerm(self, node: Any) -> Doc:
        return self._from_bracket(node, ("(",), NOTHING_OR_LINE)

    def _MemberTerm(self, node: Any) -> Doc:
        children = self._children(node)
        head = (self.doc(children[0]), self.doc(children[1]), self.doc(children[2]))
        return (head, self._bracketed(children[3:])) if len(children) > 3 else head

    def _IntervalTerm(self, node: Any) -> Doc:
        return self._from_bracket(node, ("[", "("), NOTHING_OR_LINE)

    def _ListTerm(self, node: Any) -> Doc:
        return self._from_bracket(node, ("{",), SPACE_OR_LINE, " ")

    _TupleTerm = _ConceptTerm = _ListTerm

    def _InstanceTerm(self, node: Any) -> Doc:
        children = self._children(node)
        return (self.doc(children[0]), " ", self._bracketed(children[1:], SPACE_OR_LINE))

    def _ParenthesizedTerm(self, node: Any) -> Doc:
        return self._bracketed(self._children(node))

    def _IndexerTerm(self, node: Any) -> Doc:
        children = self._children(node)
        return (self.doc(children[0]), self._bracketed(children[1:]))

    def _generic(self, node: Any) -> Doc:
        return tuple((self.doc(child), " ") if _is(child, ",") else self.doc(child) for child in self._children(node))

    _ListType = _IntervalType = _ChoiceType = _generic

    def _Element(self, node: Any) -> Doc:
        name, colon, value = self._children(node)
        return (self.doc(name), self.doc(colon), Nest((" ", self.doc(value))))

    def _unspaced(self, node: Any) -> Doc:
        return tuple(map(self.doc, self._children(node)))

    _QualifiedIdentifier = _PolarityTerm = _unspaced

    # ------------------------------------------------------------------------------------------ operators

    def _operands(self, node: Any, name: str) -> list[tuple[Any, Any]]:
        """The operands of a chain of operators of the same kind, each with the operator before it."""
        children = self._children(node)
        left, operator, right = children
        if type(left).__name__.removesuffix("Context") == name:
            return [*self._operands(left, name), (operator, right)]
        return [(None, left), (operator, right)]

    def _chain(self, node: Any, name: str) -> Doc:
        parts: list[Doc] = []
        for operator, operand in self._operands(node, name):
            if operator is None:
                parts.append(self.doc(operand))
            else:
                parts.append(Nest((SPACE_OR_LINE, self.doc(operator), " ", self.doc(operand))))
        return Group(tuple(parts))

    def _infix(self, node: Any) -> Doc:
        children = self._children(node)
        return Group((self.doc(children[0]), Nest((SPACE_OR_LINE, self._plain(children[1:])))))

    _TimingExpression = _EqualityExpression = _InequalityExpression = _MembershipExpression = _infix

    def _IfTerm(self, node: Any) -> Doc:
        if_, condition, then, value, else_, other = map(self.doc, self._children(node))
        chosen = Nest((SPACE_OR_LINE, then, " ", value))
        return Group((if_, " ", condition, chosen, Nest((SPACE_OR_LINE, else_, " ", other))))

    def _CaseTerm(self, node: Any) -> Doc:
        children = self._children(node)
        items = [child for child in children if type(child).__name__ == "CaseItemContext"]
        first = children.index(items[0])
        else_, other, end = children[-3:]
        body: list[Doc] = []
        for item in items:
            body += [HardLine(), self._case_item(item)]
        body += [HardLine(), self.doc(else_), " ", self.doc(other)]
        return (self._plain(children[:first]), Nest(tuple(body)), HardLine(), self.doc(end))

    def _case_item(self, node: Any) -> Doc:
        when, condition, then, value = map(self.doc, self._children(node))
        return Group((when, " ", condition, Nest((SPACE_OR_LINE, then, " ", value))))

    # ------------------------------------------------------------------------------------------ queries

    def _TermExpression(self, node: Any) -> Doc:
        children = self._children(node)
        if len(children) == 1:
            return self.doc(children[0])
        source, tail = children
        alias, clauses = self._children(tail)
        return Group((self.doc(source), " ", self.doc(alias), self._clauses(clauses)))

    def _MultiSourceExpression(self, node: Any) -> Doc:
        from_, *sources, clauses = self._children(node)
        listed = Group((self.doc(from_), Nest((SPACE_OR_LINE, self._comma_separated(sources)))))
        return Group((listed, self._clauses(clauses)))

    def _clauses(self, node: Any) -> Doc:
        return Nest(tuple((SPACE_OR_LINE, self.doc(clause)) for clause in self._children(node)))

    def _RelationClause(self, node: Any) -> Doc:
        with_, source, such_that, condition = self._children(node)
        return Group(
            (
                self.doc(with_),
                " ",
                self.doc(source),
                Nest((SPACE_OR_LINE, self.doc(such_that), " ", self.doc(condition))),
            )
        )

    def _WhereClause(self, node: Any) -> Doc:
        where, condition = self._children(node)
        return (self.doc(where), " ", self.doc(condition))

    def _ReturnClause(self, node: Any) -> Doc:
        *words, value = self._children(node)
        return (self._plain(words), Nest((" ", self.doc(value))))

    def _LetClause(self, node: Any) -> Doc:
        let, *items = self._children(node)
        return Group((self.doc(let), " ", Nest(self._comma_separated(items))))
