"""References between resources, resolved to row numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt

from ecqm.columns import (
    POOL,
    ChoiceColumn,
    CodeColumn,
    Column,
    ConceptColumn,
    ListColumn,
    NullColumn,
    RecordColumn,
    ResourceColumn,
    Rows,
    StringColumn,
)
from ecqm.data.cohort.table import ResourceTable
from ecqm.data.fhir.compartment import target
from ecqm.types import NamedType

# Kinds of references, other than numbers of resource types: not looked at yet, nothing, a URN, `#id`.
_UNKNOWN, _NOTHING, _URN, _LOCAL = -4, -3, -2, -1


class ReferenceIndex:
    """Finds the row that a reference refers to, among the resources of the same patient."""

    def __init__(self, tables: Mapping[str, ResourceTable]) -> None:
        self._tables = tables
        self._indexes: dict[str, _TableIndex] = {}
        # By string id: what kind of reference it is (a type number, or one of the above), and the id that it names.
        self._kind = np.zeros(0, np.int16)
        self._named = np.zeros(0, np.int32)
        self._type_numbers: dict[str, int] = {}

    def resolve(self, references: Column, patients: Rows, resource_type: str, serials: Rows | None = None) -> Rows:
        """See `Cohort.resolve`."""
        texts = reference_texts(references)
        if texts is None or not len(self._tables.get(resource_type, ())):
            return np.full(len(patients), -1, np.int64)
        return self._rows(texts, patients, resource_type, serials)

    def resolve_any(self, references: Column, patients: Rows, serials: Rows | None = None) -> Column:
        """See `Cohort.resolve_any`."""
        texts = reference_texts(references)
        found: list[Column] = []
        if texts is not None:
            kinds = set(np.unique(self._kinds(texts)).tolist())
            for name, table in self._tables.items():
                # A URN and a local reference may lead to a resource of any type.
                if len(table) and kinds & {_URN, _LOCAL, self._type_number(name)}:
                    rows = self._rows(texts, patients, name, serials)
                    if (rows >= 0).any():
                        found.append(ResourceColumn(table, rows, NamedType("FHIR", name)))
        if not found:
            return NullColumn(len(patients), NamedType("FHIR", "Resource"))
        return found[0] if len(found) == 1 else ChoiceColumn.of(found)

    def _rows(self, texts: StringColumn, patients: Rows, resource_type: str, serials: Rows | None) -> Rows:
        index = self._indexes.get(resource_type)
        if index is None:
            index = self._indexes[resource_type] = _TableIndex(self._tables[resource_type])
        kinds = self._kinds(texts)
        named = np.where(texts.valid, self._named[texts.ids], -1).astype(np.int64)
        mine = (kinds == self._type_number(resource_type)) | (kinds == _URN)
        found = index.by_patient.find(patients, np.where(mine, named, -1))
        if serials is not None and (kinds == _LOCAL).any():
            found = np.where(kinds == _LOCAL, index.by_container.find(serials, named), found)
        return found

    def _type_number(self, resource_type: str) -> int:
        return self._type_numbers.setdefault(resource_type, len(self._type_numbers))

    def _kinds(self, texts: StringColumn) -> npt.NDArray[np.int16]:
        """The kind of reference that each text is. Each string is examined once."""
        if not len(texts.ids) or int(texts.ids.max()) < 0:
            if not len(self._kind):
                self._grow(1)
            return np.full(len(texts), _NOTHING, np.int16)
        self._grow(int(texts.ids.max()) + 1)
        valid = texts.valid
        unknown = texts.ids[valid & (self._kind[texts.ids] == _UNKNOWN)]
        for string_id in set(unknown.tolist()):
            self._kind[string_id], self._named[string_id] = self._understood(POOL.strings[string_id])
        return np.where(valid, self._kind[texts.ids], np.int16(_NOTHING))

    def _grow(self, size: int) -> None:
        more = size - len(self._kind)
        if more > 0:
            self._kind = np.append(self._kind, np.full(more, _UNKNOWN, np.int16))
            self._named = np.append(self._named, np.full(more, -1, np.int32))

    def _understood(self, text: str) -> tuple[int, int]:
        if text.startswith("#"):
            return _LOCAL, POOL.id_of(text[1:])
        named = target(text)
        if named is None:
            return _NOTHING, -1
        return (_URN if named[0] is None else self._type_number(named[0])), POOL.id_of(named[1])


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
    elif isinstance(column, ConceptColumn):
        yield from reference_columns(column.codes, f"{path}.coding", rows[column.parents])
    if isinstance(column, (CodeColumn, ConceptColumn)) and column.beside is not None:
        yield from reference_columns(column.beside, path, rows)


def reference_texts(references: Column) -> StringColumn | None:
    """The strings of a column of FHIR.Reference or of strings; None if there are none."""
    if isinstance(references, RecordColumn):
        references = references.field("reference")
    return references if isinstance(references, StringColumn) else None


class _TableIndex:
    """The ids of one table by patient and by container."""

    def __init__(self, table: ResourceTable) -> None:
        rows = np.arange(len(table), dtype=np.int64)
        ids = table.ids.ids.astype(np.int64)
        open_rows = rows[~table.contained & (ids >= 0)]
        urn_rows = np.fromiter(table.urns, np.int64, len(table.urns))
        urn_ids = POOL.ids_of(list(table.urns.values())).astype(np.int64)
        keys = np.concatenate([ids[open_rows], urn_ids])
        rows_of_keys = np.concatenate([open_rows, urn_rows])
        self.by_patient = _PairIndex(table.patient[rows_of_keys], keys, rows_of_keys)
        inner = rows[table.contained & (ids >= 0)]
        self.by_container = _PairIndex(table.container[inner], ids[inner], inner)


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
