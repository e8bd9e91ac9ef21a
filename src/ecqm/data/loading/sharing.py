"""Shared resources, many at a time: which patients of a shard refer to them, and rows of them for these patients."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property, lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ecqm.columns import Rows
from ecqm.data.cohort.assembly import References
from ecqm.data.fhir.demand import Demand
from ecqm.data.fhir.schema import fhir_schema
from ecqm.data.fhir.structs import Unreadable
from ecqm.data.loading.shared_index import SharedIndex
from ecqm.data.parsing.links import Links
from ecqm.data.parsing.parsed import ParsedResources, ParsedTable
from ecqm.data.parsing.shapes import ShapedParser
from ecqm.data.store.spool import Spool, decode_identity, read_batches


class Linked(NamedTuple):
    """References that resources of some patients have: the patient rows, and what each refers to ("Location/1", a
    URN)."""

    patients: Rows
    names: pa.Array


class SharedResources:
    """The shared resources that those of a shard refer to, directly or through others.

    A pair (patient, resource) is the number patient * n + place, of n shared resources. If several have the same name,
    the last one counts.
    """

    def __init__(
        self, index: SharedIndex, parser: ShapedParser, own: ParsedResources, linked: Linked | None = None
    ) -> None:
        """`own` are the resources of the patients of the shard, `linked` the references in others of theirs."""
        self._linked_before = linked
        self._types = pa.array(sorted(index.types), pa.utf8())
        self._has_urns = index.has_urns
        self._references = References(index.types)
        self._own = own
        self.spooled = index.reachable(self._named_in(own)) if index.types else Spool.SCHEMA.empty_table()
        self._n = len(self.spooled)
        self._resources = ParsedResources(parser, self.spooled)
        encoded = self.spooled["type"].combine_chunks().dictionary_encode()
        number = encoded.indices.to_numpy()
        for which, name in enumerate(encoded.dictionary.to_pylist()):
            places = np.flatnonzero(number == which)
            self._resources.add(name, places, np.zeros(len(places), np.int64))
        self._resources.add_contained(np.zeros(self._n, np.int64))
        self._place_of = dict(self._named())
        self._names = pa.array(self._place_of, pa.utf8())
        self._places = np.fromiter(self._place_of.values(), np.int64)
        self._links = self._pairs(self._resources, np.arange(self._n))

    def _named_in(self, resources: ParsedResources) -> set[str]:
        """The names of shared resources in references."""
        found = [names.drop_null() for _, _, names in self._linked(resources)]
        if self._linked_before is not None:
            found.append(self._linked_before.names)
        named = set(pa.chunked_array(found, pa.utf8()).unique().to_pylist())
        return named.union(*(self._references.names(raw) for _, raw in resources.unparsed))

    def _linked(self, resources: ParsedResources) -> Iterator[tuple[Rows, Links, pa.Array]]:
        """The references of each field of each table, what their texts name, and the keys of the rows of the table."""
        for keys, links in resources.links:
            names = links.names(self._types, self._has_urns)
            if names.null_count < len(names):
                yield keys, links, names

    def _named(self) -> Iterator[tuple[str, int]]:
        """The names that references have for the resources, and their places."""
        columns = (self.spooled[name].to_pylist() for name in ("type", "urn", "json"))
        for place, (name, urn, raw) in enumerate(zip(*columns, strict=True)):
            identifier = decode_identity(raw).id
            if identifier is not None:
                yield f"{name}/{identifier}", place
            if urn is not None:
                yield urn, place

    def given(self, patient_of: Rows) -> Given:
        """The resources with the patients who have them; `patient_of` has the patient row of each key of `own`."""
        given = new = np.union1d(self._pairs(self._own, patient_of), self._pairs_before())
        while len(new):
            new = np.setdiff1d(self._referred_to(new), given)
            given = np.union1d(given, new)
        return Given(self._resources, given // max(1, self._n), given % max(1, self._n))

    def _pairs(self, resources: ParsedResources, owner_of: Rows) -> Rows:
        """The pairs of the owner of a resource and each shared resource that it refers to."""
        found = [np.zeros(0, np.int64)]
        for keys, links, names in self._linked(resources):
            places = links.places(names, self._names)
            hits = np.flatnonzero(places >= 0)
            found.append(owner_of[keys[links.rows[hits]]] * self._n + self._places[places[hits]])
        found.append(np.array([*self._pairs_in(resources.unparsed, owner_of)], np.int64))
        return np.unique(np.concatenate(found))

    def _pairs_before(self) -> Rows:
        if self._linked_before is None or not self._n:
            return np.zeros(0, np.int64)
        patients, names = self._linked_before
        places = pc.index_in(names, value_set=self._names).fill_null(-1).to_numpy(zero_copy_only=False)
        hits = np.flatnonzero(places >= 0)
        pairs: Rows = np.unique(patients[hits] * self._n + self._places[places[hits]])
        return pairs

    def links(self) -> tuple[Rows, pa.Array]:
        """The references of `own` to what is not among them, or is shared: the key of the resource that each is in, and
        what it names."""
        found_keys, found_names = [np.zeros(0, np.int64)], [pa.array([], pa.utf8())]
        ids = {name: table.ids.dictionary for name, table in self._own.tables.items()}
        for keys, links in self._own.links:
            names = links.outward_names(ids, self._names)
            if names.null_count < len(names):
                leads = np.append(names.is_valid().to_numpy(zero_copy_only=False), False)[links.number]
                found_keys.append(keys[links.rows[leads]])
                found_names.append(names.take(pa.array(links.number[leads])))
        unparsed = [(key, name) for key, raw in self._own.unparsed for name in _all_references().names(raw)]
        found_keys.append(np.array([key for key, _ in unparsed], np.int64))
        found_names.append(pa.array([name for _, name in unparsed], pa.utf8()))
        return np.concatenate(found_keys), pa.concat_arrays(found_names)

    def _pairs_in(self, unparsed: Iterable[tuple[int, bytes]], owner_of: Rows) -> Iterator[int]:
        for key, raw in unparsed:
            for name in self._references.names(raw):
                if name in self._place_of:
                    yield int(owner_of[key]) * self._n + self._place_of[name]

    def _referred_to(self, pairs: Rows) -> Rows:
        """The pairs of the same patients and the shared resources that those in `pairs` refer to."""
        patient, place = np.divmod(pairs, self._n)
        sources, targets = np.divmod(self._links, self._n)
        which, links = _matches(place, sources)
        return np.unique(patient[which] * self._n + targets[links])


class Given:
    """Shared resources with the patients who have a row for each: `patient` rows and `places`."""

    def __init__(self, resources: ParsedResources, patient: Rows, places: Rows) -> None:
        unread = np.isin(places, [place for place, _ in resources.unreadable])
        self._resources = resources
        self._unread = np.unique(places[unread])
        self.patient, self.places = patient[~unread], places[~unread]

    def __len__(self) -> int:
        return len(self.places)

    @cached_property
    def distinct(self) -> Rows:
        """The places of the shared resources that any patient has."""
        return np.unique(self.places)

    def tables(self, first_key: int, first_json: int) -> Iterator[tuple[str, ParsedTable]]:
        """The tables of these, and of what is contained in them: with keys and places of JSON from a first one on."""
        keys = first_key + np.arange(len(self))
        json = first_json + np.searchsorted(self.distinct, self.places)
        for name, table in self._resources.tables.items():
            which, rows = _matches(self.places, table.numbers("key"))
            if len(rows):
                yield name, table.take(rows, patient=self.patient[which], key=keys[which], json=json[which])
        for name, table in self._resources.contained.items():
            order = np.argsort(table.numbers("container"), kind="stable")
            which, rows = _matches(self.places, table.numbers("container")[order])
            if len(rows):
                yield name, table.take(order[rows], patient=self.patient[which], container=keys[which])

    def unreadable(self) -> Iterator[tuple[int, int | None, Unreadable]]:
        """What cannot be read: by place, for each patient who has what it is contained in, or (None) once for all."""
        for place, error in self._resources.unreadable:
            if place in self._unread:
                yield place, None, error
        for place, error in self._resources.unreadable_contained:
            for patient in self.patient[self.places == place].tolist():
                yield place, patient, error


def _matches(wanted: Rows, among: Rows) -> tuple[Rows, Rows]:
    """All pairs of equal numbers, as places in both arrays; `among` is sorted."""
    start, stop = np.searchsorted(among, wanted), np.searchsorted(among, wanted, side="right")
    counts = stop - start
    which = np.repeat(np.arange(len(wanted)), counts)
    return which, np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts - start, counts)


@lru_cache(maxsize=1)
def _all_references() -> References:
    return References(fhir_schema().resource_types)


@lru_cache(maxsize=2)
def parser_for(demand: Demand) -> ShapedParser:
    """The parser of a demand, which keeps the shapes that it has learned."""
    return ShapedParser(demand)


def spooled(paths: Iterable[Path]) -> pa.Table:
    """All resources of some spools as a table."""
    return pa.Table.from_batches(list(read_batches(paths)), Spool.SCHEMA).combine_chunks()
