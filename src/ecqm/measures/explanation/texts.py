"""The texts of the elements of a measure's logic."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ecqm.elm import IndexedLibrary
from ecqm.elm import nodes as elm
from ecqm.elm.narrative import SourceText
from ecqm.elm.nodes.base import children

_BOUNDARIES = {"starts": "start", "ends": "end"}


@dataclass(frozen=True)
class Place:
    """The define that contains an element."""

    library: IndexedLibrary
    definition: elm.ExpressionDef


class ElementTexts:
    """Finds the text of elements; `source_of` gives the CQL of a library, where it is at hand."""

    def __init__(self, source_of: Callable[[IndexedLibrary], str | None]) -> None:
        self._source_of = source_of
        self._texts: dict[str, SourceText] = {}

    def of(self, element: elm.Element, place: Place) -> str | None:
        """The text of an element with that of its operand, which the annotation of some has elsewhere: `starts` in
        `A.period starts before B`, and `latest()` in `A.effective.latest()`. None if it has no text of its own."""
        text = self._annotated(element, place)
        if not text:
            return text
        if isinstance(element, (elm.Start, elm.End)) and text in _BOUNDARIES:
            operand = self._of_operand(element.operand, place)
            return f"{_BOUNDARIES[text]} of {operand}" if operand else text
        if isinstance(element, elm.FunctionRef) and element.operand:
            operand = self._of_operand(element.operand[0], place)
            return f"{operand}.{text}" if operand and operand not in text else text
        return text

    def _annotated(self, element: elm.Element, place: Place) -> str | None:
        key = str(place.library.identifier)
        if key not in self._texts:
            self._texts[key] = SourceText(place.library, self._source_of(place.library))
        return self._texts[key].of(element, place.definition)

    def _of_operand(self, operand: elm.Element | None, place: Place) -> str | None:
        """The text of an operand, or of what an implicit conversion is applied to."""
        if operand is None:
            return None
        inner = (each for each in children(operand) if isinstance(each, elm.Expression))
        return self.of(operand, place) or self._of_operand(next(inner, None), place)
