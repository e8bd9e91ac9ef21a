"""Laying out text that may be broken into lines in some places, in the fewest lines that are not too long.

A document is a text, or a tuple of documents one after the other, or one of the classes below. A group is laid out in
one line if it fits, else each of its own lines is broken; the groups inside it decide for themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias, Union


@dataclass(frozen=True, slots=True)
class Line:
    """A place to break at: `flat` stands there when it is not broken."""

    flat: str = " "


@dataclass(frozen=True, slots=True)
class HardLine:
    """A break in any case, after `blank` empty lines. At the start of a line it breaks no further."""

    blank: int = 0


@dataclass(frozen=True, slots=True)
class LastInLine:
    """A text that ends its line, whatever follows; it may make the line too long."""

    text: str


@dataclass(frozen=True, slots=True)
class Nest:
    """Lines inside are indented further."""

    content: Doc
    indent: int = 2


@dataclass(frozen=True, slots=True)
class Group:
    """What is laid out in one line if it fits."""

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
    """The text of a document in lines of at most `width` characters, where that is possible."""
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
        """Whether a group fits into what is left of the line, with the text that is stuck to its end."""
        left = self.width - max(len(self.line), 0)
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
