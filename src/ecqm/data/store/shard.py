"""A shard of the cohort store: some patients with all of their resources, in a folder that is read on its own.

    patients.arrow          the ids, one per patient row
    codes.arrow             the codes (system, code) that code ids in this shard's columns stand for
    Encounter.arrow         one table: a record batch of table columns (@patient, @file…) and element columns
    resources-0.spool …     the JSON of resources (`ecqm.data.store.spool`), also those of unknown patients: a spool for
                            each process that sorted input
    shared.spool            the JSON of resources that patients share, unless the other spools have it
    later.spool             the JSON of both kinds that came with later loads
    lost.arrow              the places of resources whose patients are unknown
    links.arrow             references to resources that are not of patients of this shard: the place of the resource,
                            and what it refers to (for increments; not in shards that were made in the general way)
    problems.json           problems found when the shard was made

The table column @json is a resource's place in all spools, one after the other in this order; -1 for a contained one.
Resources in spools that no table has, and that are not lost, were replaced or deleted. @shared marks the rows of shared
resources. Serials are consecutive in a table: the first one is in the metadata of its schema, beside the layouts of the
elements.
`Shard.cohort` reads columns if they hold what is demanded, and otherwise decodes the JSON again.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ecqm.columns import Rows
from ecqm.data.allocation import many_objects
from ecqm.data.cohort.builder import CohortBuilder
from ecqm.data.cohort.cohort import Cohort
from ecqm.data.cohort.table import Origin, Origins, ResourceTable
from ecqm.data.fhir.demand import Demand
from ecqm.data.fhir.schema import fhir_schema
from ecqm.data.problems import DataError, DataProblem, reason
from ecqm.data.store.arrow import ArrowReading, Layout, StoredElements
from ecqm.data.store.folder import Folder
from ecqm.data.store.spool import Lot, SpooledJson, batches_of
from ecqm.terminology import CodeIndex, CodeKey

SHARED, LATER = "shared.spool", "later.spool"
LOST, LINKS = "lost.arrow", "links.arrow"
_PATIENTS, _CODES, _PROBLEMS = "patients.arrow", "codes.arrow", "problems.json"
_RESOURCES = re.compile(r"resources-(\d+)\.spool")
_TABLE_COLUMNS = ["@json", "@patient", "@file", "@entry", "@urn"]


def resources_spool(number: int) -> str:
    """The name of one of the spools with resources of the patients of a shard."""
    return f"resources-{number}.spool"


def table_file(resource_type: str) -> str:
    """The name of the file of a table."""
    return f"{resource_type}.arrow"


def layouts_of(table: pa.RecordBatch) -> dict[str, Layout]:
    """The layouts of the elements of a stored table, by name."""
    found: dict[str, Layout] = json.loads(table.schema.metadata[b"layouts"])
    return found


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
        tables = [table_file(name) for name in self.resource_types if demand.reads(name)]
        if self.demand.covers(demand):
            return [_PATIENTS, _CODES, _PROBLEMS, *tables]
        return [_PATIENTS, _PROBLEMS, *tables, *self.spools]

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
        systems, codes = self.stored_codes()
        return list(zip(systems.to_pylist(), codes.to_pylist(), strict=True))

    def problems(self) -> list[DataProblem]:
        """Problems that were found when the shard was made."""
        return [DataProblem(**problem) for problem in json.loads(bytes(self.content(_PROBLEMS)))]

    def cohort(self, demand: Demand, codes: CodeIndex | None = None) -> Cohort:
        """The patients with the demanded part of their data. Raises CorruptShard with the name of the file."""
        codes = CodeIndex() if codes is None else codes
        return self._stored(demand, codes) if self.demand.covers(demand) else self._decoded(demand, codes)

    def resources(self, resource_types: Sequence[str] | None = None) -> Iterator[StoredResource]:
        """All resources as they were read; contained resources stay inside theirs."""
        raws = self.json
        for name in self.resource_types if resource_types is None else resource_types:
            table = self._batch(table_file(name)).select(_TABLE_COLUMNS)
            table = table.filter(pc.greater_equal(table.column("@json"), 0))
            found = raws.take(table.column("@json").to_numpy())
            columns = [column.to_pylist() for column in (found, *table.columns[1:])]
            for raw, patient, file, entry, urn in zip(*columns, strict=True):
                yield StoredResource(patient, name, raw, Origin(file, None if entry < 0 else entry), urn)

    def lost(self) -> Iterator[Lot]:
        """Resources whose patient has no Patient resource."""
        return (Lot.of(batch) for batch, _ in self.lost_batches())

    def lost_batches(self) -> Iterator[tuple[pa.RecordBatch, Rows]]:
        """The same as record batches of spools, with their places."""
        places = self._batch(LOST).column("place").to_numpy()
        first = 0
        for content in map(self.content, self.spools if len(places) else ()):
            for batch in batches_of(content):
                here = places[(places >= first) & (places < first + len(batch))]
                if len(here):
                    yield batch.take(pa.array(here - first)), here
                first += len(batch)

    @property
    def links(self) -> pa.RecordBatch | None:
        """The references to resources that are not of patients of this shard (place, name); None if they were not
        stored."""
        return self._batch(LINKS) if LINKS in self._checksums else None

    @property
    def spools(self) -> list[str]:
        """The names of the spools, in the order of places."""
        return [*self._resources_spools(), *(name for name in (SHARED, LATER) if name in self._checksums)]

    @property
    def json(self) -> SpooledJson:
        """The JSON of resources by their places."""
        return SpooledJson(lambda: list(map(self.content, self.spools)))

    def table(self, resource_type: str, columns: Sequence[str] | None = None) -> pa.RecordBatch:
        """The stored table of a type, or those of some columns that it has."""
        content = self.content(table_file(resource_type))
        stored = pa.ipc.open_file(content)
        if columns is None:
            return stored.get_batch(0)
        wanted = [number for number, name in enumerate(stored.schema.names) if name in columns]
        return pa.ipc.open_file(content, options=pa.ipc.IpcReadOptions(included_fields=wanted)).get_batch(0)

    def stored_codes(self) -> tuple[pa.Array, pa.Array]:
        """The systems and codes of all codes in the columns, by number."""
        stored = self._batch(_CODES)
        return stored.column("system"), stored.column("code")

    def path(self, name: str) -> Path:
        """Where a file is. Raises TypeError for a shard that is not on a local file system."""
        path = self.folder / name
        if not isinstance(path, Path):
            raise TypeError(f"{path} is not a local file")
        return path

    def checksum(self, name: str) -> int:
        """The checksum of a file."""
        return self._checksums[name]

    def content(self, name: str) -> pa.Buffer:
        """The content of a file. Raises CorruptShard."""
        path = self.folder / name
        try:
            content = pa.py_buffer(path.read_bytes()) if self._contents is None else self._contents[name]
        except OSError as error:
            raise CorruptShard(f"{path}: cannot be read: {reason(error)}") from error
        if zlib.crc32(content) != self._checksums[name]:
            raise CorruptShard(f"{path}: not what was written (its checksum differs)")
        return content

    def _stored(self, demand: Demand, codes: CodeIndex) -> Cohort:
        ids = self.patient_ids()
        # The id -1, no code, finds the last entry.
        code_ids = np.append(codes.intern_all(self.codes()), np.int32(-1))
        reading = ArrowReading(codes, code_ids, _left_out(self.demand))
        raws = self.json
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
        batch = self._batch(table_file(name))
        layouts = layouts_of(batch)
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
            cohort = builder.finish()
        known = self.problems()
        cohort.problems = list(dict.fromkeys([*known, *cohort.problems]))
        return cohort

    def _batch(self, name: str) -> pa.RecordBatch:
        return pa.ipc.open_file(self.content(name)).get_batch(0)

    def _resources_spools(self) -> list[str]:
        numbers = (int(found[1]) for found in map(_RESOURCES.fullmatch, self._checksums) if found is not None)
        return list(map(resources_spool, sorted(numbers)))


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
