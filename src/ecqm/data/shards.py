"""A shard of the cohort store: some patients with all of their resources, in a folder that can be read by itself.

    patients.arrow          the ids, one per patient row
    codes.arrow             the codes (system, code) that code ids in this shard's columns stand for
    Encounter.arrow         one table: a record batch of table columns (@patient, @serial…) and element columns
    Encounter.raw           the JSON of its resources, in batches
    problems.json           what was found wrong when it was made

`Shard.cohort` gives the columns where they hold what is wanted, and decodes the JSON again where they do not.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from ecqm.data.allocation import many_objects
from ecqm.data.arrow import ArrowReading, Layout, StoredElements, to_arrow
from ecqm.data.cohort import Cohort, CohortBuilder
from ecqm.data.demand import Demand
from ecqm.data.problems import DataError, DataProblem
from ecqm.data.schema import fhir_schema
from ecqm.data.table import Origin, Origins, ResourceTable
from ecqm.terminology import CodeIndex, CodeKey

_RAW_BATCH = 2048
# Columns are read often, JSON hardly ever.
_COLUMNS = pa.ipc.IpcWriteOptions(compression="lz4")
_JSON = pa.ipc.IpcWriteOptions(compression="zstd")
_TABLE_COLUMNS = ("patient", "serial", "container", "file", "entry", "urn")


class CorruptShard(DataError):
    """A file of a shard that is not what was written."""


@dataclass(frozen=True)
class StoredResource:
    """A resource as the store keeps it: its patient row, type, JSON, origin, and URN."""

    patient: int
    resource_type: str
    raw: bytes
    origin: Origin
    urn: str | None


class ShardWriter:
    """Writes a shard into a folder: its tables one by one, then the rest."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self.folder = folder
        self._checksums: dict[str, int] = {}

    @staticmethod
    def batch(arrays: Mapping[str, pa.Array], layouts: Mapping[str, Layout]) -> pa.RecordBatch:
        """A table's columns and elements, with the layouts of the elements."""
        return _batch(arrays).replace_schema_metadata({"layouts": json.dumps(layouts)})

    def table(self, name: str, batch: pa.RecordBatch, raws: pa.Array) -> None:
        """A table as `batch` makes it, and the JSON of its rows (binary)."""
        self._write(f"{name}.arrow", [batch])
        parts = [raws[start : start + _RAW_BATCH].cast(pa.binary()) for start in range(0, len(raws), _RAW_BATCH)]
        self._write(f"{name}.raw", [_batch({"json": part}) for part in parts], _JSON)

    def finish(
        self, codes: tuple[pa.Array, pa.Array], ids: Sequence[str], problems: Sequence[DataProblem]
    ) -> dict[str, int]:
        """The codes (systems and codes by number), patients and problems; all checksums."""
        self._write("codes.arrow", [_batch({"system": codes[0], "code": codes[1]})])
        self._write("patients.arrow", [_batch({"id": pa.array(ids, pa.utf8())})])
        listed = json.dumps([asdict(problem) for problem in problems]).encode()
        self._write_file("problems.json", memoryview(listed))
        return self._checksums

    def _write(self, name: str, batches: Sequence[pa.RecordBatch], options: pa.ipc.IpcWriteOptions = _COLUMNS) -> None:
        sink = pa.BufferOutputStream()
        with pa.ipc.new_file(sink, batches[0].schema, options=options) as writer:
            for batch in batches:
                writer.write_batch(batch)
        self._write_file(name, memoryview(sink.getvalue()))

    def _write_file(self, name: str, content: memoryview) -> None:
        (self.folder / name).write_bytes(content)
        self._checksums[name] = zlib.crc32(content)


def write_shard(folder: Path, cohort: Cohort) -> dict[str, int]:
    """Write a cohort (read with its JSON kept) as a shard; the checksums of its files by name."""
    writer = ShardWriter(folder)
    for name, table in sorted(cohort.tables.items()):
        if len(table):
            writer.table(name, _table_batch(table), _raws(table))
    pairs = cohort.codes.since(0) if len(cohort.codes) else ()
    codes = pa.array([system for system, _ in pairs], pa.utf8()), pa.array([code for _, code in pairs], pa.utf8())
    return writer.finish(codes, cohort.ids, cohort.problems)


def _batch(arrays: Mapping[str, pa.Array]) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays(list(arrays.values()), names=list(arrays))


def _table_batch(table: ResourceTable) -> pa.RecordBatch:
    arrays = {
        "@patient": pa.array(table.patient),
        "@serial": pa.array(table.serial),
        "@container": pa.array(table.container),
        "@file": pa.DictionaryArray.from_arrays(pa.array(table.origins.file), pa.array(table.origins.files, pa.utf8())),
        "@entry": pa.array(table.origins.entry),
        "@urn": _sparse(table.urns, len(table)),
    }
    layouts: dict[str, Layout] = {}
    for name in table.elements:
        arrays[name], layouts[name] = to_arrow(table.element(name))
    return ShardWriter.batch(arrays, layouts)


def _raws(table: ResourceTable) -> pa.Array:
    raws = [b"" if container >= 0 else table.raw(row) for row, container in enumerate(table.container.tolist())]
    return pa.array(raws, pa.large_binary())


class Shard:
    """A shard that was written; `demand` is what its columns hold. Files are read when they are needed."""

    def __init__(self, folder: Path, checksums: Mapping[str, int], demand: Demand, default_offset: int) -> None:
        self.folder = folder
        self.demand = demand
        self._checksums = checksums
        self._default_offset = default_offset

    @property
    def resource_types(self) -> tuple[str, ...]:
        """The types of which there are resources."""
        return tuple(sorted(name.removesuffix(".arrow") for name in self._checksums if name[0].isupper() and
                            name.endswith(".arrow")))  # fmt: skip

    def patient_ids(self) -> list[str]:
        """The ids, by patient row."""
        ids: list[str] = self._batches("patients.arrow")[0].column("id").to_pylist()
        return ids

    def codes(self) -> list[CodeKey]:
        """The codes in the columns: (system, code)."""
        stored = self._batches("codes.arrow")[0]
        return list(zip(stored.column("system").to_pylist(), stored.column("code").to_pylist(), strict=True))

    def problems(self) -> list[DataProblem]:
        """What was found wrong when the shard was made."""
        return [DataProblem(**problem) for problem in json.loads(bytes(self._content("problems.json")))]

    def cohort(self, demand: Demand, codes: CodeIndex | None = None) -> Cohort:
        """The patients with what is wanted of their data. Raises CorruptShard, naming the file."""
        codes = CodeIndex() if codes is None else codes
        return self._stored(demand, codes) if self.demand.covers(demand) else self._decoded(demand, codes)

    def resources(self, resource_types: Sequence[str] | None = None) -> Iterator[StoredResource]:
        """All resources as they were read, those inside others left inside."""
        for name in self.resource_types if resource_types is None else resource_types:
            table = self._batches(f"{name}.arrow")[0]
            raws = (raw for batch in self._batches(f"{name}.raw") for raw in batch.column("json").to_pylist())
            columns = [table.column(f"@{column}").to_pylist() for column in _TABLE_COLUMNS]
            for raw, patient, _, container, file, entry, urn in zip(raws, *columns, strict=True):
                if container < 0:
                    yield StoredResource(patient, name, raw, Origin(file, None if entry < 0 else entry), urn)

    def _stored(self, demand: Demand, codes: CodeIndex) -> Cohort:
        ids = self.patient_ids()
        # An id of -1 is of no code: it finds the last entry.
        code_ids = np.append(codes.intern_all(self.codes()), np.int32(-1))
        reading = ArrowReading(codes, code_ids, _left_out(self.demand))
        tables = {name: self._table(name, len(ids), reading) for name in self.resource_types if demand.reads(name)}

        def empty(name: str) -> ResourceTable:
            none = np.zeros(0, np.int64)
            elements = StoredElements(0, name, lambda _: pa.nulls(0), {}, reading)
            origins = Origins((), none.astype(np.int32), none)
            return ResourceTable(name, len(ids), none, elements, none, none, origins, {}, None)

        return Cohort(ids, tables, demand, codes, self.problems(), empty)

    def _table(self, name: str, n_patients: int, reading: ArrowReading) -> ResourceTable:
        batch = self._batches(f"{name}.arrow")[0]
        layouts = json.loads(batch.schema.metadata[b"layouts"])
        file = batch.column("@file")
        urns = batch.column("@urn")
        return ResourceTable(
            name,
            n_patients,
            batch.column("@patient").to_numpy(),
            StoredElements(len(batch), name, lambda element: batch.column(element), layouts, reading),
            batch.column("@serial").to_numpy(),
            batch.column("@container").to_numpy(),
            Origins(file.dictionary.to_pylist(), file.indices.to_numpy(), batch.column("@entry").to_numpy()),
            {} if urns.null_count == len(urns) else {i: urn for i, urn in enumerate(urns.to_pylist()) if urn},
            _StoredJson(len(batch), lambda: self._batches(f"{name}.raw")),
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
            content = path.read_bytes()
        except OSError as error:
            raise CorruptShard(f"{path}: {error}") from error
        if zlib.crc32(content) != self._checksums[name]:
            raise CorruptShard(f"{path}: not what was written (its checksum differs)")
        return pa.py_buffer(content)

    def _batches(self, name: str) -> list[pa.RecordBatch]:
        reader = pa.ipc.open_file(self._content(name))
        return [reader.get_batch(i) for i in range(reader.num_record_batches)]


def _sparse(texts: Mapping[int, str], n: int) -> pa.Array:
    """Texts by row, null in the other rows of n."""
    if not texts:
        return pa.nulls(n, pa.utf8())
    place = np.full(n, -1, np.int64)
    place[list(texts)] = np.arange(len(texts))
    return pa.array(texts.values(), pa.utf8()).take(pa.array(place, mask=place < 0))


class _StoredJson(Sequence[bytes]):
    """The JSON of a table's rows, read when one of them is first asked for."""

    def __init__(self, n: int, batches: Callable[[], list[pa.RecordBatch]]) -> None:
        self._n = n
        self._batches = batches
        self._columns: list[pa.Array] | None = None

    def __len__(self) -> int:
        return self._n

    def __getitem__(self, row: Any) -> Any:
        if self._columns is None:
            self._columns = [batch.column("json") for batch in self._batches()]
        return self._columns[row // _RAW_BATCH][row % _RAW_BATCH].as_py()


def _left_out(demand: Demand) -> Callable[[str, str], bool]:
    """Does FHIR have an element that a demand does not name? KeyError for one that FHIR does not have."""
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
