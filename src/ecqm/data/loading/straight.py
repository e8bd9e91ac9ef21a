"""Shards made straight from Arrow's arrays: the fast way from spools to a shard, for data of all types.

Where this is not possible (numbers with too many digits, strings with a NUL) it raises NotPlain, and the shard is built
in the general way (`ecqm.data.loading.building`): slower, with the same result. Tests compare the two.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ecqm.columns import Mask, Rows
from ecqm.data.fhir.demand import Demand
from ecqm.data.fhir.schema import fhir_schema
from ecqm.data.fhir.structs import Unreadable, resource_structs
from ecqm.data.loading.jobs import ShardJob
from ecqm.data.loading.shared_index import SharedIndex
from ecqm.data.loading.sharing import Given, Linked, SharedResources, parser_for, spooled
from ecqm.data.parsing.encoding import CodeNumbers
from ecqm.data.parsing.links import Links, Targets
from ecqm.data.parsing.parsed import ParsedResources, ParsedTable
from ecqm.data.parsing.plain import NotPlain
from ecqm.data.parsing.translation import References, Translation
from ecqm.data.problems import DataProblem
from ecqm.data.store.arrow import Layout
from ecqm.data.store.shard import SHARED
from ecqm.data.store.shard_writer import ShardWriter
from ecqm.data.store.spool import decode_identity
from ecqm.data.store.store import ShardEntry


def write_straight(folder: Path, job: ShardJob) -> ShardEntry:
    """Write a shard of the resources in spools and the shared resources that they refer to. Raises NotPlain."""
    spool = spooled(job.spools)
    left_out = _named_among(spool, job.deleted) if job.deleted else None
    resources = StraightResources(
        spool, SharedIndex(job.shared), job.demand, job.default_offset, job.files, left_out=left_out
    )
    writer = ShardWriter(folder)
    writer.spools(job.spools)
    return resources.write(writer)


class StraightResources:
    """Resources from spools, with the shared resources that they refer to, as tables of a shard.

    `patients` are the ids of all patients, by patient row: those who were `known` before and those whose Patient
    resource is in the spools. `lost` are the places of resources of other patients, which are reported, and
    `unreadable` the names ("Encounter/1") of those that cannot be read. `given_json` is the JSON of the shared
    resources. In `tables` places of JSON are those in `spool`, and after these those in `given_json`.
    """

    def __init__(
        self,
        spool: pa.Table,
        shared: SharedIndex,
        demand: Demand,
        default_offset: int,
        files: Sequence[str],
        known: pa.Array | None = None,
        linked: Linked | None = None,
        codes: CodeNumbers | None = None,
        left_out: Mask | None = None,
    ) -> None:
        """`linked` are the references that further resources of known patients have. `codes` has codes with numbers
        already. `left_out` marks resources in the spools that do not count. Raises NotPlain."""
        if demand.types is not None:
            raise NotPlain("only some types of resources are wanted")
        self.spool = spool
        self._demand = demand
        self._default_offset = default_offset
        self._files = files
        self.codes = CodeNumbers() if codes is None else codes
        self.problems: list[DataProblem] = []
        self.unreadable: set[str] = set()
        self.references: dict[str, list[References]] = {}
        self._lost: list[Rows] = [np.zeros(0, np.int64)]
        own, self.patients, patient_of = self._own(pa.array([], pa.utf8()) if known is None else known, left_out)
        sharing = SharedResources(shared, parser_for(demand), own, linked)
        given = sharing.given(patient_of)
        self.links = sharing.links()
        self._report_unreadable(own, sharing.spooled, given)
        self.given_json = sharing.spooled.take(pa.array(given.distinct))
        self.tables = _merged([*own.tables.items(), *given.tables(len(spool), len(spool)), *own.contained.items()])
        json = pa.chunked_array([*spool["json"].chunks, *self.given_json["json"].chunks], pa.large_binary())
        self.serials = self._serials(len(spool) + len(given), json)

    def __len__(self) -> int:
        """The number of rows in all tables."""
        return sum(map(len, self.tables.values()))

    @property
    def lost(self) -> Rows:
        """The places of the resources whose patients are unknown."""
        return np.sort(np.concatenate(self._lost))

    def write(self, writer: ShardWriter) -> ShardEntry:
        """Write everything but the JSON of the spools, which is in the shard as it is there."""
        writer.json(SHARED, self.given_json.to_batches())
        targets = Targets()
        first = missing_birth_dates = 0
        for name, table in self.tables.items():
            arrays, layouts = self.stored(name)
            writer.table(name, arrays, layouts, first)
            _add_targets(targets, name, table, self.serials)
            if name == "Patient":
                missing_birth_dates = without_birth_date(self._demand, len(self.patients), arrays)
            first += len(table)
        writer.lost(self.lost)
        writer.links(*self.links)
        checksums = writer.finish(self.codes.pairs(), self.patients.to_pylist(), self.problems)
        counts = {name: int(np.count_nonzero(~table.contained)) for name, table in self.tables.items()}
        dangling = self._dangling(targets)
        return ShardEntry(writer.folder.name, len(self.patients), counts, checksums, missing_birth_dates, dangling)

    def stored(self, name: str) -> tuple[dict[str, pa.Array], dict[str, Layout]]:
        """The columns of a table as a shard stores them, with the layouts of the elements."""
        table = self.tables[name]
        n = len(table)
        translation = Translation(self._demand, fhir_schema(), self.codes, self._default_offset, table.encodings)
        arrays: dict[str, pa.Array] = {
            "@patient": table.column("@patient"),
            "@container": pa.array(self.serials[table.numbers("container")]),
            "@file": pa.DictionaryArray.from_arrays(table.column("@file"), pa.array(self._files, pa.utf8())),
            "@entry": table.column("@entry"),
            "@urn": table.column("@urn"),
            "@json": table.column("@json").cast(pa.int32()),
            "@shared": pa.array(np.maximum(table.numbers("key"), table.numbers("container")) >= len(self.spool)),
        }
        layouts: dict[str, Layout] = {}
        for element, (array, layout) in translation.elements(name, table.arrays, np.arange(n)):
            arrays[element], layouts[element] = array, layout
        self.references[name] = translation.references
        for row, message in translation.problems:
            self._report_row(name, table, row, message)
        return arrays, layouts

    def _own(self, known: pa.Array, left_out: Mask | None) -> tuple[ParsedResources, pa.Array, Rows]:
        """The resources of patients, the ids of the patients (those `known` first), and for each place in the spool the
        patient row: -1 for resources of unknown patients, which are reported."""
        spool = self.spool
        types = spool["type"].combine_chunks().dictionary_encode()
        number = types.indices.to_numpy() if left_out is None else np.where(left_out, -1, types.indices.to_numpy())
        places_of = {name: np.flatnonzero(number == i) for i, name in enumerate(types.dictionary.to_pylist())}
        own = ParsedResources(parser_for(self._demand), spool)
        places = places_of.pop("Patient", np.zeros(0, np.int64))
        if len(places):
            own.add("Patient", places, np.zeros(len(places), np.int64))
        # Patients are those whose Patient resource can be read.
        table = own.tables.get("Patient")
        found = np.zeros(0, np.int64) if table is None else table.numbers("key")
        new = spool["patient"].take(pa.array(found)).combine_chunks()
        patients = pa.concat_arrays([known, new]).unique()
        row = pc.index_in(spool["patient"], value_set=patients).fill_null(-1).combine_chunks().to_numpy()
        patient_of: Rows = row.astype(np.int64)
        if table is not None:
            order = np.argsort(patient_of[found], kind="stable")
            own.tables["Patient"] = table.take(order, patient=patient_of[found[order]])
        for name, places in places_of.items():
            here = places[patient_of[places] >= 0]
            if len(here):
                here = here[np.argsort(patient_of[here], kind="stable")]
                own.add(name, here, patient_of[here])
            self._report_lost(places[patient_of[places] < 0])
        own.add_contained(patient_of)
        return own, patients, patient_of

    def _serials(self, n: int, json: pa.ChunkedArray) -> Rows:
        """Remove duplicates from the tables (see `CohortBuilder.finish`), and number what is left: the serial number of
        each of n resources by its key. `json` is by place."""
        duplicate = {
            True: "duplicate: a second Patient",
            False: "duplicate: another resource of this patient has its id",
        }
        # Contained resources have no key: the last entry is for them.
        dropped = np.zeros(n + 1, np.bool_)
        for name, table in self.tables.items():
            for repeat in table.repeats(name == "Patient", json):
                key = int(table.numbers("key")[repeat.place])
                dropped[key] = name == "Patient" or repeat.same_content
                if not repeat.same_content:
                    self._report_row(name, table, repeat.place, duplicate[name == "Patient"])
        if dropped.any():
            for name, table in list(self.tables.items()):
                gone = dropped[np.where(table.contained, table.numbers("container"), table.numbers("key"))]
                if gone.all():
                    del self.tables[name]
                elif gone.any():
                    self.tables[name] = table.take(np.flatnonzero(~gone))
        serials = np.full(n + 1, -1)
        first = 0
        for table in self.tables.values():
            serials[table.numbers("key")] = first + np.arange(len(table))
            first += len(table)
        serials[-1] = -1
        return serials

    def _dangling(self, targets: Targets) -> dict[str, int]:
        counts: dict[str, int] = {}
        first = 0
        for name, table in self.tables.items():
            patient, serial = table.numbers("patient"), first + np.arange(len(table))
            for found in self.references[name]:
                links = Links.of(found.texts, found.rows, table.encodings)
                missing = targets.missing(links, patient[found.rows], serial[found.rows])
                if missing:
                    place = f"{name}.{found.path}"
                    counts[place] = counts.get(place, 0) + missing
            first += len(table)
        return counts

    def _report_row(self, name: str, table: ParsedTable, row: int, message: str) -> None:
        patient = self.patients[table.column("@patient")[row].as_py()].as_py()
        named = f"{name}/{table.ids[row].as_py()}"
        self._report(table.column("@file")[row].as_py(), table.column("@entry")[row].as_py(), patient, named, message)

    def _report_lost(self, places: Rows) -> None:
        if not len(places):
            return
        structs = resource_structs(self._demand)
        lost = []
        for place, row in zip(places.tolist(), self.spool.take(pa.array(places)).to_pylist(), strict=True):
            message = "refers to a patient that is not in the data"
            try:
                named: str | None = f"{row['type']}/{structs.read(row['json']).id}"
                lost.append(place)
            except Unreadable as error:
                message, named = str(error), error.resource
                self.unreadable.add(named or "")
            self._report(row["file"], row["entry"], row["patient"], named, message)
        self._lost.append(np.array(lost, np.int64))

    def _report_unreadable(self, own: ParsedResources, shared: pa.Table, given: Given) -> None:
        for place, error in (*own.unreadable, *own.unreadable_contained):
            row = self.spool.slice(place, 1).to_pylist()[0]
            self._report(row["file"], row["entry"], row["patient"], error.resource, str(error))
        for place, message in own.unknown.told():
            row = self.spool.slice(place, 1).to_pylist()[0]
            named = f"{row['type']}/{decode_identity(row['json']).id}"
            self._report(row["file"], row["entry"], row["patient"], named, message)
        self.unreadable.update(error.resource or "" for _, error in own.unreadable)
        for place, patient, error in given.unreadable():
            row = shared.slice(place, 1).to_pylist()[0]
            owner = None if patient is None else self.patients[patient].as_py()
            self._report(row["file"], row["entry"], owner, error.resource, str(error))

    def _report(self, file: int, entry: int, patient: str | None, resource: str | None, message: str) -> None:
        problem = DataProblem(self._files[file], None if entry < 0 else entry, patient, resource, message)
        self.problems.append(problem)


def _named_among(spool: pa.Table, names: Collection[str]) -> Mask:
    """Which resources have one of some names ("Encounter/1")."""
    found = map(decode_identity, spool["json"].to_pylist())
    return np.array([f"{each.resourceType}/{each.id}" in names for each in found], np.bool_)


def without_birth_date(demand: Demand, n_patients: int, columns: Mapping[str, pa.Array]) -> int:
    """How many patients have no birth date, by the columns of their table; 0 if the demand does not name it."""
    if not any(element.name == "birthDate" for element in demand.elements(fhir_schema(), "Patient")):
        return 0
    dates = columns.get("birthDate")
    return n_patients - (0 if dates is None else len(dates) - dates.null_count)


def _merged(parts: Iterable[tuple[str, ParsedTable]]) -> dict[str, ParsedTable]:
    """Tables by type. In each, the rows of a patient are together."""
    by_type: dict[str, list[ParsedTable]] = {}
    for name, part in parts:
        by_type.setdefault(name, []).append(part)
    return {name: ParsedTable.merged(tables) for name, tables in by_type.items()}


def _add_targets(targets: Targets, name: str, table: ParsedTable, serials: Rows) -> None:
    contained = table.contained
    if not contained.any():
        targets.add(name, table.numbers("patient"), table.ids, table.column("@urn"))
        return
    inner, outer = np.flatnonzero(contained), np.flatnonzero(~contained)
    targets.add_contained(serials[table.numbers("container")[inner]], table.ids.take(pa.array(inner)))
    if len(outer):
        places = pa.array(outer)
        targets.add(name, table.numbers("patient")[outer], table.ids.take(places), table.column("@urn").take(places))
