"""Messages for syntax errors: what was found, what could be there instead, and what may have caused it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from antlr4 import Token
from antlr4.error.ErrorListener import ErrorListener

from ecqm.language.diagnostics import Diagnostic, Span, nearest
from ecqm.language.generated.CqlParser import CqlParser

KEYWORDS = tuple(word for name in CqlParser.literalNames if (word := name.strip("'")).isalpha() and len(word) > 3)
_NAMES = frozenset((CqlParser.IDENTIFIER, CqlParser.DELIMITED_IDENTIFIER, CqlParser.QUOTED_IDENTIFIER))
_MOST_EXPECTED = 6
_TOKENS_BACK = 3


class FirstError(ErrorListener):  # type: ignore[misc]
    """Turns the first error of a parser into a diagnostic."""

    def __init__(self) -> None:
        self.found: Diagnostic | None = None

    def syntaxError(self, recognizer: Any, offendingSymbol: Any, line: int, column: int, msg: str, e: Any) -> None:  # noqa: N803
        if self.found is None:
            knows_expected = e is None or e.ctx is not None
            expected = _token_types(recognizer.getExpectedTokens()) if knows_expected else []
            read = [token for token in recognizer.getTokenStream().tokens if token.start < offendingSymbol.start]
            self.found = _syntax_error(offendingSymbol, expected, read)


def _syntax_error(token: Token, types: list[int], read: Sequence[Token]) -> Diagnostic:
    """The error for a token found where one of `types` was expected; `read` are the tokens before it."""
    at_end = token.type == Token.EOF
    text = "" if at_end else str(token.text)
    expected = _described(types)
    message = "unexpected end" if at_end else f"syntax error at {_shortened(text)!r}"
    if token.type == CqlParser.UNEXPECTED:
        message = f"unexpected character {text!r}"
        if text in "'\"`":
            message, expected = f"missing closing {text}", ()
    return Diagnostic(
        message + _hint(token, read),
        Span(token.line, token.column + 1, token.line, token.column + max(len(text), 1)),
        text=text,
        expected=expected,
        suggestion=_keyword_meant(text, types),
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


def _shortened(text: str) -> str:
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


def _described(types: list[int]) -> tuple[str, ...]:
    """What was expected, in words; empty if that would be a long list."""
    known = set(types)
    if CqlParser.NUMBER in known and CqlParser.IDENTIFIER in known:
        return ("an expression",)
    words = [f"'{_name_of(type_)}'" for type_ in types if type_ not in _NAMES and type_ != Token.EOF]
    if known & _NAMES:
        return ("a name",) if len(words) > _MOST_EXPECTED else ("a name", *words)
    return tuple(words) if len(words) <= _MOST_EXPECTED else ()
