"""Source text to parse tree: the generated parser, driven fast, with errors a developer can act on.

Prediction runs in two stages: SLL, which is all that well-formed libraries need, and full LL only for a source that
SLL refuses. Recovery from errors happens in the second stage, so that all errors of a source are reported at once.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from antlr4 import CommonTokenStream, InputStream, Token
from antlr4.atn.PredictionMode import PredictionMode
from antlr4.error.ErrorListener import ErrorListener
from antlr4.error.Errors import ParseCancellationException
from antlr4.error.ErrorStrategy import BailErrorStrategy

from ecqm.language.diagnostics import Diagnostic, Diagnostics, Span, nearest
from ecqm.language.generated.CqlLexer import CqlLexer
from ecqm.language.generated.CqlParser import CqlParser

DEEPEST_NESTING = 200
_RECURSION_LIMIT = 20_000
_OPENING, _CLOSING = frozenset("([{"), frozenset(")]}")
_MOST_EXPECTED = 6
_NAMES = frozenset((CqlParser.IDENTIFIER, CqlParser.DELIMITED_IDENTIFIER, CqlParser.QUOTED_IDENTIFIER))


@dataclass(frozen=True, slots=True)
class ParsedSource:
    """A parse tree and its tokens; `damaged` are the token indexes at which syntax errors were found."""

    tree: Any
    tokens: CommonTokenStream
    damaged: tuple[int, ...]


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

    def __init__(self, diagnostics: Diagnostics) -> None:
        self.diagnostics = diagnostics
        self.damaged: list[int] = []

    def syntaxError(self, recognizer: Any, offendingSymbol: Any, line: int, column: int, msg: str, e: Any) -> None:
        token = offendingSymbol
        self.damaged.append(token.tokenIndex)
        text = "" if token.type == Token.EOF else token.text
        where = "at the end of the source" if token.type == Token.EOF else f"at {_shorten(text)!r}"
        expected = recognizer.getExpectedTokens() if e is None or e.ctx is not None else ()
        types = _token_types(expected)
        described = _describe(types)
        keywords = [_name_of(type_) for type_ in types]
        suggestion = nearest(text, [word for word in keywords if word.isalpha()]) if text.isalpha() else None
        message = f"missing text {where}" if token.type == Token.EOF else f"syntax error {where}"
        if token.type == CqlParser.UNEXPECTED:
            message = f"unexpected character {text!r}"
            if text in "'\"`":
                message = f"a text or name that begins with {text} is never closed"
                described = ()
        span = Span(line, column + 1, line, column + max(len(text), 1))
        self.diagnostics.add(Diagnostic(message, span, text=text, expected=described, suggestion=suggestion))


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


def _describe(types: list[int]) -> tuple[str, ...]:
    known = set(types)
    if CqlParser.NUMBER in known and CqlParser.IDENTIFIER in known:
        return ("an expression",)
    words = [f"'{_name_of(type_)}'" for type_ in types if type_ not in _NAMES]
    if known & _NAMES:
        return ("a name",) if len(words) > _MOST_EXPECTED else ("a name", *words)
    return tuple(words) if len(words) <= _MOST_EXPECTED else ()


def _too_deep(tokens: CommonTokenStream) -> Any | None:
    """The first bracket nested deeper than DEEPEST_NESTING, if there is one."""
    depth = 0
    for token in tokens.tokens:
        text = token.text
        if text in _OPENING:
            depth += 1
            if depth > DEEPEST_NESTING:
                return token
        elif text in _CLOSING:
            depth -= 1
    return None


def _report_depth(diagnostics: Diagnostics, token: Any) -> None:
    span = Span(token.line, token.column + 1, token.line, token.column + 1)
    diagnostics.add(Diagnostic(f"nested deeper than {DEEPEST_NESTING} levels", span, text=token.text))


def parse(source: str, diagnostics: Diagnostics, rule: str = "library") -> ParsedSource | None:
    """Parse `source` by `rule` ('library' or 'standaloneExpression'); errors go to `diagnostics`.

    None only when there is no tree to speak of (nested too deeply).
    """
    lexer = CqlLexer(InputStream(source))
    lexer.removeErrorListeners()
    tokens = CommonTokenStream(lexer)
    tokens.fill()
    deep = _too_deep(tokens)
    if deep is not None:
        _report_depth(diagnostics, deep)
        return None
    parser = CqlParser(tokens)
    parser.removeErrorListeners()
    default_strategy = parser._errHandler
    try:
        with deep_recursion():
            try:
                parser._errHandler = BailErrorStrategy()
                parser._interp.predictionMode = PredictionMode.SLL
                return ParsedSource(getattr(parser, rule)(), tokens, ())
            except ParseCancellationException:
                tokens.seek(0)
                parser.reset()
                parser._errHandler = default_strategy
                parser._interp.predictionMode = PredictionMode.LL
                listener = _Errors(diagnostics)
                parser.addErrorListener(listener)
                return ParsedSource(getattr(parser, rule)(), tokens, tuple(listener.damaged))
    except RecursionError:
        _report_depth(diagnostics, parser.getCurrentToken())
        return None
