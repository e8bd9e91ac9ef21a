"""Dividing resources among the spools of a part."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from ecqm.data.files.content import Block
from ecqm.data.loading.headers import headers_of
from ecqm.data.loading.spools import Spools, shards_of
from ecqm.data.store.spool import read_batches, read_spools
from tests.data.resources import Json, encounter, patient

N = 3
LOCATION: Json = {"resourceType": "Location", "id": "l"}


def opened(folder: Path, held_back: int) -> Spools:
    return Spools(folder / "shared", [folder / str(number) for number in range(N)], held_back)


def block(first: int, *resources: Json) -> Block:
    lines = [json.dumps(resource).encode() + b"\n" for resource in resources]
    return Block(first, memoryview(b"".join(lines)), np.cumsum(list(map(len, lines))))


def filled(folder: Path, held_back: int) -> dict[str, int]:
    """Blocks of lines with single resources between them."""
    folder.mkdir()
    spools = opened(folder, held_back)
    names = [f"p{number}" for number in range(20)]
    for file, batch in enumerate((names[:5], names[5:], names)):
        lines = block(1, *map(patient, batch), LOCATION, *(encounter(f"e-{name}", name) for name in batch))
        spools.add_lines(file, lines, headers_of(lines))
        for name in batch[::2]:
            spools.add(name, f"urn:{name}", file, 1000, json.dumps(patient(name)).encode(), "Patient")
        spools.add(None, None, file, 1001, json.dumps(LOCATION).encode(), "Location")
    return spools.settle()


def resources(path: Path) -> list[dict[str, Any]]:
    return [row for batch in read_batches([path]) for row in batch.to_pylist()]


@pytest.mark.parametrize("held_back", [1, 3_000, 1 << 20])
def test_resources_keep_their_order_in_each_spool(tmp_path: Path, held_back: int) -> None:
    sizes = filled(tmp_path / "some", held_back)
    filled(tmp_path / "all", 1 << 20)
    assert sizes == {path.name: path.stat().st_size for path in (tmp_path / "some").iterdir()}
    for name in sizes:
        found = resources(tmp_path / "some" / name)
        assert found == resources(tmp_path / "all" / name)
        assert [row["file"] for row in found] == sorted(row["file"] for row in found)
        for row in found:
            resource = json.loads(row["json"])
            assert row["type"] == resource["resourceType"]
            if name == "shared":
                assert row["patient"] is None and row["type"] == "Location"
            else:
                assert row["patient"] == resource["id"].removeprefix("e-")
                assert shards_of(pa.array([row["patient"]]), N).tolist() == [int(name)]


def test_small_pieces_make_one_block(tmp_path: Path) -> None:
    filled(tmp_path / "a", 1 << 20)
    assert [len(list(read_spools([path]))) for path in (tmp_path / "a").iterdir()] == [1] * (N + 1)


def test_cut_back(tmp_path: Path) -> None:
    sizes = filled(tmp_path / "a", 1 << 20)
    before = resources(tmp_path / "a" / "1")
    spools = opened(tmp_path / "a", 1 << 20)
    lines = block(1, *(patient(f"p{number}") for number in range(20)))
    spools.add_lines(3, lines, headers_of(lines))
    spools.settle()
    assert len(resources(tmp_path / "a" / "1")) > len(before)
    opened(tmp_path / "a", 1).cut_back({"1": sizes["1"]})
    assert resources(tmp_path / "a" / "1") == before and resources(tmp_path / "a" / "2") == []


def test_a_patient_has_one_shard() -> None:
    names = ["", "a", "é", *(f"p{number}" for number in range(10_000))]
    together = shards_of(pa.array(names), 7)
    assert together.tolist() == [int(shards_of(pa.array([name]), 7)[0]) for name in names]
    assert shards_of(pa.array(names)[3:], 7).tolist() == together[3:].tolist()
    assert np.bincount(together).min() > 1300
    assert shards_of(pa.array(["p1", "0f8fad5b-d9cb-469f-a165-70867728950e"]), 4096).tolist() == [214, 620]
    assert shards_of(pa.array([], pa.utf8()), 7).tolist() == []
