"""The files of a part as one compressed archive, to be sent from the process that made them to another machine."""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path

import pyarrow as pa

from ecqm.data.writing import replacing

_COMPRESSION = "zstd"


def packed_part(path: Path) -> bytes:
    """The files of a part, which have this path with a suffix each."""
    sink = pa.BufferOutputStream()
    with (
        pa.CompressedOutputStream(sink, _COMPRESSION) as compressed,
        tarfile.open(fileobj=compressed, mode="w|") as archive,
    ):
        # The JSON is last, as it is written: a part that has it is complete.
        for file in sorted(path.parent.glob(f"{path.name}.*"), key=lambda file: (file.suffix == ".json", file.suffix)):
            archive.add(file, file.suffix)
    packed: bytes = sink.getvalue().to_pybytes()
    return packed


def unpack_part(packed: bytes, path: Path) -> None:
    """Write the files of a part to another path. Raises OSError."""
    with (
        pa.CompressedInputStream(pa.BufferReader(packed), _COMPRESSION) as compressed,
        tarfile.open(fileobj=compressed, mode="r|") as archive,
    ):
        for member in archive:
            content = archive.extractfile(member)
            assert content is not None
            with replacing(path.with_suffix(member.name)) as fresh, fresh.open("wb") as file:
                shutil.copyfileobj(content, file)
