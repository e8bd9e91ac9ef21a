"""Source text to parse tree: the generated parser, driven fast, with errors a developer can act on.

Prediction runs in two stages: SLL, which is all that well-formed sources need, and full LL only for a source that SLL
refuses. In the second stage a library is parsed statement by statement, so that an error in one of them neither hides
nor causes errors in the others; of each statement the first error is reported.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from antlr4 import CommonTokenStream, InputStream, Token
from antlr4.atn.PredictionMode import PredictionMode
from antlr4.error.ErrorListener import ErrorListener
from antlr4.error.Errors import ParseCancellationException
from antlr4.error.ErrorStrategy import BailErrorStrategy
from antlr4.ListTokenSource import ListTokenSource

from ecqm.language.diagnostics import Diagnostic, Diagnostics, Span, nearest
from ecqm.language.generated.CqlLexer import CqlLexer
from ecqm.language.generated.CqlParser import CqlParser

DEEPEST_NESTING = 200
DEEPEST_CASE = 50
DEEPEST_TYPE = 50
_RECURSION_LIMIT = 20_000
_OPENING, _CLOSING = frozenset("([{"), frozenset(")]}")
_GENERIC = frozenset(("List", "Interval", "Choice"))
_MOST_EXPECTED = 6
_KEYWORDS = tuple(word for name in CqlParser.literalNames if (word := name.strip("'")).isalpha() and len(word) > 3)
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
    """The parse tree of a library in its parts, or of one expression. `damaged` holds the identities of the parts in
    which there are syntax errors."""

    header: Any = None
    definitions: Sequence[Any] = ()
    statements: Sequence[Any] = ()
    expression: Any = None
    damaged: frozenset[int] = frozenset()

    def is_whole(self, context: Any) -> bool:
        """Whether a part was parsed without errors."""
        return id(context) not in self.damaged


@contextmanager
def deep_recursion() -> Iterator[None]:
    """Room for the recursion of parsing and translating expressions as deep as DEEPEST_NESTING allows."""
    previous = sys.getrecursionlimit()
    sys.setrecursionlimit(max(previous, _RECURSION_LIMIT))
    try:
        yield
    finally:
        sys.setrecursionlimit(previous)


class _Errors(ErrorListener):  # type: ignore[misc]
    """Turns the parser's complaints into diagnostics."""

    def __init__(self) -> None:
        self.found: list[Diagnostic] = []

    def syntaxError(self, recognizer: Any, offendingSymbol: Any, line: int, column: int, msg: str, e: Any) -> None:
        knows = not self.found and (e is None or e.ctx is not None)
        self.complain(offendingSymbol, _token_types(recognizer.getExpectedTokens()) if knows else [])

    def complain(self, token: Any, types: list[int]) -> None:
        """Report a token where one of other types was expected, unless something was reported before."""
        if self.found:
            return
        at_end = token.type == Token.EOF
        text = "" if at_end else str(token.text)
        expected = _describe(types)
        message = "something is missing at the end of this" if at_end else f"syntax error at {_shorten(text)!r}"
        if token.type == CqlParser.UNEXPECTED:
            message = f"unexpected character {text!r}"
            if text in "'\"`":
                message, expected = f"a text or name that begins with {text} is never closed", ()
        self.found.append(
            Diagnostic(
                message,
                Span(token.line, token.column + 1, token.line, token.column + max(len(text), 1)),
                text=text,
                expected=expected,
                suggestion=_keyword_meant(text, types),
            )
        )


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
    """The keyword that a name was probably meant to be: one of those expected, else any that is very near."""
    if not text.isalpha():
        return None
    expected = [name for name in map(_name_of, types) if name.isalpha()]
    return nearest(text, expected) or nearest(text, _KEYWORDS, cutoff=0.8)


def _describe(types: list[int]) -> tuple[str, ...]:
    known = set(types)
    if CqlParser.NUMBER in known and CqlParser.IDENTIFIER in known:
        return ("an expression",)
    words = [f"'{_name_of(type_)}'" for type_ in types if type_ not in _NAMES and type_ != Token.EOF]
    if known & _NAMES:
        return ("a name",) if len(words) > _MOST_EXPECTED else ("a name", *words)
    return tuple(words) if len(words) <= _MOST_EXPECTED else ()


def _too_deep(tokens: Sequence[Any]) -> Any | None:
    """The first bracket, case or type argument nested deeper than DEEPEST_NESTING, if there is one."""
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


def _report_depth(diagnostics: Diagnostics, token: Any) -> None:
    span = Span(token.line, token.column + 1, token.line, token.column + 1)
    diagnostics.add(Diagnostic("nested too deeply", span, text=token.text))


def lex(source: str) -> list[Any]:
    """The tokens of a source, comments among them on the hidden channel."""
    lexer = CqlLexer(InputStream(source))
    lexer.removeErrorListeners()
    return list(lexer.getAllTokens())


@dataclass(slots=True)
class _Attempt:
    """A parser over some tokens. It reports the first error, if any."""

    tokens: Sequence[Any]
    errors: _Errors = field(default_factory=_Errors)

    def run(self, rule: str, *, thorough: bool) -> Any:
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
        tree = getattr(parser, rule)()
        return tree


def parse(source: str, diagnostics: Diagnostics, rule: str = "library") -> ParsedSource | None:
    """Parse `source` by `rule` ('library' or 'standaloneExpression'); errors go to `diagnostics`.

    None only when there is no tree to speak of (nested too deeply).
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


def _parse_thoroughly(tokens: Sequence[Any], rule: str, diagnostics: Diagnostics) -> ParsedSource:
    attempt = _Attempt(tokens)
    tree = attempt.run(rule, thorough=True)
    for error in attempt.errors.found:
        diagnostics.add(error)
    return ParsedSource(expression=tree, damaged=frozenset((id(tree),)) if attempt.errors.found else frozenset())


def _parse_statements(tokens: Sequence[Any], diagnostics: Diagnostics) -> ParsedSource:
    """Each definition and statement by itself."""
    parts: dict[str, list[Any]] = {"libraryDefinition": [], "definition": [], "statement": []}
    damaged: set[int] = set()
    for part, chunk in _chunks(tokens):
        attempt = _Attempt(chunk)
        tree = getattr(attempt.run(_STANDALONE[part], thorough=True), part)()
        if tree is not None:
            parts[part].append(tree)
        for error in attempt.errors.found:
            diagnostics.add(error)
            damaged.add(id(tree))
    header = parts["libraryDefinition"][0] if parts["libraryDefinition"] else None
    return ParsedSource(header, parts["definition"], parts["statement"], damaged=frozenset(damaged))


def _chunks(tokens: Sequence[Any]) -> Iterator[tuple[str, Sequence[Any]]]:
    """The tokens parted where a definition or statement begins, each part with the rule that it should follow.

    'define' is no name unless after a dot; the other words are names too, and begin something only at the start of a
    line, and those of definitions only before the first statement.
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
