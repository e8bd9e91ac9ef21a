"""Bytes of files, compressed or not, within bounds."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

import pyarrow as pa

from ecqm.data.problems import DataError

# What one file may unpack to when it is read whole; a small file that grows beyond this is a trap, not data.
LARGEST_FILE = 2 << 30
COMPRESSED = {".gz": "gzip", ".zst": "zstd"}


def read_bytes(path: Path, largest: int = LARGEST_FILE) -> bytes:
    """The content of a file, unpacked if its name ends in .gz or .zst.

    Raises OSError where it cannot be read, DataError where it is damaged or unpacks to more than `largest` bytes.
    """
    codec = COMPRESSED.get(path.suffix)
    if codec is None:
        if path.stat().st_size > largest:
            raise DataError(f"larger than {largest} bytes")
        return path.read_bytes()
    try:
        with gzip.open(path) if codec == "gzip" else pa.CompressedInputStream(str(path), codec) as stream:
            content: bytes = stream.read(largest + 1)
    except (gzip.BadGzipFile, zlib.error, EOFError, pa.ArrowException) as error:
        raise DataError(f"damaged {codec} file: {error}") from error
    if len(content) > largest:
        raise DataError(f"unpacks to more than {largest} bytes")
    return content
