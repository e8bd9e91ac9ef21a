"""Records: tuples and structured values of a model, and references to rows of a resource table."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, Self

import numpy as np

from ecqm.columns.base import Column
from ecqm.columns.join import concat
from ecqm.columns.null import NullColumn
from ecqm.kernels.arrays import Mask, Rows
from ecqm.kernels.segments import combine_keys
from ecqm.types import CqlType, TupleType
from ecqm.values.structure import Identified


class IndexedColumn(Column):
    """Structured values that are kept elsewhere: `rows` (n) are their places there, -1 is null. Rows of the column are
    moved by moving the places; an element is gathered when it is used."""

    def __init__(self, rows: Rows, type_: CqlType) -> None:
        self.rows = rows
        self.type = type_

    @abstractmethod
    def at(self, rows: Rows) -> Self:
        """The values at other places."""

    @abstractmethod
    def field(self, name: str) -> Column:
        """The values of an element (n); nulls if there is no such element."""

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def valid(self) -> Mask:
        return self.rows >= 0

    def take(self, rows: Rows) -> Self:
        return self.at(self.rows[rows])

    def where(self, keep: Mask) -> Self:
        return self.at(np.where(keep, self.rows, -1))

    def nulls(self, n: int) -> Self:
        return self.at(np.full(n, -1, np.int64))


class RecordColumn(IndexedColumn):
    """Tuples and structured values of a model; `rows` are places in the named `fields`, columns of one length."""

    def __init__(self, fields: Mapping[str, Column], rows: Rows, type_: CqlType) -> None:
        super().__init__(rows, type_)
        self.fields = fields
        self._picked: dict[str, Column] = {}

    @classmethod
    def of(cls, fields: Mapping[str, Column], valid: Mask, type_: CqlType) -> RecordColumn:
        """Records from `fields` of n rows each, null where not `valid` (mask, n)."""
        return cls(fields, np.where(valid, np.arange(len(valid)), -1), type_)

    def at(self, rows: Rows) -> RecordColumn:
        return RecordColumn(self.fields, rows, self.type)

    def layout(self) -> Hashable:
        # The order of a tuple's elements does not count; those of different types are elements of a choice.
        return RecordColumn, frozenset(self.fields) if isinstance(self.type, TupleType) else self.type

    def field(self, name: str) -> Column:
        found = self._picked.get(name)
        if found is None:
            base = self.fields.get(name)
            found = self._picked[name] = NullColumn(len(self)) if base is None else base.pick(self.rows)
        return found

    def concat(self, others: Sequence[RecordColumn]) -> RecordColumn:
        parts = (self, *others)
        if all(part.fields is self.fields for part in others):
            return self.at(np.concatenate([part.rows for part in parts]))
        names = list(dict.fromkeys(name for part in parts for name in part.fields))
        fields = {name: concat([part.field(name) for part in parts]) for name in names}
        type_ = self.type
        if any(part.type != type_ for part in others):
            type_ = TupleType(tuple((name, field.type) for name, field in fields.items()))
        return RecordColumn.of(fields, np.concatenate([part.valid for part in parts]), type_)

    def keys(self) -> Rows:
        if not self.fields:
            return np.where(self.valid, 0, -1)
        return np.where(self.valid, combine_keys(*(self.field(name).keys() for name in self.fields)), -1)


class ResourceTable(Protocol):
    """What a resource column needs of the cohort: the resources of one type, with their elements as columns."""

    model: str
    resource_type: str

    def __len__(self) -> int: ...

    def element(self, name: str) -> Column:
        """The values of an element for all rows of the table. Raises KeyError if the type has no such element."""


@dataclass(frozen=True, slots=True)
class ResourceRow(Identified):
    """A resource as a scalar value: a row of a table."""

    table: ResourceTable
    row: int


class ResourceColumn(IndexedColumn):
    """Resources; `rows` are rows of a `table`."""

    def __init__(self, table: ResourceTable, rows: Rows, type_: CqlType) -> None:
        super().__init__(rows, type_)
        self.table = table

    def at(self, rows: Rows) -> ResourceColumn:
        return ResourceColumn(self.table, rows, self.type)

    def layout(self) -> Hashable:
        return ResourceColumn, id(self.table)

    def field(self, name: str) -> Column:
        try:
            element = self.table.element(name)
        except KeyError:
            return NullColumn(len(self))
        return element if self._is_whole_table else element.pick(self.rows)

    @cached_property
    def _is_whole_table(self) -> bool:
        n = len(self.table)
        return len(self.rows) == n and bool((self.rows == np.arange(n)).all())

    def concat(self, others: Sequence[ResourceColumn]) -> ResourceColumn:
        return self.at(np.concatenate([self.rows, *(other.rows for other in others)]))

    def keys(self) -> Rows:
        return self.rows
