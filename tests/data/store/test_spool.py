"""Spools: blocks of resources in a file, and JSON by its place in them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from ecqm.data.store.spool import Lot, Spool, SpooledJson, json_batch, read_spools


def lot(*numbers: int) -> Lot:
    found = Lot()
    for number in numbers:
        found.append(f"p{number}", None, 0, number, json(number), "Encounter")
    return found


def json(number: int) -> bytes:
    return b'{"resourceType":"Encounter","id":"%d"}' % number


def spooled(path: Path, *blocks: tuple[int, ...]) -> Spool:
    spool = Spool(path)
    for numbers in blocks:
        spool.append(lot(*numbers).batch())
    return spool


def content(path: Path) -> pa.Buffer:
    return pa.py_buffer(path.read_bytes())


def test_blocks_come_back(tmp_path: Path) -> None:
    spool = spooled(tmp_path / "a.spool", (1, 2), (), (3,))
    assert list(read_spools([spool.path])) == [lot(1, 2), lot(3)]
    assert list(read_spools([tmp_path / "never written.spool"])) == []


def test_cut_back(tmp_path: Path) -> None:
    spool = spooled(tmp_path / "a.spool", (1, 2))
    size = spool.settle()
    spool.append(lot(3).batch())
    assert spool.settle() > size
    spool.cut_back(size)
    assert list(read_spools([spool.path])) == [lot(1, 2)]


def test_json_by_its_place_over_files_and_blocks(tmp_path: Path) -> None:
    one, two = spooled(tmp_path / "one.spool", (0, 1, 2), (3,)), spooled(tmp_path / "two.spool", (4, 5))
    raws = SpooledJson(lambda: [content(one.path), content(two.path)])
    for places in ([5, 0, 3, 3, 1], [4], [], list(range(6))):
        assert raws.take(np.array(places, np.int64)).to_pylist() == list(map(json, places))


def test_blocks_that_are_not_wanted_stay_packed(tmp_path: Path) -> None:
    spool = spooled(tmp_path / "a.spool", (0, 1))
    size = spool.settle()
    spooled(spool.path, (2, 3))
    damaged = bytearray(spool.path.read_bytes())
    damaged[16:size] = bytes(size - 16)
    raws = SpooledJson(lambda: [pa.py_buffer(bytes(damaged))])
    assert raws.take(np.array([3, 2])).to_pylist() == [json(3), json(2)]
    with pytest.raises(pa.ArrowInvalid):
        raws.take(np.array([1]))


def test_files_are_read_when_json_is_wanted() -> None:
    def unread() -> list[pa.Buffer]:
        raise AssertionError

    with pytest.raises(AssertionError):
        SpooledJson(unread).take(np.array([0]))


def test_json_of_nobody_in_particular(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "a.spool")
    spool.append(json_batch([json(1), json(2)], "Encounter"))
    (found,) = read_spools([spool.path])
    assert found.raws == [json(1), json(2)] and found.types == ["Encounter"] * 2
    assert found.patients == [None, None]
