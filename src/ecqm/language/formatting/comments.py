"""The comments of a source, and where the formatter has to write them."""

from __future__ import annotations

from typing import Any

from antlr4 import Token

from ecqm.language.parsing import lex


class Comments:
    """The comments of a source, by the position of the token to which they belong: `before` it, or `behind` it in its
    line; `at_end` those after the last token. `blank_before` has the positions of what follows a blank line."""

    def __init__(self, source: str) -> None:
        self.before: dict[int, list[Any]] = {}
        self.behind: dict[int, list[Any]] = {}
        self.at_end: list[Any] = []
        self.blank_before: set[int] = set()
        waiting: list[Any] = []
        previous: Any = None
        last_line = 0
        for token in lex(source):
            if token.channel != Token.DEFAULT_CHANNEL:
                if previous is not None and token.line == _end_line(previous) and not waiting:
                    self.behind.setdefault(previous.start, []).append(token)
                else:
                    if token.line > last_line + 1:
                        self.blank_before.add(token.start)
                    waiting.append(token)
            else:
                if token.line > last_line + 1:
                    self.blank_before.add(token.start)
                if waiting:
                    self.before[token.start] = waiting
                    waiting = []
                previous = token
            last_line = _end_line(token)
        self.at_end = waiting


def _end_line(token: Any) -> int:
    return int(token.line) + str(token.text).count("\n")


def comment_text(token: Any) -> str:
    """The text of a comment, without spaces at the ends of lines."""
    lines = str(token.text).rstrip().split("\n")
    return "\n".join(line.rstrip() for line in lines)
