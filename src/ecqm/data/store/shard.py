"""A shard of the cohort store: some patients with all of their resources, in a folder that is read on its own.

    patients.arrow          the ids, one per patient row
    codes.arrow             the codes (system, code) that code ids in this shard's columns stand for
    Encounter.arrow         one table: a record batch of table columns (@patient, @file…) and element columns
    resources-0.spool …     the JSON of resources (`ecqm.data.store.spool`), also those of unknown patients: a spool for
                            each process that sorted input
    shared.spool            the JSON of resources that patients share, unless the other spools have it
    problems.json           problems found when the shard was made

The table column @json is a resource's place in all spools, one after the other in this order; -1 for a contained one.
Serials are consecutive in a table: the first one is in the metadata of its schema, beside the layouts of the elements.
`Shard.cohort` reads columns if they hold what is demanded, and otherwise decodes the JSON again.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ecqm.columns import Rows
from ecqm.data.allocation import many_objects
from ecqm.data.cohort.cohort import Cohort, CohortBuilder
from ecqm.data.cohort.table import Origin, Origins, ResourceTable
from ecqm.data.fhir.demand import Demand
from ecqm.data.fhir.schema import fhir_schema
from ecqm.data.problems import DataError, DataProblem
from ecqm.data.store.arrow import ArrowReading, StoredElements
from ecqm.data.store.folder import Folder
from ecqm.data.store.spool import Lot, SpooledJson, batches_of
from ecqm.terminology import CodeIndex, CodeKey

SHARED = "shared.spool"
_PATIENTS, _CODES, _PROBLEMS = "patients.arrow", "codes.arrow", "problems.json"
_RESOURCES = re.compile(r"resources-(\d+)\.spool")
_TABLE_COLUMNS = ["@json", "@patient", "@file", "@entry", "@urn"]


def resources_spool(number: int) -> str:
    """The name of one of the spools with resources of the patients of a shard."""
    return f"resources-{number}.spool"


def _table_file(resource_type: str) -> str:
    return f"{resource_type}.arrow"


class CorruptShard(DataError):
    """A file of a shard is not as it was written."""


@dataclass(frozen=True)
class StoredResource:
    """A resource as the store keeps it: its patient row, type, JSON, origin, and URN."""

    patient: int
    resource_type: str
    raw: bytes
    origin: Origin
    urn: str | None


class Shard:
    """A shard that was written; `demand` is what its columns hold. Files are read when they are needed."""

    def __init__(
        self,
        folder: Folder,
        checksums: Mapping[str, int],
        demand: Demand,
        default_offset: int,
        contents: Mapping[str, pa.Buffer] | None = None,
    ) -> None:
        """`contents` are the contents of files by name, if they are in memory."""
        self.folder = folder
        self.demand = demand
        self._checksums = checksums
        self._default_offset = default_offset
        self._contents = contents

    def in_memory(self, contents: Mapping[str, pa.Buffer]) -> Shard:
        """The same shard; instead of its files, their contents by name are used."""
        return Shard(self.folder, self._checksums, self.demand, self._default_offset, contents)

    def files(self, demand: Demand) -> list[str]:
        """The names of the files that `cohort` reads for a demand."""
        tables = [_table_file(name) for name in self.resource_types if demand.reads(name)]
        if self.demand.covers(demand):
            return [_PATIENTS, _CODES, _PROBLEMS, *tables]
        return [_PATIENTS, *tables, *self._spools()]

    @property
    def resource_types(self) -> tuple[str, ...]:
        """The types that the shard has resources of."""
        return tuple(sorted(name.removesuffix(".arrow") for name in self._checksums if name[0].isupper() and
                            name.endswith(".arrow")))  # fmt: skip

    def ids(self) -> pa.Array:
        """The ids of the patients (utf8), by patient row."""
        return self._batch(_PATIENTS).column("id")

    def patient_ids(self) -> list[str]:
        """The ids, by patient row."""
        ids: list[str] = self.ids().to_pylist()
        return ids

    def codes(self) -> list[CodeKey]:
        """The codes in the columns: (system, code)."""
        stored = self._batch(_CODES)
        return list(zip(stored.column("system").to_pylist(), stored.column("code").to_pylist(), strict=True))

    def problems(self) -> list[DataProblem]:
        """Problems that were found when the shard was made."""
        return [DataProblem(**problem) for problem in json.loads(bytes(self._content(_PROBLEMS)))]

    def cohort(self, demand: Demand, codes: CodeIndex | None = None) -> Cohort:
        """The patients with the demanded part of their data. Raises CorruptShard with the name of the file."""
        codes = CodeIndex() if codes is None else codes
        return self._stored(demand, codes) if self.demand.covers(demand) else self._decoded(demand, codes)

    def resources(self, resource_types: Sequence[str] | None = None) -> Iterator[StoredResource]:
        """All resources as they were read; contained resources stay inside theirs."""
        raws = self._json()
        for name in self.resource_types if resource_types is None else resource_types:
            table = self._batch(_table_file(name)).select(_TABLE_COLUMNS)
            table = table.filter(pc.greater_equal(table.column("@json"), 0))
            found = raws.take(table.column("@json").to_numpy())
            columns = [column.to_pylist() for column in (found, *table.columns[1:])]
            for raw, patient, file, entry, urn in zip(*columns, strict=True):
                yield StoredResource(patient, name, raw, Origin(file, None if entry < 0 else entry), urn)

    def lost(self) -> Iterator[Lot]:
        """Resources whose patient has no Patient resource."""
        ids = self.ids()
        for content in map(self._content, self._resources_spools()):
            for batch in batches_of(content):
                patients = batch.column("patient")
                unknown = pc.and_(patients.is_valid(), pc.invert(pc.is_in(patients, value_set=ids)))
                yield Lot.of(batch.filter(unknown))

    def _stored(self, demand: Demand, codes: CodeIndex) -> Cohort:
        ids = self.patient_ids()
        # The id -1, no code, finds the last entry.
        code_ids = np.append(codes.intern_all(self.codes()), np.int32(-1))
        reading = ArrowReading(codes, code_ids, _left_out(self.demand))
        raws = self._json()
        tables = {
            name: self._table(name, len(ids), reading, raws) for name in self.resource_types if demand.reads(name)
        }

        def empty(name: str) -> ResourceTable:
            none = np.zeros(0, np.int64)
            elements = StoredElements(0, name, lambda _: pa.nulls(0), {}, reading)
            origins = Origins((), none.astype(np.int32), none)
            return ResourceTable(name, len(ids), none, elements, none, none, origins, {}, None)

        return Cohort(ids, tables, demand, codes, self.problems(), empty)

    def _table(self, name: str, n_patients: int, reading: ArrowReading, raws: SpooledJson) -> ResourceTable:
        batch = self._batch(_table_file(name))
        layouts = json.loads(batch.schema.metadata[b"layouts"])
        first_serial = int(batch.schema.metadata[b"serial"])
        file = batch.column("@file")
        urns = batch.column("@urn")
        return ResourceTable(
            name,
            n_patients,
            batch.column("@patient").to_numpy(),
            StoredElements(len(batch), name, batch.column, layouts, reading),
            np.arange(first_serial, first_serial + len(batch)),
            batch.column("@container").to_numpy(),
            Origins(file.dictionary.to_pylist(), file.indices.to_numpy(), batch.column("@entry").to_numpy()),
            {} if urns.null_count == len(urns) else {i: urn for i, urn in enumerate(urns.to_pylist()) if urn},
            _TableJson(raws, batch.column("@json").to_numpy()),
        )

    def _decoded(self, demand: Demand, codes: CodeIndex) -> Cohort:
        builder = CohortBuilder(demand, codes, self._default_offset, keep_raw=False)
        with many_objects():
            for identifier in self.patient_ids():
                builder.add_patient(identifier)
            for stored in self.resources([name for name in self.resource_types if demand.reads(name)]):
                resource = builder.decode(stored.raw, stored.origin)
                if resource is not None:
                    builder.add(stored.patient, resource, stored.raw, stored.origin, stored.urn)
            return builder.finish()

    def _content(self, name: str) -> pa.Buffer:
        path = self.folder / name
        try:
            content = pa.py_buffer(path.read_bytes()) if self._contents is None else self._contents[name]
        except OSError as error:
            raise CorruptShard(f"{path}: {error}") from error
        if zlib.crc32(content) != self._checksums[name]:
            raise CorruptShard(f"{path}: not what was written (its checksum differs)")
        return content

    def _batch(self, name: str) -> pa.RecordBatch:
        return pa.ipc.open_file(self._content(name)).get_batch(0)

    def _resources_spools(self) -> list[str]:
        numbers = (int(found[1]) for found in map(_RESOURCES.fullmatch, self._checksums) if found is not None)
        return list(map(resources_spool, sorted(numbers)))

    def _spools(self) -> list[str]:
        return [*self._resources_spools(), *({SHARED} & self._checksums.keys())]

    def _json(self) -> SpooledJson:
        return SpooledJson(lambda: list(map(self._content, self._spools())))


class _TableJson(Sequence[bytes]):
    """The JSON of a table's rows by their places in spools; None for contained resources."""

    def __init__(self, raws: SpooledJson, places: Rows) -> None:
        self._raws = raws
        self._places = places

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, row: Any) -> Any:
        place = self._places[row : row + 1]
        return self._raws.take(place)[0].as_py() if place[0] >= 0 else b""


def _left_out(demand: Demand) -> Callable[[str, str], bool]:
    """Whether an element is one that the demand does not name. Raises KeyError if FHIR does not have it."""
    schema = fhir_schema()
    known: dict[str, tuple[frozenset[str], frozenset[str]]] = {}

    def left_out(type_name: str, element: str) -> bool:
        if type_name not in known:
            known[type_name] = (
                frozenset(element.name for element in schema.elements(type_name)),
                frozenset(element.name for element in demand.elements(schema, type_name)),
            )
        every, read = known[type_name]
        if element not in every:
            raise KeyError(element)
        return element not in read

    return left_out
