"""The comments of a source, and where the formatter has to write them."""

from __future__ import annotations

from antlr4 import Token

from ecqm.language.parsing import lex


class Comments:
    """The comments of a source, by the position of the token to which they belong: `before` it, or `behind` it in its
    line; `at_end` those after the last token."""

    def __init__(self, source: str) -> None:
        self.before: dict[int, list[Token]] = {}
        self.behind: dict[int, list[Token]] = {}
        self.at_end: list[Token] = []
        self._after_blank: set[int] = set()
        waiting: list[Token] = []
        previous: Token | None = None
        last_line = 0
        for token in lex(source):
            is_comment = token.channel != Token.DEFAULT_CHANNEL
            if is_comment and previous is not None and token.line == _end_line(previous) and not waiting:
                self.behind.setdefault(previous.start, []).append(token)
            else:
                if token.line > last_line + 1:
                    self._after_blank.add(token.start)
                if is_comment:
                    waiting.append(token)
                elif waiting:
                    self.before[token.start] = waiting
                    waiting = []
            if not is_comment:
                previous = token
            last_line = _end_line(token)
        self.at_end = waiting

    def blank_lines_before(self, position: int) -> int:
        """The blank lines to keep before the token or comment at a position: 1 or 0."""
        return 1 if position in self._after_blank else 0


def _end_line(token: Token) -> int:
    return int(token.line) + str(token.text).count("\n")


def comment_text(token: Token) -> str:
    """The text of a comment, without spaces at the ends of lines."""
    lines = str(token.text).rstrip().split("\n")
    return "\n".join(line.rstrip() for line in lines)
