"""Resources on their way into the store, sorted by shard: files that grow by blocks and can be cut back.

A spool file is a run of blocks, each eight bytes of length and an Arrow stream of resources with their patient's id.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

_LENGTH = struct.Struct("<Q")
_SCHEMA = pa.schema(
    [
        ("patient", pa.utf8()),
        ("urn", pa.utf8()),
        ("file", pa.int32()),
        ("entry", pa.int64()),
        ("json", pa.large_binary()),
    ]
)
_OPTIONS = pa.ipc.IpcWriteOptions(compression="lz4")


@dataclass
class Lot:
    """Resources as parallel lists: the patient's id (None: of no patient), URN, file number, entry or line, JSON."""

    patients: list[str | None] = field(default_factory=list)
    urns: list[str | None] = field(default_factory=list)
    files: list[int] = field(default_factory=list)
    entries: list[int] = field(default_factory=list)
    raws: list[bytes] = field(default_factory=list)
    size: int = 0

    def append(self, patient: str | None, urn: str | None, file: int, entry: int, raw: bytes) -> None:
        """One more."""
        self.patients.append(patient)
        self.urns.append(urn)
        self.files.append(file)
        self.entries.append(entry)
        self.raws.append(raw)
        self.size += len(raw)

    def __len__(self) -> int:
        return len(self.raws)


class Spool:
    """One spool file, open for appending; what is appended is held back until there is enough of it, or `flush`."""

    def __init__(self, path: Path, held_back: int) -> None:
        self.path = path
        self._held_back = held_back
        self._lot = Lot()

    def append(self, patient: str | None, urn: str | None, file: int, entry: int, raw: bytes) -> None:
        """One more resource."""
        self._lot.append(patient, urn, file, entry, raw)
        if self._lot.size >= self._held_back:
            self.flush()

    def flush(self) -> int:
        """Write what is held back; the size of the file then."""
        if len(self._lot):
            lot, self._lot = self._lot, Lot()
            arrays = [lot.patients, lot.urns, lot.files, lot.entries, lot.raws]
            batch = pa.RecordBatch.from_arrays(
                [pa.array(values, type_) for values, type_ in zip(arrays, _SCHEMA.types, strict=True)], schema=_SCHEMA
            )
            sink = pa.BufferOutputStream()
            with pa.ipc.new_stream(sink, _SCHEMA, options=_OPTIONS) as writer:
                writer.write_batch(batch)
            block = sink.getvalue()
            with self.path.open("ab") as file:
                file.write(_LENGTH.pack(block.size))
                file.write(memoryview(block))
        return self.path.stat().st_size if self.path.exists() else 0

    def cut_back(self, size: int) -> None:
        """Forget what was written beyond `size` bytes."""
        if self.path.exists():
            with self.path.open("r+b") as file:
                file.truncate(size)


def read_spool(path: Path) -> Iterator[Lot]:
    """The blocks of a spool file; none of one that was never written."""
    if not path.exists():
        return
    with path.open("rb") as file:
        while header := file.read(_LENGTH.size):
            block = file.read(_LENGTH.unpack(header)[0])
            for batch in pa.ipc.open_stream(block):
                yield Lot(*(column.to_pylist() for column in batch.columns))
