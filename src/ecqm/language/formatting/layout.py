"""Breaking text into lines of limited width at given places.

A document is a text, a tuple of consecutive documents, or one of the classes below. A group is written in one line if
it fits. Otherwise every `Line` directly inside it becomes a line break, and each inner group is decided separately.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias, Union


@dataclass(frozen=True, slots=True)
class Line:
    """A possible line break; `flat` is written instead if the line is not broken here."""

    flat: str = " "


@dataclass(frozen=True, slots=True)
class HardLine:
    """A line break in any case, followed by `blank` empty lines. Has no effect at the start of a line."""

    blank: int = 0


@dataclass(frozen=True, slots=True)
class LastInLine:
    """A text that must end its line, such as a `//` comment; it may make the line too long."""

    text: str


@dataclass(frozen=True, slots=True)
class Nest:
    """Content whose lines are indented further."""

    content: Doc
    indent: int = 2


@dataclass(frozen=True, slots=True)
class Group:
    """Content that is written in one line if it fits."""

    content: Doc


Doc: TypeAlias = Union[str, "tuple[Doc, ...]", Line, HardLine, LastInLine, Nest, Group]
SPACE_OR_LINE = Line()
NOTHING_OR_LINE = Line("")


def separated(parts: list[Doc], separator: Doc) -> Doc:
    """The parts with the separator between them."""
    found: list[Doc] = []
    for part in parts:
        if found:
            found.append(separator)
        found.append(part)
    return tuple(found)


def render(document: Doc, width: int) -> str:
    """The text of a document, in lines of at most `width` characters where possible."""
    return _Renderer(width).render(document)


@dataclass(slots=True)
class _Task:
    indent: int
    flat: bool
    document: Doc


class _Renderer:
    def __init__(self, width: int) -> None:
        self.width = width
        self.lines: list[str] = []
        self.line = ""
        self.is_ended = False

    def render(self, document: Doc) -> str:
        waiting = [_Task(0, False, document)]
        while waiting:
            task = waiting.pop()
            content = task.document
            if isinstance(content, str):
                self._write(content, task.indent)
            elif isinstance(content, tuple):
                waiting.extend(_Task(task.indent, task.flat, part) for part in reversed(content))
            elif isinstance(content, Nest):
                waiting.append(_Task(task.indent + content.indent, task.flat, content.content))
            elif isinstance(content, Group):
                flat = task.flat or self._fits(content.content, waiting)
                waiting.append(_Task(task.indent, flat, content.content))
            elif isinstance(content, HardLine):
                self._break(content.blank)
            elif isinstance(content, LastInLine):
                self.line += content.text
                self.is_ended = True
            elif task.flat:
                if self.line and not self.is_ended:
                    self.line += content.flat
            else:
                self._break(0)
        self._break(0)
        return "\n".join(self.lines).strip("\n") + "\n"

    def _write(self, text: str, indent: int) -> None:
        if self.is_ended:
            self._break(0)
        if not self.line and text:
            self.line = " " * indent
        first, *rest = text.split("\n")
        self.line += first
        for line in rest:
            self.lines.append(self.line.rstrip())
            self.line = line

    def _break(self, blank: int) -> None:
        if self.line:
            self.lines.append(self.line.rstrip())
            self.line = ""
            self.is_ended = False
        while blank and self.lines and sum(1 for line in self.lines[-blank:] if not line) < blank:
            self.lines.append("")

    def _fits(self, document: Doc, following: list[_Task]) -> bool:
        """Whether a group fits into the rest of the line, including the text that directly follows it."""
        left = self.width - len(self.line)
        waiting: list[tuple[bool, Doc]] = [(True, document)]
        rest = len(following)
        while left >= 0:
            if not waiting:
                if rest == 0:
                    return True
                rest -= 1
                waiting.append((following[rest].flat, following[rest].document))
                continue
            flat, content = waiting.pop()
            if isinstance(content, str):
                if "\n" in content:
                    return left >= content.index("\n") and not flat
                left -= len(content)
            elif isinstance(content, tuple):
                waiting.extend((flat, part) for part in reversed(content))
            elif isinstance(content, Nest | Group):
                waiting.append((flat, content.content))
            elif isinstance(content, HardLine):
                return not flat
            elif isinstance(content, LastInLine):
                return True
            elif flat:
                left -= len(content.flat)
            else:
                return True
        return False
