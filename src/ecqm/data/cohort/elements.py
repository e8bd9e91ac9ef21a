"""Decoded structs as columns: each element of a FHIR type becomes a column when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import attrgetter
from typing import Any

import numpy as np

from ecqm.columns import (
    ChoiceColumn,
    CodeColumn,
    Column,
    ConceptColumn,
    ListColumn,
    Mask,
    NullColumn,
    RecordColumn,
    Rows,
)
from ecqm.data.cohort.layouts import LAYOUTS, coding_column, concept_column
from ecqm.data.fhir.schema import Element
from ecqm.data.fhir.structs import ResourceStructs
from ecqm.kernels.segments import offsets_of_lengths
from ecqm.terminology import CodeIndex
from ecqm.types import STRING, CqlType, ListType, NamedType, choice_of

_BLOCK = 512


class ElementNotRead(LookupError):
    """The element was not read, because the demand does not name it."""


@dataclass(frozen=True)
class Reading:
    """The context in which the tables of a cohort are made.

    `default_offset` (minutes east of UTC) is used for date-times without an offset. `report(resource_type, row,
    message)` is called with problems in the rows of a table when a column is made.
    """

    structs: ResourceStructs
    codes: CodeIndex
    default_offset: int
    report: Callable[[str, int, str], None]


class Elements(Mapping[str, Column]):
    """The elements of n values of one FHIR type, by base name; iterates over those that occur in the data.

    The `id` and `extension` of a primitive, whose column has no room for them, are in a record of type FHIR.Element
    under the name with an underscore, as in FHIR's JSON: `_birthDate`. Those of codings and concepts are in records
    beside the codes (`CodeColumn.beside`), which have the given `elements` alone.
    """

    def __init__(
        self,
        values: Sequence[Any],
        type_name: str,
        reading: Reading,
        resource_type: str,
        rows: Rows,
        elements: Mapping[str, Element] | None = None,
    ) -> None:
        self.type_name = type_name
        self._values: Sequence[Any] | None = values
        self._n = len(values)
        self._reading = reading
        self._elements = reading.structs.elements(type_name) if elements is None else elements
        self._resource_type = resource_type
        # The table row of each value, for reports of problems.
        self._rows = rows
        self._columns: dict[str, Column] = {}
        self._absent: frozenset[str] = frozenset()

    def __getitem__(self, name: str) -> Column:
        """The column of an element. Raises KeyError for an element that FHIR does not have, ElementNotRead for one that
        was not read."""
        found = self._columns.get(name)
        if found is None:
            found = self._columns[name] = self._make(name)
        return found

    def __iter__(self) -> Iterator[str]:
        if self._values and not self._absent:
            self._absent = frozenset(self._values[0].__struct_fields__).difference(
                self._occurring(self._values[0].__struct_fields__)
            )
        for name, element in self._elements.items():
            if name != "contained":
                if not isinstance(self[name], NullColumn):
                    yield name
                if self._has_sibling(element) and not isinstance(self["_" + name], NullColumn):
                    yield "_" + name

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def settle(self) -> None:
        """Make every column, at every depth, and free the structs that they are made from."""
        for name in self:
            _settle(self[name])
        self._values = None

    def _make(self, name: str) -> Column:
        element = self._elements.get(name.removeprefix("_"))
        if element is None:
            names = {element.name for element in self._reading.structs.schema.elements(self.type_name)}
            if name.removeprefix("_") in names:
                raise ElementNotRead(f"{self.type_name}.{name} was not read: the demand does not name it")
            raise KeyError(name)
        if self._values is None:
            return NullColumn(self._n)
        if name.startswith("_"):
            return self._sibling(element)
        types = dict(element.json_names)
        occurring = self._occurring(list(types))
        columns = (self._of_values(self._get(name), types[name], element.repeated) for name in occurring)
        alternatives = [column for column in columns if not isinstance(column, NullColumn)]
        if not alternatives:
            return NullColumn(self._n, _column_type(element))
        if len(alternatives) == 1:
            return alternatives[0]
        return _one_of(alternatives)

    def _occurring(self, names: Sequence[str]) -> Sequence[str]:
        """The values under those of some JSON names that occur. There may be many names (the value of an extension has
        fifty): structs are examined a few at a time, so that they are still in the processor's cache for the next name.
        """
        missing = dict.fromkeys(names)
        if self._absent:
            return [name for name in names if name not in self._absent]
        if len(missing) == 1:
            return names
        values = self._values or ()
        for start in range(0, len(values), _BLOCK):
            block = values[start : start + _BLOCK]
            for name in list(missing):
                if list(map(attrgetter(name), block)).count(None) < len(block):
                    del missing[name]
        return [name for name in names if name not in missing]

    def _get(self, json_name: str) -> list[Any]:
        return list(map(attrgetter(json_name), self._values or ()))

    def _of_values(self, values: list[Any], type_name: str, repeated: bool) -> Column:
        if repeated:
            return self._list(values, lambda items, rows: self._single(items, type_name, rows))
        return self._single(values, type_name, self._rows)

    def _list(self, values: list[Any], of_items: Callable[[list[Any], Rows], Column]) -> Column:
        present = [items for items in values if items is not None]
        if not present:
            return NullColumn(self._n)
        lengths = np.array([0 if items is None else len(items) for items in values], np.int64)
        valid = lengths > 0
        column = of_items(list(chain.from_iterable(present)), np.repeat(self._rows, lengths))
        return ListColumn(offsets_of_lengths(lengths), column, valid)

    def _single(self, values: list[Any], type_name: str, rows: Rows) -> Column:
        """A column of the values of one type (None where there is none), whose table rows are `rows`."""
        present = [value for value in values if value is not None]
        n = len(values)
        type_ = fhir_type(type_name)
        if not present:
            return NullColumn(n, type_)
        valid = _mask(values, len(present))
        if type_name == "CodeableConcept":
            return self._concepts(present, values, valid, type_, rows)
        if type_name == "Coding":
            beside = self._beside(values, "Coding", rows)
            return coding_column(present, valid, type_, self._reading.codes, beside)
        primitive = self._reading.structs.schema.primitive(type_name)
        if primitive is not None:
            layout = LAYOUTS[primitive]
            return layout(present, valid, type_, self._reading.default_offset, self._reporter(rows[valid]))
        return self._record(present, valid, type_name, rows)

    def _record(
        self,
        present: list[Any],
        valid: Mask,
        type_name: str,
        rows: Rows,
        elements: Mapping[str, Element] | None = None,
    ) -> RecordColumn:
        fields = Elements(present, type_name, self._reading, self._resource_type, rows[valid], elements)
        places = np.where(valid, np.cumsum(valid) - 1, -1)
        return RecordColumn(fields, places, NamedType("FHIR", type_name))

    def _concepts(self, present: list[Any], values: list[Any], valid: Mask, type_: CqlType, rows: Rows) -> Column:
        lengths = [len(concept.coding or ()) for concept in present]
        codings = list(chain.from_iterable(concept.coding or () for concept in present))
        return concept_column(
            present,
            valid,
            type_,
            self._reading.codes,
            self._beside(values, "CodeableConcept", rows),
            self._beside(codings, "Coding", np.repeat(rows[valid], lengths)),
        )

    def _beside(self, values: list[Any], type_name: str, rows: Rows) -> RecordColumn | None:
        """What values of a coded type (None where there is none) hold that a column of codes has no room for, as
        records; None if there is nothing."""
        elements = self._reading.structs.beside(type_name)
        names = [name for element in elements.values() for name, _ in element.json_names]
        there = [value for value in values if value is not None]
        if all(list(map(attrgetter(name), there)).count(None) == len(there) for name in names):
            return None
        laden = [None if value is None or _is_bare(value, names) else value for value in values]
        present = [value for value in laden if value is not None]
        return self._record(present, _mask(laden, len(present)), type_name, rows, elements)

    def _has_sibling(self, element: Element) -> bool:
        structs = self._reading.structs
        return structs.demand.reads_extensions(self.type_name) and any(
            structs.schema.primitive(type_name) for type_name in element.types
        )

    def _sibling(self, element: Element) -> Column:
        """What the primitives of an element hold beside their values: of a choice, whichever type has it."""
        schema = self._reading.structs.schema
        names = ["_" + json_name for json_name, type_name in element.json_names if schema.primitive(type_name)]
        first = next(iter(self._values or ()), None)
        values: list[Any] = []
        for name in self._occurring([name for name in names if hasattr(first, name)]):
            more = self._get(name)
            values = [old if new is None else new for old, new in zip(values, more, strict=True)] if values else more
        if not values:
            return NullColumn(self._n, NamedType("FHIR", "Element"))
        if not element.repeated:
            return self._siblings(values, self._rows)
        column = self._list(values, self._siblings)
        if isinstance(column, ListColumn) and isinstance(column.values, NullColumn):
            return NullColumn(self._n, NamedType("FHIR", "Element"))
        return column

    def _siblings(self, values: list[Any], rows: Rows) -> Column:
        """Records of the siblings of n primitives that hold anything."""
        laden = [None if value is None or _is_bare(value, _OF_ELEMENT) else value for value in values]
        present = [value for value in laden if value is not None]
        if not present:
            return NullColumn(len(values), NamedType("FHIR", "Element"))
        return self._record(present, _mask(laden, len(present)), "Element", rows)

    def _reporter(self, rows: Rows) -> Callable[[int, str], None]:
        return lambda place, message: self._reading.report(self._resource_type, int(rows[place]), message)


_OF_ELEMENT = ("id", "extension")


def _is_bare(value: Any, names: Sequence[str]) -> bool:
    return all(getattr(value, name, None) is None for name in names)


def _mask(values: list[Any], present: int) -> Mask:
    if present == len(values):
        return np.ones(len(values), np.bool_)
    return np.array([value is not None for value in values], np.bool_)


def fhir_type(type_name: str) -> CqlType:
    """The type of columns of a FHIR type."""
    return STRING if type_name.startswith("System.") else NamedType("FHIR", type_name)


def _column_type(element: Element) -> CqlType:
    type_ = choice_of(map(fhir_type, element.types))
    return ListType(type_) if element.repeated else type_


def _one_of(alternatives: list[Column]) -> Column:
    """A choice. If a resource has several types at once, which FHIR forbids, the first one is taken."""
    taken = np.zeros(len(alternatives[0]), np.bool_)
    exclusive = []
    for column in alternatives:
        valid = column.valid
        exclusive.append(column.where(~taken) if (valid & taken).any() else column)
        taken |= valid
    return ChoiceColumn.of(exclusive)


def _settle(column: Column) -> None:
    if isinstance(column, RecordColumn) and isinstance(column.fields, Elements):
        column.fields.settle()
    elif isinstance(column, ListColumn):
        _settle(column.values)
    elif isinstance(column, CodeColumn) and column.beside is not None:
        _settle(column.beside)
    elif isinstance(column, ConceptColumn):
        _settle(column.codes)
        if column.beside is not None:
            _settle(column.beside)
    elif isinstance(column, ChoiceColumn):
        for alternative in column.alternatives:
            _settle(alternative)
