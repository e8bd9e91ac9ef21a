"""Parts of files are consecutive, begin at line starts, and are about equal in size."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest

from ecqm.data.files.content import Block
from ecqm.data.loading import division
from ecqm.data.loading.division import Place, divide, n_parts


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(division, "_LEAST", 1000)


def lines(path: Path, count: int) -> Path:
    """Lines of 10 to 19 bytes."""
    path.write_bytes(b"".join(b"x" * (9 + number % 10) + b"\n" for number in range(count)))
    return path


def test_small_files_are_one_part(tmp_path: Path) -> None:
    assert n_parts([lines(tmp_path / "a.ndjson", 100)], 4) == 1
    assert n_parts([lines(tmp_path / "a.ndjson", 300)], 4) == 4
    assert n_parts([lines(tmp_path / "a.ndjson", 300)], 2) == 2
    assert n_parts([], 2) == 1
    assert divide([tmp_path / "a.ndjson"], 1) == [Place(0, 0, 1)]


def test_a_large_file_is_divided_at_lines(tmp_path: Path) -> None:
    path = lines(tmp_path / "a.ndjson", 1000)
    places = divide([path], 3)
    content = path.read_bytes()
    assert len(places) == 3
    for part, place in enumerate(places):
        assert content[: place.byte].count(b"\n") == place.line - 1
        assert place.byte == 0 or content[place.byte - 1 : place.byte] == b"\n"
        assert abs(place.byte - len(content) * part // 3) < 20


def test_parts_begin_with_files_where_these_are_small_or_packed(tmp_path: Path) -> None:
    small = [lines(tmp_path / f"{number}.ndjson", 10) for number in range(40)]
    assert divide(small, 4) == [Place(0), Place(10), Place(20), Place(30)]
    packed = tmp_path / "a.ndjson.gz"
    packed.write_bytes(gzip.compress(lines(tmp_path / "a.ndjson", 2000).read_bytes(), 0))
    assert divide([*small, packed], 3) == [Place(0), Place(40)]
    assert divide([packed], 3) == [Place(0)]


def test_the_end_of_a_file_is_no_part(tmp_path: Path) -> None:
    """A last line so long that nothing is left after it."""
    path = lines(tmp_path / "a.ndjson", 100)
    path.write_bytes(path.read_bytes() + b"y" * 2000)
    assert divide([path], 2) == [Place(0)]


def test_a_file_that_cannot_be_read_to_its_end_is_not_divided(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = lines(tmp_path / "a.ndjson", 1000)
    whole = divide([path], 2)

    def lost(path: Path, start: int = 0, stop: int = 0) -> Iterator[Block]:
        raise OSError(5, "lost")

    monkeypatch.setattr(division, "read_blocks", lost)
    assert len(whole) == 2 and divide([path], 2) == [Place(0)]
