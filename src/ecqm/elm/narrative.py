"""The source text of ELM nodes: from the narrative in a definition's annotation, or by their locators in the CQL."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Any

from ecqm.elm.library import IndexedLibrary
from ecqm.elm.nodes import Element, ExpressionDef
from ecqm.elm.nodes.base import walk

_LOCATOR = re.compile(r"(\d+):(\d+)(?:-(\d+):(\d+))?")


@dataclass(frozen=True)
class Span:
    """A part of the source text, as texts and inner spans. `node` is the localId of its ELM node, or None."""

    node: str | None
    parts: tuple[str | Span, ...]

    @property
    def text(self) -> str:
        """The whole text."""
        return "".join(part if isinstance(part, str) else part.text for part in self.parts)

    def __iter__(self) -> Iterator[Span]:
        """This span and all spans in it, outermost first."""
        yield self
        for part in self.parts:
            if isinstance(part, Span):
                yield from part


def narrative(definition: ExpressionDef) -> Span | None:
    """The text of a definition from its annotation, with line breaks; None without an annotation."""
    for annotation in definition.annotation or ():
        if isinstance(annotation, dict) and annotation.get("s") is not None:
            return _span(annotation["s"])
    return None


def _span(span: Any) -> Span:
    if isinstance(span, list):
        return Span(None, tuple(map(_span, span)))
    if not isinstance(span, dict):
        return Span(None, ())
    node, value, inner = span.get("r"), span.get("value"), span.get("s") or ()
    text = "".join(map(str, value if isinstance(value, list) else () if value is None else (value,)))
    within = map(_span, inner if isinstance(inner, list) else (inner,))
    return Span(node if isinstance(node, str) else None, (*((text,) if text else ()), *within))


def narrated(definition: ExpressionDef) -> dict[str, str]:
    """The text of each node of a definition by localId, from its annotation; empty without an annotation."""
    found: dict[str, str] = {}
    for span in narrative(definition) or ():
        if span.node is not None:
            # Spans of the same node are nested: the outermost, which comes first, has all of its text.
            found.setdefault(span.node, span.text)
    return found


class SourceText:
    """The source text of the nodes of one library. `source` is its CQL, if available."""

    def __init__(self, library: IndexedLibrary, source: str | None = None) -> None:
        self._library = library
        self._lines = source.splitlines() if source is not None else []
        self._narrated: dict[str, dict[str, str]] = {}

    def of(self, element: Element, definition: ExpressionDef) -> str | None:
        """The text of a node in a definition, on one line; None if it is unknown."""
        texts = self._narrated.get(definition.name)
        if texts is None:
            texts = self._narrated[definition.name] = narrated(definition)
        text = texts.get(element.localId or "")
        if text is None and element.locator is not None:
            text = "\n".join(self._located(element.locator))
        return " ".join(text.split()) or None if text is not None else None

    def span(self, definition: ExpressionDef) -> Span | None:
        """The text of a definition with its layout and its nodes; None if it is unknown."""
        annotated = narrative(definition)
        if annotated is not None or definition.locator is None or not self._lines:
            return annotated
        nodes = [(self._range(node.locator), node.localId) for node in walk(definition) if isinstance(node, Element)]
        placed = [(*range_, node) for range_, node in nodes if range_ is not None and node is not None]
        whole = self._range(definition.locator)
        if whole is None:
            return None
        # Outermost first. Nodes with the same text are already in this order.
        placed.sort(key=lambda each: (each[0], -each[1]))
        return _nested("\n".join(self._lines), (*whole, definition.localId or ""), placed)

    def _range(self, locator: str | None) -> tuple[int, int] | None:
        """The start and end of a locator in the whole source; None if it is outside of the source."""
        place = _place(locator)
        if place is None or not 1 <= place[0] <= place[2] <= len(self._lines):
            return None
        first, start, last, end = place
        starts = self._starts
        return starts[first - 1] + start - 1, starts[last - 1] + end

    @cached_property
    def _starts(self) -> list[int]:
        """The start of each line in the whole source."""
        return [0, *accumulate(len(line) + 1 for line in self._lines)]

    def _located(self, locator: str) -> Iterator[str]:
        place = _place(locator)
        if place is None:
            return
        first, start, last, end = place
        for number in range(first, min(last, len(self._lines)) + 1):
            line = self._lines[number - 1]
            yield line[start - 1 if number == first else 0 : end if number == last else len(line)]


def _place(locator: str | None) -> tuple[int, int, int, int] | None:
    """The first line and column of a locator, and the last; None if it is malformed."""
    found = _LOCATOR.fullmatch(locator or "")
    if found is None:
        return None
    line, column = int(found[1]), int(found[2])
    return line, column, int(found[3] or line), int(found[4] or column)


_Placed = tuple[int, int, str]


def _nested(source: str, whole: _Placed, inner: list[_Placed]) -> Span:
    """The span of `whole`, which is (start, end, node), with those of `inner`, which are ordered by their starts."""
    start, end, node = whole
    parts: list[str | Span] = []
    at, place = start, 0
    while place < len(inner):
        first, last, _ = inner[place]
        after = place + 1
        while after < len(inner) and inner[after][0] < last:
            after += 1
        if first >= at and last <= end and inner[place] != whole:
            parts += [source[at:first], _nested(source, inner[place], inner[place + 1 : after])]
            at = last
            place = after
        else:
            place += 1
    return Span(node, (*(part for part in (*parts, source[at:end]) if part),))
