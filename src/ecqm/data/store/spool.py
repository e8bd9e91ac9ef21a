"""Spools: files of resources as JSON that grow by blocks and can be cut back.

A spool file is a sequence of blocks. Each is an Arrow stream of resources with the ids of their patients, after its
length in bytes and the number of resources. Loading sorts its input into spools, which become the JSON of shards
unchanged (`ecqm.data.store.shard`). A resource's place in spools is the number of resources before it, over all blocks.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ecqm.columns import Rows
from ecqm.data.writing import settle

_HEADER = struct.Struct("<QQ")
_SCHEMA = pa.schema(
    [
        ("patient", pa.utf8()),
        ("urn", pa.utf8()),
        ("file", pa.int32()),
        ("entry", pa.int64()),
        ("json", pa.large_binary()),
        ("type", pa.utf8()),
    ]
)
# FHIR JSON: level 1 of zstd takes little more time than LZ4, and its output is three fifths of the size.
# There is a process for every core already.
_OPTIONS = pa.ipc.IpcWriteOptions(compression=pa.Codec("zstd", 1), use_threads=False)
_ONLY_JSON = pa.ipc.IpcReadOptions(included_fields=[_SCHEMA.get_field_index("json")])
_WITHOUT_JSON = pa.ipc.IpcReadOptions(included_fields=[i for i, name in enumerate(_SCHEMA.names) if name != "json"])

_ONLY_TYPES = pa.ipc.IpcReadOptions(included_fields=[_SCHEMA.get_field_index("type")])


class _Identity(msgspec.Struct, gc=False):
    resourceType: str = ""
    id: str | None = None


decode_identity = msgspec.json.Decoder(_Identity).decode


@dataclass
class Lot:
    """Resources as parallel lists: the patient's id (None: of no patient), URN, file number, entry or line, JSON,
    resource type."""

    patients: list[str | None] = field(default_factory=list)
    urns: list[str | None] = field(default_factory=list)
    files: list[int] = field(default_factory=list)
    entries: list[int] = field(default_factory=list)
    raws: list[bytes] = field(default_factory=list)
    types: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, batch: pa.RecordBatch) -> Self:
        """The resources of a record batch."""
        return cls(*(column.to_pylist() for column in batch.columns))

    def append(
        self,
        patient: str | None,
        urn: str | None,
        file: int,
        entry: int,
        raw: bytes,
        resource_type: str,
    ) -> None:
        """Add a resource."""
        self.patients.append(patient)
        self.urns.append(urn)
        self.files.append(file)
        self.entries.append(entry)
        self.raws.append(raw)
        self.types.append(resource_type)

    def __len__(self) -> int:
        return len(self.raws)

    def without(self, resources: Collection[str], patients: Collection[str] = ()) -> Lot:
        """The lot without some resources (`Location/1`), and without those of some patients."""
        named = enumerate(zip(map(decode_identity, self.raws), self.patients, strict=True))
        kept = [
            i for i, (each, of) in named if f"{each.resourceType}/{each.id}" not in resources and of not in patients
        ]
        return Lot(*([values[i] for i in kept] for values in vars(self).values()))

    def batch(self) -> pa.RecordBatch:
        """The lot as a record batch."""
        columns: list[Sequence[Any]] = [
            self.patients,
            self.urns,
            self.files,
            self.entries,
            self.raws,
            self.types,
        ]
        arrays = [pa.array(values, type_) for values, type_ in zip(columns, _SCHEMA.types, strict=True)]
        return pa.RecordBatch.from_arrays(arrays, schema=_SCHEMA)


def json_batch(raws: Sequence[bytes | None], resource_type: str) -> pa.RecordBatch:
    """A batch of only the JSON of resources of one type; their patients and origins are kept elsewhere."""
    columns = {"json": pa.array(raws, pa.large_binary()), "type": pa.repeat(pa.scalar(resource_type), len(raws))}
    arrays = [columns.get(field.name, pa.nulls(len(raws), field.type)) for field in _SCHEMA]
    return pa.RecordBatch.from_arrays(arrays, schema=_SCHEMA)


class Spool:
    """A spool file for appending."""

    SCHEMA = _SCHEMA

    def __init__(self, path: Path) -> None:
        self.path = path
        self._is_settled = True

    def append(self, batch: pa.RecordBatch) -> None:
        """Write resources as a block."""
        if not len(batch):
            return
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, _SCHEMA, options=_OPTIONS) as writer:
            writer.write_batch(batch)
        block = sink.getvalue()
        with self.path.open("ab") as file:
            file.write(_HEADER.pack(block.size, len(batch)))
            file.write(memoryview(block))
        self._is_settled = False

    def settle(self) -> int:
        """Wait until the file is on disk. Gives its size."""
        if not self.path.exists():
            return 0
        if not self._is_settled:
            settle(self.path)
            self._is_settled = True
        return self.path.stat().st_size

    def cut_back(self, size: int) -> None:
        """Remove what was written beyond `size` bytes."""
        if self.path.exists() and self.path.stat().st_size != size:
            with self.path.open("r+b") as file:
                file.truncate(size)
            self._is_settled = False


def spool_state(path: Path) -> tuple[int, int]:
    """The state of a spool file, to notice changes: its size, and when it was written (in ns)."""
    if not path.exists():
        return 0, 0
    state = path.stat()
    return state.st_size, state.st_mtime_ns


def read_spools(paths: Iterable[Path]) -> Iterator[Lot]:
    """The blocks of spool files, one file after the other. A file that was never written has none."""
    return map(Lot.of, read_batches(paths))


def read_batches(paths: Iterable[Path]) -> Iterator[pa.RecordBatch]:
    """The blocks of spool files as record batches, see `read_spools`."""
    for path in paths:
        if path.exists():
            yield from batches_of(pa.py_buffer(path.read_bytes()))


def patients_of(paths: Iterable[Path]) -> Iterator[pa.Array]:
    """The ids of the Patient resources in spool files, block by block."""
    for path in filter(Path.exists, paths):
        for block, _ in _blocks(pa.py_buffer(path.read_bytes())):
            for batch in pa.ipc.open_stream(block, options=_WITHOUT_JSON):
                is_patient = pc.equal(batch.column("type"), "Patient")
                yield batch.column("patient").filter(is_patient).drop_null()


def types_in(path: Path) -> set[str]:
    """The types of the resources in a spool file."""
    blocks = _blocks(pa.py_buffer(path.read_bytes()))
    found = (pa.ipc.open_stream(block, options=_ONLY_TYPES).read_all()["type"].unique() for block, _ in blocks)
    return {name for types in found for name in types.to_pylist()}


def batches_of(content: pa.Buffer) -> Iterator[pa.RecordBatch]:
    """The blocks in the content of a spool file, as record batches."""
    for block, _ in _blocks(content):
        yield from pa.ipc.open_stream(block)


def _blocks(content: pa.Buffer) -> Iterator[tuple[pa.Buffer, int]]:
    """Each block with its number of resources."""
    start = 0
    while start < content.size:
        size, count = _HEADER.unpack_from(content, start)
        start += _HEADER.size
        yield content.slice(start, size), count
        start += size


class SpooledJson:
    """The JSON of resources by their places in one or more spools. A block is unpacked when it is first needed."""

    def __init__(self, contents: Callable[[], Sequence[pa.Buffer]]) -> None:
        """`contents` are those of the spool files, read when JSON is first wanted."""
        self._contents = contents
        self._unpacked: dict[int, pa.ChunkedArray] = {}

    def __len__(self) -> int:
        return sum(count for _, count in self._blocks)

    def take(self, places: Rows) -> pa.ChunkedArray:
        """The JSON at some places (large_binary), in the order of the places."""
        if not len(places):
            return pa.chunked_array([], pa.large_binary())
        block = np.searchsorted(self._starts, places, side="right") - 1
        wanted, which = np.unique(block, return_inverse=True)
        columns = [self._column(number) for number in wanted.tolist()]
        starts = np.cumsum([0, *map(len, columns)])[:-1]
        chunks = [chunk for column in columns for chunk in column.chunks]
        chosen = starts[which] + places - self._starts[block]
        return pa.chunked_array(chunks, pa.large_binary()).take(pa.array(chosen))

    @cached_property
    def _blocks(self) -> list[tuple[pa.Buffer, int]]:
        return [block for content in self._contents() for block in _blocks(content)]

    @cached_property
    def _starts(self) -> Rows:
        counts = np.array([count for _, count in self._blocks], np.int64)
        return np.cumsum(counts) - counts

    def _column(self, number: int) -> pa.ChunkedArray:
        if number not in self._unpacked:
            block, _ = self._blocks[number]
            self._unpacked[number] = pa.ipc.open_stream(block, options=_ONLY_JSON).read_all()["json"]
        return self._unpacked[number]
