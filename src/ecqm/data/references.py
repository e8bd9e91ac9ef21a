"""References between resources, resolved to row numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from ecqm.columns import (
    POOL,
    ChoiceColumn,
    Column,
    ListColumn,
    NullColumn,
    RecordColumn,
    ResourceColumn,
    Rows,
    StringColumn,
)
from ecqm.data.compartment import target
from ecqm.data.table import ResourceTable
from ecqm.types import NamedType


class ReferenceIndex:
    """Finds the row that a reference means, among the resources of the same patient."""

    def __init__(self, tables: Mapping[str, ResourceTable]) -> None:
        self._tables = tables
        self._indexes: dict[str, _TableIndex] = {}

    def resolve(self, references: Column, patients: Rows, resource_type: str, serials: Rows | None = None) -> Rows:
        """See `Cohort.resolve`."""
        table = self._tables.get(resource_type)
        texts = reference_texts(references)
        if table is None or not len(table) or texts is None:
            return np.full(len(patients), -1, np.int64)
        index = self._indexes.get(resource_type)
        if index is None:
            index = self._indexes[resource_type] = _TableIndex(table)
        return index.rows(texts, patients, serials)

    def resolve_any(self, references: Column, patients: Rows, serials: Rows | None = None) -> Column:
        """See `Cohort.resolve_any`."""
        found: list[Column] = []
        for name, table in self._tables.items():
            rows = self.resolve(references, patients, name, serials)
            if (rows >= 0).any():
                found.append(ResourceColumn(table, rows, NamedType("FHIR", name)))
        if not found:
            return NullColumn(len(patients), NamedType("FHIR", "Resource"))
        return found[0] if len(found) == 1 else ChoiceColumn.of(found)


def reference_columns(column: Column, path: str, rows: Rows) -> Iterator[tuple[str, RecordColumn, Rows]]:
    """All columns of FHIR.Reference in a column of elements, with their paths and the table row of each value."""
    if isinstance(column, ListColumn):
        yield from reference_columns(column.values, path, rows[column.parents])
    elif isinstance(column, ChoiceColumn):
        for alternative in column.alternatives:
            yield from reference_columns(alternative, path, rows)
    elif isinstance(column, RecordColumn):
        if column.type == NamedType("FHIR", "Reference"):
            yield path, column, rows
        for name in column.fields:
            yield from reference_columns(column.field(name), f"{path}.{name}", rows)


def reference_texts(references: Column) -> StringColumn | None:
    """The strings of a column of FHIR.Reference or of strings; None if there are none."""
    if isinstance(references, RecordColumn):
        references = references.field("reference")
    return references if isinstance(references, StringColumn) else None


class _TableIndex:
    """The ids of one table by patient and by container."""

    def __init__(self, table: ResourceTable) -> None:
        self._resource_type = table.resource_type
        rows = np.arange(len(table), dtype=np.int64)
        ids = table.ids.ids.astype(np.int64)
        open_rows = rows[~table.contained & (ids >= 0)]
        urn_rows = np.fromiter(table.urns, np.int64, len(table.urns))
        urn_ids = POOL.ids_of(list(table.urns.values())).astype(np.int64)
        keys = np.concatenate([ids[open_rows], urn_ids])
        rows_of_keys = np.concatenate([open_rows, urn_rows])
        self._by_patient = _PairIndex(table.patient[rows_of_keys], keys, rows_of_keys)
        inner = rows[table.contained & (ids >= 0)]
        self._by_container = _PairIndex(table.container[inner], ids[inner], inner)

    def rows(self, texts: StringColumn, patients: Rows, serials: Rows | None) -> Rows:
        keys, local = self._keys(texts)
        found = self._by_patient.find(patients, keys)
        if serials is not None and (local >= 0).any():
            found = np.where(local >= 0, self._by_container.find(serials, local), found)
        return found

    def _keys(self, texts: StringColumn) -> tuple[Rows, Rows]:
        """Per reference the string id of the id (or URN) that it names, and that of a local one (`#id`); else -1."""
        distinct: dict[int, tuple[int, int]] = {-1: (-1, -1)}
        for string_id in set(texts.ids.tolist()) - {-1}:
            text = POOL.strings[string_id]
            if text.startswith("#"):
                distinct[string_id] = (-1, POOL.id_of(text[1:]))
                continue
            named = target(text)
            mine = named is not None and named[0] in (None, self._resource_type)
            distinct[string_id] = (POOL.id_of(named[1]) if named is not None and mine else -1, -1)
        pairs = np.array([distinct[string_id] for string_id in texts.ids.tolist()], np.int64).reshape(-1, 2)
        return pairs[:, 0], pairs[:, 1]


class _PairIndex:
    """Rows by a pair of numbers (a patient or container, a string id); the first row where several have the same."""

    def __init__(self, first: Rows, second: Rows, rows: Rows) -> None:
        self._radix = int(second.max(initial=0)) + 1
        packed = first * self._radix + second
        order = np.argsort(packed, kind="stable")
        self._packed = packed[order]
        self._rows = rows[order]

    def find(self, first: Rows, second: Rows) -> Rows:
        """The row of each pair, -1 where there is none."""
        if not len(self._packed):
            return np.full(len(second), -1, np.int64)
        packed = first * self._radix + second
        place = np.minimum(np.searchsorted(self._packed, packed), len(self._packed) - 1)
        hit = (self._packed[place] == packed) & (second >= 0) & (second < self._radix)
        return np.where(hit, self._rows[place], -1)
