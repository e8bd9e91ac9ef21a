"""Bytes of files, compressed or not, within bounds."""

from __future__ import annotations

import gzip
import sys
from codecs import BOM_UTF8
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ecqm.data.files.archived import DAMAGE, is_in_archive, open_file, size_of
from ecqm.data.files.fhir_xml import is_fhir_xml, json_of_xml
from ecqm.data.problems import DataError
from ecqm.json_decoding import UTF16, is_utf16

# The most that one file may unpack to when it is read whole; a small file that exceeds this is an attack, not data.
LARGEST_FILE = 2 << 30
# The longest line of NDJSON that is read.
LONGEST_LINE = 256 << 20
_BLOCK = 4 << 20
_MOST_FILES = 1 << 20
_ZIP = b"PK\x03\x04"
_CODECS = {".gz": "gzip", ".zst": "zstd"}
# Roughly how many times larger compressed FHIR JSON is when it is unpacked.
_GROWTH = 12
_DAMAGE = (gzip.BadGzipFile, pa.ArrowException, *DAMAGE)


class Block(NamedTuple):
    """Whole lines of a file: the number of the first (from 1), their bytes, and where each ends, including its newline
    (the last line of a file may have none)."""

    first: int
    content: memoryview
    ends: npt.NDArray[np.int64]

    @property
    def lines(self) -> list[bytes]:
        """The lines, without their newlines."""
        lines = bytes(self.content).split(b"\n")
        return lines if lines[-1] else lines[:-1]

    def line(self, place: int) -> bytes:
        """The line at a place (from 0), with its newline."""
        return bytes(self.content[self.ends[place - 1] if place else 0 : self.ends[place]])


def _open(path: Path) -> IO[bytes]:
    codec = _CODECS.get(path.suffix)
    if codec is None:
        return open_file(path)
    archived = open_file(path) if is_in_archive(path) else None
    if codec == "gzip":
        return cast("IO[bytes]", gzip.open(archived or path))
    packed = pa.OSFile(str(path)) if archived is None else pa.PythonFile(archived, "r")
    return cast("IO[bytes]", pa.CompressedInputStream(packed, codec))


def unpacked_size(path: Path) -> int:
    """About how many bytes of JSON a file holds, unpacked."""
    size = size_of(path)
    return size * _GROWTH if path.suffix in _CODECS else size


def read_bytes(path: Path, largest: int = LARGEST_FILE) -> bytes:
    """The content of a file, unpacked if its name ends in .gz or .zst.

    Raises OSError if it cannot be read, DataError if it is damaged or unpacks to more than `largest` bytes.
    """
    try:
        with _open(path) as stream:
            # Memory is set aside for as much as is asked for, and most files are small.
            content = stream.read(min(_MOST_FILES, largest) + 1)
            if len(content) > _MOST_FILES:
                content += stream.read(largest + 1 - len(content))
    except _DAMAGE as error:
        raise DataError(f"damaged: {error}") from error
    if len(content) > largest:
        raise DataError(f"more than {largest} bytes, unpacked")
    return content


def read_document(path: Path, largest: int = LARGEST_FILE) -> bytes:
    """The content of a file as JSON, see `as_json`. Raises as `read_bytes` does."""
    return as_json(read_bytes(path, largest))


def as_json(content: bytes) -> bytes:
    """FHIR as JSON, without a byte order mark: of XML, the JSON that says the same. Raises DataError, also for a zip
    archive."""
    if content.startswith(_ZIP):
        raise DataError("it is a zip archive, but its name does not end in .zip")
    content = content.removeprefix(BOM_UTF8)
    return json_of_xml(content) if is_fhir_xml(content) else content


def read_blocks(
    path: Path, longest: int = LONGEST_LINE, start: int = 0, stop: int = sys.maxsize, first: int = 1
) -> Iterator[Block]:
    """A file of any size in blocks of whole lines. A block is valid until the next one is read.

    Only the bytes (unpacked) from `start` to `stop` are read. Both must be at line starts; line `first` begins at
    `start`. A byte order mark is replaced by spaces. Raises as `read_bytes` does, and DataError for a line longer than
    `longest` bytes, and for UTF-16.
    """
    # One buffer for all blocks: clearing fresh memory would take the system as long as reading into it.
    buffer = np.empty(_BLOCK, np.uint8)
    filled = 0
    try:
        marked = _is_marked(path) and start == 0
        with _open(path) as stream:
            _skip(stream, start)
            while True:
                if filled == len(buffer):
                    buffer = np.concatenate((buffer, np.empty_like(buffer)))
                size: int = cast("Any", stream).readinto(buffer.data[filled : filled + stop - start])
                if not size:
                    break
                if marked:
                    buffer[: len(BOM_UTF8)] = ord(" ")
                    marked = False
                ends = np.flatnonzero(buffer[filled : filled + size] == ord("\n")) + (filled + 1)
                start += size
                filled += size
                if len(ends):
                    end = int(ends[-1])
                    yield Block(first, buffer.data[:end], ends)
                    first += len(ends)
                    buffer[: filled - end] = buffer[end:filled]
                    filled -= end
                if filled > longest:
                    raise DataError(f"line {first} has more than {longest} bytes")
    except _DAMAGE as error:
        raise DataError(f"damaged after line {first - 1}: {error}") from error
    if filled:
        yield Block(first, buffer.data[:filled], np.array([filled]))


def _is_marked(path: Path) -> bool:
    """Whether a file begins with a byte order mark. Raises DataError if it begins as UTF-16 does."""
    with _open(path) as stream:
        beginning = stream.read(len(BOM_UTF8))
    if is_utf16(beginning):
        raise DataError(UTF16)
    return beginning == BOM_UTF8


def _skip(stream: IO[bytes], size: int) -> None:
    """Skip bytes that were read before. A compressed file has to be unpacked again up to there."""
    if stream.seekable():
        stream.seek(size)
        return
    while size and (passed := len(stream.read(min(size, _BLOCK)))):
        size -= passed


def read_lines(path: Path, longest: int = LONGEST_LINE) -> Iterator[tuple[int, list[bytes]]]:
    """The lines of a file, block by block, each with the number of its first line; see `read_blocks`."""
    for block in read_blocks(path, longest):
        yield block.first, block.lines
