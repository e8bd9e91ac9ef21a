"""Shards made straight from Arrow's arrays: the fast way from spools to a shard, for new data of all types.

Where this is not possible (numbers with too many digits, strings with a NUL) it raises NotPlain, and the shard is built
in the general way (`ecqm.data.loading.building`): slower, with the same result. Tests compare the two.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ecqm.columns import Rows
from ecqm.data.fhir.demand import Demand
from ecqm.data.fhir.schema import fhir_schema
from ecqm.data.fhir.structs import Unreadable, resource_structs
from ecqm.data.loading.shared_index import SharedIndex
from ecqm.data.loading.sharing import Given, SharedResources, parser_for, spooled
from ecqm.data.parsing.encoding import CodeNumbers
from ecqm.data.parsing.links import Links, Targets
from ecqm.data.parsing.parsed import ParsedResources, ParsedTable
from ecqm.data.parsing.plain import NotPlain
from ecqm.data.parsing.translation import References, Translation
from ecqm.data.problems import DataProblem
from ecqm.data.store.arrow import Layout
from ecqm.data.store.shard import SHARED
from ecqm.data.store.shard_writer import ShardWriter
from ecqm.data.store.store import ShardEntry


class StraightShard:
    """Builds a shard from the resources of spools and the shared resources that they refer to."""

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
        spool = spooled(self.spools)
        own, patients, patient_of = self._own(spool)
        shared = SharedResources(SharedIndex(self.shared), parser_for(self.demand), own)
        given = shared.given(patient_of)
        self._report_unreadable(spool, own, shared.spooled, given, patients)
        tables = _merged([*own.tables.items(), *given.tables(len(spool), len(spool)), *own.contained.items()])
        given_json = shared.spooled.take(pa.array(given.distinct))
        json = pa.chunked_array([*spool["json"].chunks, *given_json["json"].chunks], pa.large_binary())
        serials = self._serials(tables, len(spool) + len(given), json, patients)
        writer = ShardWriter(self.folder)
        writer.spools(self.spools)
        writer.json(SHARED, given_json.to_batches())
        targets = Targets()
        first = 0
        for name, table in tables.items():
            arrays, layouts = self._stored(name, table, serials, patients)
            writer.table(name, arrays, layouts, first)
            _add_targets(targets, name, table, serials)
            first += len(table)
        checksums = writer.finish(self.codes.pairs(), patients.to_pylist(), self.problems)
        counts = {name: int(np.count_nonzero(~table.contained)) for name, table in tables.items()}
        dangling = self._dangling(tables, targets)
        return ShardEntry(self.folder.name, len(patients), counts, checksums, self.missing_birth_dates, dangling)

    def _own(self, spool: pa.Table) -> tuple[ParsedResources, pa.Array, Rows]:
        """The resources of the patients of this shard, the ids of these patients, and for each place in the spool the
        patient row: -1 for resources of unknown patients, which are reported."""
        types = spool["type"].combine_chunks().dictionary_encode()
        number = types.indices.to_numpy()
        places_of = {name: np.flatnonzero(number == i) for i, name in enumerate(types.dictionary.to_pylist())}
        own = ParsedResources(parser_for(self.demand), spool)
        if "Patient" in places_of:
            places = places_of.pop("Patient")
            own.add("Patient", places, np.zeros(len(places), np.int64))
        # Patients are those whose Patient resource can be read.
        table = own.tables.get("Patient")
        found = np.zeros(0, np.int64) if table is None else table.numbers("key")
        patients = spool["patient"].take(pa.array(found)).combine_chunks().unique()
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
            self._report_lost(spool, places[patient_of[places] < 0])
        own.add_contained(patient_of)
        return own, patients, patient_of

    def _serials(self, tables: dict[str, ParsedTable], n: int, json: pa.ChunkedArray, patients: pa.Array) -> Rows:
        """Remove duplicates from the tables (see `CohortBuilder.finish`), and number what is left: the serial number of
        each of n resources by its key. `json` is by place."""
        duplicate = {
            True: "duplicate: a second Patient",
            False: "duplicate: another resource of this patient has its id",
        }
        # Contained resources have no key: the last entry is for them.
        dropped = np.zeros(n + 1, np.bool_)
        for name, table in tables.items():
            for repeat in table.repeats(name == "Patient", json):
                key = int(table.numbers("key")[repeat.place])
                dropped[key] = name == "Patient" or repeat.same_content
                if not repeat.same_content:
                    self._report_row(name, table, repeat.place, duplicate[name == "Patient"], patients)
        if dropped.any():
            for name, table in list(tables.items()):
                gone = dropped[np.where(table.contained, table.numbers("container"), table.numbers("key"))]
                if gone.all():
                    del tables[name]
                elif gone.any():
                    tables[name] = table.take(np.flatnonzero(~gone))
        serials = np.full(n + 1, -1)
        first = 0
        for table in tables.values():
            serials[table.numbers("key")] = first + np.arange(len(table))
            first += len(table)
        serials[-1] = -1
        return serials

    def _stored(
        self, name: str, table: ParsedTable, serials: Rows, patients: pa.Array
    ) -> tuple[dict[str, pa.Array], dict[str, Layout]]:
        n = len(table)
        translation = Translation(self.demand, fhir_schema(), self.codes, self.default_offset, table.encodings)
        arrays: dict[str, pa.Array] = {
            "@patient": table.column("@patient"),
            "@container": pa.array(serials[table.numbers("container")]),
            "@file": pa.DictionaryArray.from_arrays(table.column("@file"), pa.array(self.files, pa.utf8())),
            "@entry": table.column("@entry"),
            "@urn": table.column("@urn"),
            "@json": table.column("@json").cast(pa.int32()),
        }
        layouts: dict[str, Layout] = {}
        for element, (array, layout) in translation.elements(name, table.arrays, np.arange(n)):
            arrays[element], layouts[element] = array, layout
        self.references[name] = translation.references
        for row, message in translation.problems:
            self._report_row(name, table, row, message, patients)
        if name == "Patient" and any(
            element.name == "birthDate" for element in self.demand.elements(fhir_schema(), name)
        ):
            known = n - arrays["birthDate"].null_count if "birthDate" in arrays else 0
            self.missing_birth_dates = len(patients) - known
        return arrays, layouts

    def _dangling(self, tables: Mapping[str, ParsedTable], targets: Targets) -> dict[str, int]:
        counts: dict[str, int] = {}
        first = 0
        for name, table in tables.items():
            patient, serial = table.numbers("patient"), first + np.arange(len(table))
            for found in self.references[name]:
                links = Links.of(found.texts, found.rows, table.encodings)
                missing = targets.missing(links, patient[found.rows], serial[found.rows])
                if missing:
                    place = f"{name}.{found.path}"
                    counts[place] = counts.get(place, 0) + missing
            first += len(table)
        return counts

    def _report_row(self, name: str, table: ParsedTable, row: int, message: str, patients: pa.Array) -> None:
        patient = patients[table.column("@patient")[row].as_py()].as_py()
        named = f"{name}/{table.ids[row].as_py()}"
        self._report(table.column("@file")[row].as_py(), table.column("@entry")[row].as_py(), patient, named, message)

    def _report_lost(self, spool: pa.Table, places: Rows) -> None:
        if not len(places):
            return
        structs = resource_structs(self.demand)
        for row in spool.take(pa.array(places)).to_pylist():
            message = "refers to a patient that is not in the data"
            try:
                named: str | None = f"{row['type']}/{structs.read(row['json']).id}"
            except Unreadable as error:
                message, named = str(error), error.resource
            self._report(row["file"], row["entry"], row["patient"], named, message)

    def _report_unreadable(
        self, spool: pa.Table, own: ParsedResources, shared: pa.Table, given: Given, patients: pa.Array
    ) -> None:
        for place, error in (*own.unreadable, *own.unreadable_contained):
            row = spool.slice(place, 1).to_pylist()[0]
            self._report(row["file"], row["entry"], row["patient"], error.resource, str(error))
        for place, patient, error in given.unreadable():
            row = shared.slice(place, 1).to_pylist()[0]
            owner = None if patient is None else patients[patient].as_py()
            self._report(row["file"], row["entry"], owner, error.resource, str(error))

    def _report(self, file: int, entry: int, patient: str | None, resource: str | None, message: str) -> None:
        problem = DataProblem(self.files[file], None if entry < 0 else entry, patient, resource, message)
        self.problems.append(problem)


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
