"""Blocks of lines of files: of any size, packed or not, from any place on."""

from __future__ import annotations

import gzip
from codecs import BOM_UTF8
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pytest

from ecqm.data import DataError
from ecqm.data.files import content as files
from ecqm.data.files.content import read_blocks, read_lines

LINES = [b"a" * size for size in (3, 0, 900, 5, 40, 0, 7)]


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_BLOCK", 16)


@pytest.fixture(params=["lines.ndjson", "lines.ndjson.gz", "lines.ndjson.zst"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    content = b"\n".join(LINES)
    packed: bytes = {".gz": gzip.compress, ".zst": lambda raw: pa.compress(raw, "zstd", asbytes=True)}.get(
        Path(request.param).suffix, bytes
    )(content)
    (tmp_path / request.param).write_bytes(packed)
    return tmp_path / request.param


def copied(path: Path, start: int = 0, first: int = 1) -> Iterator[tuple[int, bytes]]:
    """Each line, its newline included, with its number."""
    for block in read_blocks(path, start=start, first=first):
        bounds = [0, *block.ends.tolist()]
        for number, (begin, end) in enumerate(pairwise(bounds), block.first):
            yield number, bytes(block.content[begin:end])


def test_all_lines(path: Path) -> None:
    assert [line for _, lines in read_lines(path) for line in lines] == LINES
    assert [number for number, _ in copied(path)] == list(range(1, len(LINES) + 1))
    assert b"".join(line for _, line in copied(path)) == b"\n".join(LINES)


@pytest.mark.parametrize("packed", [bytes, gzip.compress])
def test_a_byte_order_mark_is_blank(tmp_path: Path, packed: Callable[[bytes], bytes]) -> None:
    path = tmp_path / ("lines.ndjson.gz" if packed is gzip.compress else "lines.ndjson")
    path.write_bytes(packed(BOM_UTF8 + b'{"a": 1}\n{"a": 2}\n'))
    assert list(copied(path)) == [(1, b'   {"a": 1}\n'), (2, b'{"a": 2}\n')]
    assert list(copied(path, 12, 2)) == [(2, b'{"a": 2}\n')]


def test_utf16_is_refused_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "lines.ndjson"
    path.write_bytes('{"a": 1}\n{"a": 2}\n'.encode("utf-16"))
    for start in (0, 12):
        with pytest.raises(DataError, match="it is UTF-16, and has to be UTF-8"):
            list(copied(path, start))


def test_from_a_line_on(path: Path) -> None:
    whole = list(copied(path))
    start = sum(len(line) for _, line in whole[:4])
    assert list(copied(path, start, 5)) == whole[4:]
    assert list(copied(path, len(b"\n".join(LINES)), 9)) == []


def test_up_to_a_line(path: Path) -> None:
    stop = len(b"\n".join(LINES[:3])) + 1
    assert b"".join(bytes(block.content) for block in read_blocks(path, stop=stop)) == b"\n".join(LINES[:3]) + b"\n"


def test_lines_that_are_too_long(path: Path) -> None:
    with pytest.raises(DataError, match="line 3 has more than 500 bytes"):
        list(read_blocks(path, longest=500))
