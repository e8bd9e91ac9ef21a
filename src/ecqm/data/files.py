"""Bytes of files, compressed or not, within bounds."""

from __future__ import annotations

import gzip
import zlib
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, NamedTuple, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ecqm.data.fhir_xml import is_fhir_xml, json_of_xml
from ecqm.data.problems import DataError

# What one file may unpack to when it is read whole; a small file that grows beyond this is a trap, not data.
LARGEST_FILE = 2 << 30
# The longest line of NDJSON that is taken as a resource.
LONGEST_LINE = 256 << 20
_BLOCK = 4 << 20
_CODECS = {".gz": "gzip", ".zst": "zstd"}
_DAMAGE = (gzip.BadGzipFile, zlib.error, EOFError, pa.ArrowException)


class Block(NamedTuple):
    """Whole lines of a file: the number of the first (from 1), their bytes, and where in these each ends, its newline
    included."""

    first: int
    content: bytes
    ends: npt.NDArray[np.int64]

    @classmethod
    def of(cls, first: int, content: bytes) -> Block:
        """The lines in some bytes; the last may have no newline."""
        ends = np.flatnonzero(np.frombuffer(content, np.uint8) == ord("\n")) + 1
        return cls(first, content, ends if content.endswith(b"\n") else np.append(ends, len(content)))


def _open(path: Path) -> IO[bytes]:
    codec = _CODECS.get(path.suffix)
    if codec == "zstd":
        return cast("IO[bytes]", pa.CompressedInputStream(pa.OSFile(str(path)), codec))
    return cast("IO[bytes]", gzip.open(path)) if codec == "gzip" else path.open("rb")


def read_bytes(path: Path, largest: int = LARGEST_FILE) -> bytes:
    """The content of a file, unpacked if its name ends in .gz or .zst.

    Raises OSError where it cannot be read, DataError where it is damaged or unpacks to more than `largest` bytes.
    """
    try:
        with _open(path) as stream:
            content = stream.read(largest + 1)
    except _DAMAGE as error:
        raise DataError(f"damaged: {error}") from error
    if len(content) > largest:
        raise DataError(f"more than {largest} bytes, unpacked")
    return content


def read_document(path: Path, largest: int = LARGEST_FILE) -> bytes:
    """The content of a file as JSON, without a byte order mark: of FHIR in XML, the JSON that says the same.

    Raises as `read_bytes` does.
    """
    content = read_bytes(path, largest).removeprefix(BOM_UTF8)
    return json_of_xml(content) if is_fhir_xml(content) else content


def without_twins(paths: Iterable[Path]) -> list[Path]:
    """Paths without those of XML that stand beside the same in JSON, in their order."""
    listed = list(paths)
    json = {path.with_suffix("") for path in listed if path.suffix == ".json"}
    return [path for path in listed if path.suffix != ".xml" or path.with_suffix("") not in json]


def read_blocks(path: Path, longest: int = LONGEST_LINE) -> Iterator[Block]:
    """A file in blocks of whole lines: a file may be of any size.

    Raises as `read_bytes` does, and DataError for a line longer than `longest` bytes.
    """
    number = 1
    rest = b""
    try:
        with _open(path) as stream:
            while block := stream.read(_BLOCK):
                end = block.rfind(b"\n") + 1
                if end:
                    whole = b"".join((rest, memoryview(block)[:end]))
                    rest = block[end:]
                    lines = Block.of(number, whole)
                    yield lines
                    number += len(lines.ends)
                else:
                    rest += block
                if len(rest) > longest:
                    raise DataError(f"line {number} has more than {longest} bytes")
    except _DAMAGE as error:
        raise DataError(f"damaged after line {number - 1}: {error}") from error
    if rest:
        yield Block.of(number, rest)


def read_lines(path: Path, longest: int = LONGEST_LINE) -> Iterator[tuple[int, list[bytes]]]:
    """The lines of a file in lots, each with the number of its first line; see `read_blocks`."""
    for block in read_blocks(path, longest):
        lines = block.content.split(b"\n")
        if not lines[-1]:
            lines.pop()
        yield block.first, lines
