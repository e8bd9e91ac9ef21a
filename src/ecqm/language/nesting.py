"""The limits of nesting, which keep the recursion of the parser and of the translation bounded."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from antlr4 import Token

DEEPEST_NESTING = 200
DEEPEST_CASE = 50
DEEPEST_TYPE = 50
_RECURSION_LIMIT = 20_000
_OPENING, _CLOSING = frozenset("([{"), frozenset(")]}")
_GENERIC = frozenset(("List", "Interval", "Choice"))


@contextmanager
def deep_recursion() -> Iterator[None]:
    """Raise the recursion limit, for parsing and translating expressions nested up to DEEPEST_NESTING levels."""
    previous = sys.getrecursionlimit()
    sys.setrecursionlimit(max(previous, _RECURSION_LIMIT))
    try:
        yield
    finally:
        sys.setrecursionlimit(previous)


def too_deep(tokens: Sequence[Token]) -> Token | None:
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
