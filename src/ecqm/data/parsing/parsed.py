"""Parsed resources by type: rows with their fields, and further columns.

| column | |
|---|---|
| @patient | the patient row |
| @key | a number of its own; -1 for a contained resource |
| @container | the key of the resource that a contained one is in; -1 for others |
| @json | the place of its JSON in spools; -1 for a contained one |
| @file, @entry, @urn | where it was read, and its fullUrl if that is a URN |
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import Self

import numpy as np
import pyarrow as pa

from ecqm.columns import Mask, Rows
from ecqm.data.cohort.gathering import Repeat, repeats_among
from ecqm.data.fhir.schema import fhir_schema
from ecqm.data.fhir.structs import UNREADABLE, Unreadable
from ecqm.data.fhir.unknown import UnknownElements
from ecqm.data.parsing.encoding import Encodings, numbers_of
from ecqm.data.parsing.links import Links, links_of
from ecqm.data.parsing.nested import Arrays
from ecqm.data.parsing.shapes import Parsed, ShapedParser
from ecqm.data.store.spool import decode_identity


class ParsedTable:
    """Resources of one type."""

    def __init__(self, rows: pa.Table) -> None:
        self._rows = rows.combine_chunks()
        self.encodings = Encodings()

    @classmethod
    def of(cls, parsed: Parsed, origins: pa.Table, **numbers: Rows) -> Self:
        """The resources that could be parsed, with their origin (file, entry, urn) and further columns of numbers."""
        beside = {f"@{name}": pa.array(values) for name, values in numbers.items()}
        beside |= {f"@{name}": origins[name] for name in ("file", "entry", "urn")}
        rows = pa.table({**beside, **parsed.arrays})
        if parsed.unreadable:
            kept = np.ones(len(rows), np.bool_)
            kept[list(parsed.unreadable)] = False
            rows = rows.filter(pa.array(kept))
        return cls(rows)

    @staticmethod
    def merged(parts: Sequence[ParsedTable]) -> ParsedTable:
        """The rows of several tables, in the order of patients."""
        if len(parts) == 1:
            return parts[0]
        table = ParsedTable(pa.concat_tables([part._rows for part in parts], promote_options="permissive"))
        return table.take(np.argsort(table.numbers("patient"), kind="stable"))

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def arrays(self) -> Arrays:
        """The fields."""
        return {name: self.column(name) for name in self._rows.column_names if not name.startswith("@")}

    @property
    def ids(self) -> pa.DictionaryArray:
        """The logical ids."""
        if "id" not in self._rows.column_names:
            return pa.nulls(len(self), pa.utf8()).dictionary_encode()
        return self.encodings.of(self.column("id"))

    @property
    def contained(self) -> Mask:
        """A mask of the rows that are contained in others."""
        return self.numbers("container") >= 0

    def column(self, name: str) -> pa.Array:
        """A field, or a further column."""
        return self._rows[name].chunk(0)

    def numbers(self, name: str) -> Rows:
        """A further column of numbers: patient, key, container or json."""
        numbers: Rows = self.column(f"@{name}").to_numpy()
        return numbers

    def take(self, places: Rows, **replaced: Rows) -> ParsedTable:
        """The rows at some places, with new values for some columns of numbers."""
        rows = self._rows.take(pa.array(places))
        for name, numbers in replaced.items():
            rows = rows.set_column(rows.schema.get_field_index(f"@{name}"), f"@{name}", pa.array(numbers))
        return ParsedTable(rows)

    def links(self) -> Iterator[Links]:
        """All references, with the rows that they are in."""
        return links_of(self.arrays, self.encodings)

    def repeats(self, one_per_patient: bool, json: pa.ChunkedArray) -> Iterator[Repeat]:
        """The rows that a patient has a second time (see `ecqm.data.cohort.gathering.repeats`); `json` by place."""
        own = np.flatnonzero(~self.contained)
        patient, number = self.numbers("patient")[own], numbers_of(self.ids)[own]
        if one_per_patient:
            number = np.zeros(len(own), np.int64)
        elif len(self) == len(self.ids.dictionary):
            return
        keys = patient * (len(self.ids.dictionary) + 1) + number + 1
        order = np.argsort(keys, kind="stable")
        same = keys[order][1:] == keys[order][:-1]
        if not same.any():
            return
        places = own[np.sort(order[np.append(same, False) | np.append(False, same)])]
        patients = self.numbers("patient")[places].tolist()
        ids = [""] * len(places) if one_per_patient else self.ids.take(pa.array(places)).to_pylist()
        found = json.take(pa.array(self.numbers("json")[places])).to_pylist()
        yield from repeats_among(zip(places.tolist(), zip(patients, ids, strict=True), found, strict=True))


class ParsedResources:
    """Spooled resources with the resources they contain. The key of a resource is its place among them.

    `unreadable` has the keys of resources that cannot be read, with the errors; `unreadable_contained` the same for
    contained ones, with the keys of their containers. `unparsed` is JSON that may have references which are not in the
    tables, with the key of the resource that it is, or is in. `unknown` are the elements that FHIR does not have.
    """

    def __init__(self, parser: ShapedParser, spooled: pa.Table) -> None:
        self._parser = parser
        self._spooled = spooled
        self._inner: dict[str, list[tuple[int, bytes]]] = {}
        self.tables: dict[str, ParsedTable] = {}
        self.contained: dict[str, ParsedTable] = {}
        self.unreadable: list[tuple[int, Unreadable]] = []
        self.unreadable_contained: list[tuple[int, Unreadable]] = []
        self.unparsed: list[tuple[int, bytes]] = []
        self.unknown = UnknownElements[int]()

    def add(self, resource_type: str, places: Rows, patients: Rows) -> None:
        """Add the resources of one type at some places, with their patient rows (in order)."""
        lines = self._lines(places)
        if not self._is_wanted(resource_type):
            self.unreadable += self._refused(resource_type, zip(places.tolist(), lines.to_pylist(), strict=True))
            return
        parsed = self._parser.parse(resource_type, lines)
        self.unreadable += [(int(places[row]), error) for row, error in parsed.unreadable.items()]
        rows = sorted(parsed.made_plain - parsed.unreadable.keys())
        for key, raw in zip(places[rows].tolist(), lines.take(pa.array(rows, pa.int64())).to_pylist(), strict=True):
            self.unparsed.append((key, raw))
            # What has unknown elements is among what had to be made plain.
            self.unknown.look(resource_type, raw, key)
        for row, raws in parsed.contained.items():
            for raw in map(bytes, raws):
                self._inner.setdefault(_type_of(raw), []).append((int(places[row]), raw))
        nowhere = np.full(len(places), -1)
        table = ParsedTable.of(
            parsed, self._origins(places), patient=patients, key=places, container=nowhere, json=places
        )
        if len(table):
            self.tables[resource_type] = table

    def add_contained(self, patient_of: Rows) -> None:
        """Add the resources contained in those that were added; `patient_of` has the patient row of each key."""
        for name, found in self._inner.items():
            if not self._is_wanted(name):
                self.unreadable_contained += self._refused(name, found)
                self.unparsed += found
                continue
            # In the order of patients, like all rows.
            found.sort(key=lambda each: int(patient_of[each[0]]))
            lines = pa.array([raw for _, raw in found], pa.large_binary())
            containers = np.array([key for key, _ in found])
            parsed = self._parser.parse(name, lines)
            self.unreadable_contained += [(found[row][0], error) for row, error in parsed.unreadable.items()]
            self.unparsed += [found[row] for row in parsed.made_plain | parsed.contained.keys()]
            nowhere = np.full(len(found), -1)
            table = ParsedTable.of(
                parsed,
                self._origins(containers).set_column(2, "urn", pa.nulls(len(found), pa.utf8())),
                patient=patient_of[containers],
                key=nowhere,
                container=containers,
                json=nowhere,
            )
            if len(table):
                self.contained[name] = table

    @cached_property
    def links(self) -> Sequence[tuple[Rows, Links]]:
        """All references, and for each row of their table the key of the resource that it is, or is in."""
        of_keys = [(table.numbers("key"), table.links()) for table in self.tables.values()]
        of_keys += [(table.numbers("container"), table.links()) for table in self.contained.values()]
        return [(keys, each) for keys, links in of_keys for each in links]

    def _is_wanted(self, resource_type: str) -> bool:
        return resource_type != "Bundle" and fhir_schema().is_resource(resource_type)

    def _refused(self, resource_type: str, resources: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, Unreadable]]:
        """Those of some resources that cannot be read, with their keys."""
        structs = self._parser.structs(resource_type)
        for key, raw in resources:
            try:
                structs.read(raw)
            except Unreadable as error:
                yield key, error

    def _lines(self, places: Rows) -> pa.Array:
        return self._spooled["json"].take(pa.array(places)).combine_chunks()

    def _origins(self, places: Rows) -> pa.Table:
        return self._spooled.select(["file", "entry", "urn"]).take(pa.array(places))


def _type_of(raw: bytes) -> str:
    """The type of a resource; empty if it cannot be read."""
    try:
        return decode_identity(raw).resourceType
    except UNREADABLE:
        return ""
