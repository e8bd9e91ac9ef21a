"""The elements of one QDM data type in a cohort, and the patients themselves, with their attributes as columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any

import numpy as np

from ecqm.columns import Column, ListColumn, Mask, NullColumn, Rows, StringColumn
from ecqm.data.cohort.elements import ElementNotRead
from ecqm.data.cohort.table import Origin
from ecqm.data.qdm.columns import AttributeColumns
from ecqm.data.qdm.schema import CODES, PATIENT
from ecqm.data.qdm.structs import STORE_ID, QdmStructs
from ecqm.kernels.segments import offsets_of_parents
from ecqm.types import CODE, STRING, ListType


class QdmTable:
    """Data elements of one type: row i belongs to patient row `patient[i]` (non-decreasing).

    `serial` numbers the elements of a cohort across its tables. QDM has neither contained elements nor profiles:
    whether something was done is told by its `negationRationale`.
    """

    model = "QDM"

    def __init__(
        self,
        resource_type: str,
        elements: Sequence[Any],
        patient: Rows,
        n_patients: int,
        first_serial: int,
        columns: AttributeColumns,
        structs: QdmStructs,
        origin: Callable[[int], Origin],
    ) -> None:
        self.resource_type = resource_type
        self.patient = patient
        self.offsets = offsets_of_parents(patient, n_patients)
        self.serial: Rows = first_serial + np.arange(len(patient))
        self._elements: Sequence[Any] = elements
        self._columns_of = columns
        self._structs = structs
        self._origin = origin
        self._columns: dict[str, Column] = {}

    def __len__(self) -> int:
        return len(self.patient)

    def __repr__(self) -> str:
        return f"<QdmTable {self.resource_type} × {len(self)}>"

    def element(self, name: str) -> Column:
        """The column of an attribute over all rows.

        `dataElementCodes` has all codes of each element, `code` the first. Raises KeyError for what the data type does
        not have, ElementNotRead for what the demand left out.
        """
        found = self._columns.get(name)
        if found is None:
            found = self._columns[name] = self._make(name)
        return found

    def _make(self, name: str) -> Column:
        if name == "code":
            return self._first_code()
        if name == "id":
            return self._columns_of.column(self._identifiers(), STRING, np.arange(len(self)))
        attribute = self._structs.attributes(self.resource_type).get(name)
        if attribute is None:
            if name in self._structs.schema.attributes(self.resource_type):
                raise ElementNotRead(f"{self.resource_type}.{name} was not read: the demand does not name it")
            raise KeyError(name)
        values = list(map(attrgetter(name), self._elements))
        rows = np.arange(len(values))
        if self._structs.annotation(attribute) is Any:
            values = self._columns_of.shaped(values, attribute.type, rows)
        return self._columns_of.column(values, attribute.type, rows)

    def _identifiers(self) -> list[str | None]:
        """The names of the elements: their own, otherwise those that their store gave them."""
        values = map(attrgetter("id"), self._elements)
        if self.resource_type == PATIENT:
            return list(map(_identifier, values))
        stored = map(attrgetter(STORE_ID), self._elements)
        return [_identifier(other if own is None else own) for own, other in zip(values, stored, strict=True)]

    def _first_code(self) -> Column:
        """The first code of each element: its `code`, as logic sees it."""
        codes = self.element(CODES)
        if not isinstance(codes, ListColumn):
            return NullColumn(len(self), CODE)
        return codes.values.pick(np.where(codes.lengths > 0, codes.offsets[:-1], -1))

    @property
    def contained(self) -> Mask:
        """A mask of the elements that are contained in others: none are."""
        return np.zeros(len(self), np.bool_)

    @property
    def ids(self) -> StringColumn:
        """The identifiers of the elements."""
        column = self.element("id")
        return column if isinstance(column, StringColumn) else StringColumn(np.full(len(self), -1, np.int32))

    @property
    def profiles(self) -> ListColumn:
        """None: QDM's data types have no profiles that an element could declare."""
        return ListColumn(
            np.zeros(len(self) + 1, np.int64), StringColumn(np.zeros(0, np.int32)), None, ListType(STRING)
        )

    def origin(self, row: int) -> Origin:
        """Where an element was read: its document, and its number there (from 0)."""
        return self._origin(row)

    def settle(self) -> None:
        """Make all columns now and free what they are made from."""
        for name in self._structs.attributes(self.resource_type):
            self.element(name)
        if CODES in self._columns:
            self.element("code")
        self._elements = ()


def _identifier(value: Any) -> str | None:
    """The name of an element: text, or in older data an object that holds it."""
    if isinstance(value, dict):
        value = value.get("value")
    return None if value is None else str(value)
