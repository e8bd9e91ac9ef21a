"""The source text of ELM nodes: from the narrative in a definition's annotation, or by their place in the source."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ecqm.elm.library import IndexedLibrary
from ecqm.elm.nodes import Element, ExpressionDef

_LOCATOR = re.compile(r"(\d+):(\d+)(?:-(\d+):(\d+))?")


def narrated(definition: ExpressionDef) -> dict[str, str]:
    """The text of each node of a definition by localId, as its annotation tells it; empty without one."""
    found: dict[str, str] = {}
    for annotation in definition.annotation or ():
        if isinstance(annotation, dict) and annotation.get("s") is not None:
            _gather(annotation["s"], found)
    return found


def _gather(span: Any, found: dict[str, str]) -> str:
    """The text of a span of narrative; that of every span in it that names a node is put into `found`."""
    if isinstance(span, list):
        return "".join(_gather(part, found) for part in span)
    if not isinstance(span, dict):
        return ""
    text = "".join(map(str, span.get("value") or ())) + _gather(span.get("s") or [], found)
    if span.get("r") is not None:
        # Spans of one node lie in one another: the outermost, which is done last, has all of its text.
        found[span["r"]] = text
    return text


class SourceText:
    """The words that the nodes of one library were made from; `source` is its CQL, where that is at hand."""

    def __init__(self, library: IndexedLibrary, source: str | None = None) -> None:
        self._library = library
        self._lines = source.splitlines() if source is not None else []
        self._narrated: dict[str, dict[str, str]] = {}

    def of(self, element: Element, definition: ExpressionDef) -> str | None:
        """The text of a node that stands in a definition, on one line; None where nothing tells it."""
        texts = self._narrated.get(definition.name)
        if texts is None:
            texts = self._narrated[definition.name] = narrated(definition)
        text = texts.get(element.localId or "")
        if text is None and element.locator is not None:
            text = "\n".join(self._located(element.locator))
        return " ".join(text.split()) or None if text is not None else None

    def _located(self, locator: str) -> Iterator[str]:
        place = _LOCATOR.fullmatch(locator)
        if place is None:
            return
        first, start = int(place[1]), int(place[2])
        last, end = int(place[3] or place[1]), int(place[4] or place[2])
        for number in range(first, min(last, len(self._lines)) + 1):
            line = self._lines[number - 1]
            yield line[start - 1 if number == first else 0 : end if number == last else len(line)]
