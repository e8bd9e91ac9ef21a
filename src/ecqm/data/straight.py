"""A shard made straight from Arrow's arrays: the fast way from a spool to a shard, for data that are plain.

Plain are new resources out of NDJSON that FHIR's own elements describe: none contained in another, none twice, no
numbers beyond sense. Everything else raises NotPlain, and the shard is built the general way (`ecqm.data.building`):
slower, with the same outcome, to which tests hold both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ecqm.columns import Rows
from ecqm.data.arrow import Layout
from ecqm.data.demand import Demand
from ecqm.data.encoding import CodeNumbers, Encodings
from ecqm.data.links import Links, Targets, links_of
from ecqm.data.problems import DataProblem
from ecqm.data.schema import fhir_schema
from ecqm.data.shapes import NotPlain, ShapedParser
from ecqm.data.shard_writer import ShardWriter
from ecqm.data.shards import SHARED
from ecqm.data.spool import Spool, decode_identity, read_batches, spool_state
from ecqm.data.store import ShardEntry
from ecqm.data.translation import References, Translation

_PARSER = ShapedParser(fhir_schema())


@dataclass
class _Table:
    """Resources of one type: their patient rows (in order), files, entries, places of JSON, and parsed arrays."""

    patient: Rows
    file: pa.Array
    entry: pa.Array
    json: Rows
    arrays: Mapping[str, pa.Array]
    encodings: Encodings = field(default_factory=Encodings)

    @classmethod
    def parsed(cls, name: str, rows: pa.Table, patient: Rows, json: Rows) -> _Table:
        """Spooled resources of patient rows. Raises NotPlain, also for two with one id."""
        arrays = _PARSER.parse(name, rows["json"].combine_chunks())
        table = cls(patient, rows["file"].combine_chunks(), rows["entry"].combine_chunks(), json, arrays)
        table.refuse_duplicates(name)
        return table

    @property
    def ids(self) -> pa.DictionaryArray:
        """The logical ids."""
        return self.encodings.of(self.arrays["id"])

    def links(self, references: References) -> Links:
        """References with the patient rows that they are of."""
        return Links.of(references.texts, self.patient[references.rows], self.encodings)

    def refuse_duplicates(self, name: str) -> None:
        """Raises NotPlain where a patient has two resources of one id, or one without."""
        if "id" not in self.arrays or self.arrays["id"].null_count:
            raise NotPlain(f"{name} without an id")
        n_ids = len(self.ids.dictionary)
        if n_ids < len(self.ids):
            keys = np.sort(self.patient * n_ids + self.ids.indices.to_numpy(), kind="stable")
            if (keys[1:] == keys[:-1]).any():
                raise NotPlain(f"two {name} resources of a patient with one id")

    def take(self, places: Rows, patient: Rows) -> _Table:
        """Those at `places`, for other patients."""
        chosen = pa.array(places)
        arrays = {name: array.take(chosen) for name, array in self.arrays.items()}
        return _Table(patient, self.file.take(chosen), self.entry.take(chosen), self.json[places], arrays)


class StraightShard:
    """Builds one shard of the resources of spools and of the shared ones that they refer to."""

    def __init__(
        self,
        folder: Path,
        spools: Sequence[Path],
        shared: Path,
        demand: Demand,
        default_offset: int,
        files: Sequence[str],
    ) -> None:
        self.folder = folder
        self.spools = spools
        self.shared = shared
        self.demand = demand
        self.default_offset = default_offset
        self.files = files
        self.codes = CodeNumbers()
        self.problems: list[DataProblem] = []
        self.missing_birth_dates = 0
        self.references: dict[str, list[References]] = {}

    def write(self) -> ShardEntry:
        """Write the shard. Raises NotPlain."""
        if self.demand.types is not None:
            raise NotPlain("only some types of resources are wanted")
        resources = _spooled(self.spools)
        patients = _distinct_patients(resources)
        known, lost = self._by_type(resources, patients)
        tables = {
            name: _Table.parsed(name, resources.take(pa.array(places)), patient, places)
            for name, (places, patient) in known.items()
        }
        shared, json = self._shared_tables(tables, len(resources))
        tables |= shared
        writer = ShardWriter(self.folder)
        writer.spools(self.spools)
        writer.json(SHARED, json)
        targets = Targets()
        serial = 0
        for name, table in tables.items():
            arrays, layouts = self._stored(name, table, patients)
            targets.add(name, table.patient, table.ids)
            writer.table(name, arrays, layouts, serial)
            serial += len(table.patient)
        for batch in lost:
            self._report_lost(batch)
        dangling = {
            f"{name}.{found.path}": count
            for name, references in self.references.items()
            for found in references
            if (
                count := targets.missing(
                    Links.of(found.texts, tables[name].patient[found.rows], tables[name].encodings)
                )
            )
        }
        checksums = writer.finish(self.codes.pairs(), patients.to_pylist(), self.problems)
        counts = {name: len(table.patient) for name, table in tables.items()}
        return ShardEntry(self.folder.name, len(patients), counts, checksums, self.missing_birth_dates, dangling)

    def _by_type(
        self, resources: pa.Table, patients: pa.Array
    ) -> tuple[dict[str, tuple[Rows, Rows]], list[pa.RecordBatch]]:
        """The places of resources with their patient rows, by type in order of patients; and the resources of patients
        who are not here."""
        types = resources["type"].combine_chunks().dictionary_encode()
        number = types.indices.to_numpy()
        row = pc.index_in(resources["patient"], value_set=patients).fill_null(-1).combine_chunks().to_numpy()
        lost = resources.take(pa.array(np.flatnonzero(row < 0))).to_batches() if (row < 0).any() else []
        found = {}
        for which, name in enumerate(types.dictionary.to_pylist()):
            places = np.flatnonzero((number == which) & (row >= 0))
            patient = row[places].astype(np.int64)
            order = np.argsort(patient, kind="stable")
            if len(places):
                found[name] = (places[order], patient[order])
        return found, lost

    def _stored(self, name: str, table: _Table, patients: pa.Array) -> tuple[dict[str, pa.Array], dict[str, Layout]]:
        n = len(table.patient)
        translation = Translation(self.demand, fhir_schema(), self.codes, self.default_offset, table.encodings)
        arrays: dict[str, pa.Array] = {
            "@patient": pa.array(table.patient),
            "@container": pa.array(np.full(n, -1, np.int64)),
            "@file": pa.DictionaryArray.from_arrays(table.file, pa.array(self.files, pa.utf8())),
            "@entry": table.entry,
            "@urn": pa.nulls(n, pa.utf8()),
            "@json": pa.array(table.json, pa.int32()),
        }
        layouts: dict[str, Layout] = {}
        for element, (array, layout) in translation.elements(name, table.arrays, np.arange(n)):
            arrays[element], layouts[element] = array, layout
        self.references[name] = translation.references
        for row, message in translation.problems:
            patient, named = patients[table.patient[row]].as_py(), f"{name}/{table.arrays['id'][row].as_py()}"
            self.problems.append(
                DataProblem(self.files[table.file[row].as_py()], table.entry[row].as_py(), patient, named, message)
            )
        if name == "Patient" and any(
            element.name == "birthDate" for element in self.demand.elements(fhir_schema(), name)
        ):
            self.missing_birth_dates = arrays["birthDate"].null_count if "birthDate" in arrays else n
        return arrays, layouts

    def _shared_tables(
        self, tables: Mapping[str, _Table], first: int
    ) -> tuple[dict[str, _Table], list[pa.RecordBatch]]:
        """The shared resources that patients refer to, directly or over others, with a row for each such patient; and
        what is spooled of them, at places from `first` on."""
        shared = _shared_resources(self.shared, spool_state(self.shared))
        if not len(shared.keys):
            return {}, []
        new = np.unique(np.concatenate([shared.pairs(table.patient, table) for table in tables.values()]))
        given = new
        while len(new):
            new = np.setdiff1d(shared.referred_to(new), given)
            given = np.union1d(given, new)
        found = dict(shared.tables(given))
        if found.keys() & tables.keys():
            raise NotPlain("shared resources of a type that patients have of their own")
        places = np.unique(np.concatenate([np.zeros(0, np.int64), *(table.json for table in found.values())]))
        for table in found.values():
            table.json = first + np.searchsorted(places, table.json)
        return found, shared.resources.take(pa.array(places)).to_batches()

    def _report_lost(self, batch: pa.RecordBatch) -> None:
        for row in batch.to_pylist():
            entry = None if row["entry"] < 0 else row["entry"]
            named = f"{row['type']}/{decode_identity(row['json']).id}"
            message = "refers to a patient that is not in the data"
            self.problems.append(DataProblem(self.files[row["file"]], entry, row["patient"], named, message))


class _Shared:
    """All shared resources of a load: a pair (patient, resource) is the number patient * len(keys) + place."""

    def __init__(self, resources: pa.Table) -> None:
        self.resources = resources
        self._parsed: dict[str, _Table] = {}
        self._first: dict[str, int] = {}
        keys: list[str] = []
        types = resources["type"].to_pylist()
        for name in dict.fromkeys(types):
            places = np.array([place for place, type_ in enumerate(types) if type_ == name])
            rows = resources.take(pa.array(places)).combine_chunks()
            # No patient has them yet: each must have an id of its own among all.
            table = _Table.parsed(name, rows, np.zeros(len(places), np.int64), places)
            self._first[name] = len(keys)
            self._parsed[name] = table
            keys += [f"{name}/{identifier}" for identifier in table.arrays["id"].to_pylist()]
        self.keys = pa.array(keys, pa.utf8())
        self._types = pa.array(list(self._parsed), pa.utf8())
        self._links = self._linked()

    def _linked(self) -> Rows:
        """Which shared resources refer to which, as pairs."""
        found = [
            self.pairs(self._first[name] + np.arange(len(table.patient)), table) for name, table in self._parsed.items()
        ]
        return np.unique(np.concatenate(found)) if found else np.zeros(0, np.int64)

    def pairs(self, owners: Rows, table: _Table) -> Rows:
        """A pair of each owner of a row with each shared resource that the row refers to."""
        found = [np.zeros(0, np.int64)]
        for link in links_of(table.arrays, table.encodings):
            places = link.places(self.keys, self._types)
            hits = np.flatnonzero(places >= 0)
            found.append(owners[link.rows[hits]] * len(self.keys) + places[hits])
        return np.unique(np.concatenate(found))

    def referred_to(self, pairs: Rows) -> Rows:
        """The pairs of the same patients with what their resources refer to."""
        patient, place = np.divmod(pairs, len(self.keys))
        sources, targets = np.divmod(self._links, len(self.keys))
        start, stop = np.searchsorted(sources, place), np.searchsorted(sources, place, side="right")
        counts = stop - start
        which = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(start, counts)
        return np.unique(np.repeat(patient, counts) * len(self.keys) + targets[which])

    def tables(self, pairs: Rows) -> Iterator[tuple[str, _Table]]:
        """The tables of the resources in some pairs (in order), by type."""
        patient, place = np.divmod(pairs, len(self.keys))
        for name, table in self._parsed.items():
            first = self._first[name]
            mine = np.flatnonzero((place >= first) & (place < first + len(table.patient)))
            if len(mine):
                yield name, table.take(place[mine] - first, patient[mine])


@lru_cache(maxsize=1)
def _shared_resources(path: Path, state: tuple[int, int]) -> _Shared:
    return _Shared(_spooled([path]))


def _spooled(paths: Iterable[Path]) -> pa.Table:
    table = pa.Table.from_batches(list(read_batches(paths)), Spool.SCHEMA).combine_chunks()
    if table["urn"].null_count < len(table):
        raise NotPlain("resources named by URN")
    return table


def _distinct_patients(resources: pa.Table) -> pa.Array:
    found = resources.filter(pc.equal(resources["type"], "Patient"))["patient"].combine_chunks()
    distinct = found.unique()
    if len(distinct) < len(found):
        raise NotPlain("two Patient resources of one patient")
    return distinct
