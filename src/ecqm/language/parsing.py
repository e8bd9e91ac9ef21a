"""Parsing: from source text to parse tree, with useful syntax errors.

Parsing has two stages. The first uses ANTLR's faster SLL prediction, which suffices for sources without syntax errors.
Only if it fails, the source is parsed again with LL prediction. In this second stage a library is parsed statement by
statement, so that an error in one statement neither hides nor causes errors in others. The first error of each
statement is reported.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from antlr4 import CommonTokenStream, InputStream, ParserRuleContext, Token
from antlr4.atn.PredictionMode import PredictionMode
from antlr4.error.ErrorListener import ErrorListener
from antlr4.error.Errors import ParseCancellationException
from antlr4.error.ErrorStrategy import BailErrorStrategy
from antlr4.ListTokenSource import ListTokenSource

from ecqm.language.diagnostics import Diagnostic, Diagnostics, Span, nearest
from ecqm.language.generated.CqlLexer import CqlLexer
from ecqm.language.generated.CqlParser import CqlParser
from ecqm.language.parse_trees import definition_of

DEEPEST_NESTING = 200
DEEPEST_CASE = 50
DEEPEST_TYPE = 50
_RECURSION_LIMIT = 20_000
_OPENING, _CLOSING = frozenset("([{"), frozenset(")]}")
_GENERIC = frozenset(("List", "Interval", "Choice"))
_MOST_EXPECTED = 6
_TOKENS_BACK = 3
KEYWORDS = tuple(word for name in CqlParser.literalNames if (word := name.strip("'")).isalpha() and len(word) > 3)
_NAMES = frozenset((CqlParser.IDENTIFIER, CqlParser.DELIMITED_IDENTIFIER, CqlParser.QUOTED_IDENTIFIER))
_DEFINITIONS = frozenset(("using", "include", "codesystem", "valueset", "code", "concept", "parameter"))
_STANDALONE = {
    "libraryDefinition": "standaloneHeader",
    "definition": "standaloneDefinition",
    "statement": "standaloneStatement",
}
_ACCESS = frozenset(("public", "private"))


@dataclass(frozen=True, slots=True)
class ParsedSource:
    """The parse trees of the parts of a library, or of one expression.

    `damaged` holds the ids (`id(…)`) of the parts with syntax errors.
    """

    header: ParserRuleContext | None = None
    definitions: Sequence[ParserRuleContext] = ()
    statements: Sequence[ParserRuleContext] = ()
    expression: ParserRuleContext | None = None
    damaged: frozenset[int] = frozenset()

    def is_whole(self, context: ParserRuleContext) -> bool:
        """Whether a part has no syntax errors."""
        return id(context) not in self.damaged


@contextmanager
def deep_recursion() -> Iterator[None]:
    """Raise the recursion limit, for parsing and translating expressions nested up to DEEPEST_NESTING levels."""
    previous = sys.getrecursionlimit()
    sys.setrecursionlimit(max(previous, _RECURSION_LIMIT))
    try:
        yield
    finally:
        sys.setrecursionlimit(previous)


class _Errors(ErrorListener):  # type: ignore[misc]
    """Turns the first error of a parser into a diagnostic."""

    def __init__(self) -> None:
        self.found: list[Diagnostic] = []

    def syntaxError(self, recognizer: Any, offendingSymbol: Any, line: int, column: int, msg: str, e: Any) -> None:  # noqa: N803
        if self.found:
            return
        knows = e is None or e.ctx is not None
        read = [token for token in recognizer.getTokenStream().tokens if token.start < offendingSymbol.start]
        self.complain(offendingSymbol, _token_types(recognizer.getExpectedTokens()) if knows else [], read)

    def complain(self, token: Token, types: list[int], read: Sequence[Token] = ()) -> None:
        """Report a token found where one of `types` was expected, unless there is already an error; `read` are the
        tokens before it."""
        if self.found:
            return
        at_end = token.type == Token.EOF
        text = "" if at_end else str(token.text)
        expected = _describe(types)
        message = "unexpected end" if at_end else f"syntax error at {_shorten(text)!r}"
        if token.type == CqlParser.UNEXPECTED:
            message = f"unexpected character {text!r}"
            if text in "'\"`":
                message, expected = f"missing closing {text}", ()
        message += _hint(token, read)
        self.found.append(
            Diagnostic(
                message,
                Span(token.line, token.column + 1, token.line, token.column + max(len(text), 1)),
                text=text,
                expected=expected,
                suggestion=_keyword_meant(text, types),
            )
        )


def _hint(token: Token, read: Sequence[Token]) -> str:
    """What may have caused a syntax error at a token further up: a quote or a bracket that is missing."""
    for string in (token, *reversed(read[-_TOKENS_BACK:])):
        text = str(string.text)
        if string.type == CqlParser.STRING and "\n" in text:
            return f"; the string from line {string.line} ends only here: is a quote missing?"
    if token.type != Token.EOF:
        return ""
    opened: list[Token] = []
    for each in read:
        if each.text in ("(", "[", "{"):
            opened.append(each)
        elif each.text in (")", "]", "}"):
            # The brackets of an interval need not be of one kind.
            if not opened or (opened[-1].text == "{") != (each.text == "}"):
                return ""
            opened.pop()
    return f"; the {opened[-1].text!r} in line {opened[-1].line} is not closed" if opened else ""


def _shorten(text: str) -> str:
    return text if len(text) <= 40 else text[:37] + "…"


def _token_types(expected: Any) -> list[int]:
    intervals = getattr(expected, "intervals", None) or ()
    return [type_ for interval in intervals for type_ in interval]


def _name_of(token_type: int) -> str:
    if token_type == Token.EOF:
        return "the end"
    literal = CqlParser.literalNames[token_type] if token_type < len(CqlParser.literalNames) else "<INVALID>"
    if literal != "<INVALID>":
        return str(literal).strip("'")
    return str(CqlParser.symbolicNames[token_type]).replace("_", " ").lower()


def _keyword_meant(text: str, types: list[int]) -> str | None:
    """The keyword most similar to a misspelled one: an expected keyword, or any keyword that is very similar."""
    if not text.isalpha():
        return None
    expected = [name for name in map(_name_of, types) if name.isalpha()]
    return nearest(text, expected) or nearest(text, KEYWORDS, cutoff=0.8)


def _describe(types: list[int]) -> tuple[str, ...]:
    known = set(types)
    if CqlParser.NUMBER in known and CqlParser.IDENTIFIER in known:
        return ("an expression",)
    words = [f"'{_name_of(type_)}'" for type_ in types if type_ not in _NAMES and type_ != Token.EOF]
    if known & _NAMES:
        return ("a name",) if len(words) > _MOST_EXPECTED else ("a name", *words)
    return tuple(words) if len(words) <= _MOST_EXPECTED else ()


def _too_deep(tokens: Sequence[Token]) -> Token | None:
    """The first token that exceeds the nesting limit of brackets, cases or type arguments; None if there is none."""
    brackets = types = cases = 0
    previous = ""
    for token in tokens:
        text = token.text
        if text in _OPENING:
            brackets += 1
        elif text in _CLOSING:
            brackets -= 1
        elif text == "<" and previous in _GENERIC:
            types += 1
        elif text == ">" and types:
            types -= 1
        elif text == "case":
            cases += 1
        elif previous == "end" and text != "of" and cases:
            cases -= 1
        previous = text
        if brackets > DEEPEST_NESTING or types > DEEPEST_TYPE or cases > DEEPEST_CASE:
            return token
    return None


def _report_depth(diagnostics: Diagnostics, token: Token) -> None:
    span = Span(token.line, token.column + 1, token.line, token.column + 1)
    diagnostics.add(Diagnostic("nested too deeply", span, text=token.text))


def lex(source: str) -> list[Token]:
    """The tokens of a source, with comments on the hidden channel."""
    lexer = CqlLexer(InputStream(source))
    lexer.removeErrorListeners()
    return list(lexer.getAllTokens())


@dataclass(slots=True)
class _Attempt:
    """One run of the parser over a sequence of tokens; `errors` holds its first error."""

    tokens: Sequence[Token]
    errors: _Errors = field(default_factory=_Errors)

    def run(self, rule: str, *, thorough: bool) -> ParserRuleContext:
        """The tree of a rule. Unless `thorough`, raises ParseCancellationException at the first error."""
        for token in self.tokens:
            token.tokenIndex = -1
        parser = CqlParser(CommonTokenStream(ListTokenSource(list(self.tokens))))
        parser.removeErrorListeners()
        if thorough:
            parser._interp.predictionMode = PredictionMode.LL
            parser.addErrorListener(self.errors)
        else:
            parser._interp.predictionMode = PredictionMode.SLL
            parser._errHandler = BailErrorStrategy()
        return getattr(parser, rule)()


def parse(source: str, diagnostics: Diagnostics, rule: str = "library") -> ParsedSource | None:
    """Parse `source` by `rule` ('library' or 'standaloneExpression'); errors go to `diagnostics`.

    Returns None if the source is nested too deeply to be parsed.
    """
    tokens = [token for token in lex(source) if token.channel == Token.DEFAULT_CHANNEL]
    deep = _too_deep(tokens)
    if deep is not None:
        _report_depth(diagnostics, deep)
        return None
    try:
        with deep_recursion():
            try:
                tree = _Attempt(tokens).run(rule, thorough=False)
                if rule != "library":
                    return ParsedSource(expression=tree)
                return ParsedSource(tree.libraryDefinition(), tree.definition(), tree.statement())
            except ParseCancellationException:
                if rule == "library":
                    return _parse_statements(tokens, diagnostics)
                return _parse_thoroughly(tokens, rule, diagnostics)
    except RecursionError:
        _report_depth(diagnostics, tokens[0])
        return None


def _parse_thoroughly(tokens: Sequence[Token], rule: str, diagnostics: Diagnostics) -> ParsedSource:
    attempt = _Attempt(tokens)
    tree = attempt.run(rule, thorough=True)
    for error in attempt.errors.found:
        diagnostics.add(error)
    return ParsedSource(expression=tree, damaged=frozenset((id(tree),)) if attempt.errors.found else frozenset())


def _parse_statements(tokens: Sequence[Token], diagnostics: Diagnostics) -> ParsedSource:
    """Parse each definition and statement separately."""
    parts: dict[str, list[ParserRuleContext]] = {"libraryDefinition": [], "definition": [], "statement": []}
    damaged: set[int] = set()
    for part, chunk in _chunks(tokens):
        attempt = _Attempt(chunk)
        tree = getattr(attempt.run(_STANDALONE[part], thorough=True), part)()
        if tree is not None:
            parts[part].append(tree)
        for error in attempt.errors.found:
            diagnostics.add(replace(error, definition=definition_of(tree)))
            damaged.add(id(tree))
    header = parts["libraryDefinition"][0] if parts["libraryDefinition"] else None
    return ParsedSource(header, parts["definition"], parts["statement"], damaged=frozenset(damaged))


def _chunks(tokens: Sequence[Token]) -> Iterator[tuple[str, Sequence[Token]]]:
    """The tokens split where a definition or statement begins, each chunk with the grammar rule for it.

    'define' always begins a statement, unless it follows a dot. The other keywords may also be names: they count only
    at the start of a line, and keywords of definitions only before the first statement.
    """
    start, rule = 0, "libraryDefinition" if tokens and tokens[0].text == "library" else "definition"
    in_statements = False
    for at, token in enumerate(tokens):
        text = token.text
        begins_line = at == 0 or tokens[at - 1].line < token.line
        next_rule = None
        if (text == "define" and (at == 0 or tokens[at - 1].text != ".")) or (text == "context" and begins_line):
            next_rule, in_statements = "statement", True
        elif begins_line and not in_statements and (text in _DEFINITIONS or text in _ACCESS):
            next_rule = "definition"
        if next_rule is not None:
            if at > start:
                yield rule, tokens[start:at]
            start, rule = at, next_rule
    if tokens[start:]:
        yield rule, tokens[start:]
