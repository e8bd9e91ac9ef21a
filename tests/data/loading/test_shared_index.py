"""The index of shared resources: only what is asked for is read."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest

from ecqm.data import EVERYTHING
from ecqm.data.loading.load import load
from ecqm.data.loading.shared_index import SharedIndex, write_index
from ecqm.data.parsing.shapes import ShapedParser
from ecqm.data.store.spool import Lot, Spool
from ecqm.data.store.store import open_store
from tests.data.resources import Json, encounter, patient, write


def spool(path: Path, *blocks: list[tuple[Json, str | None]]) -> Path:
    for resources in blocks:
        lot = Lot()
        for resource, urn in resources:
            lot.append(None, urn, 0, 1, json.dumps(resource).encode(), resource["resourceType"])
        Spool(path).append(lot.batch())
    return path


def location(id_: str | None, **elements: object) -> Json:
    return {"resourceType": "Location", **({} if id_ is None else {"id": id_}), **elements}


def part_of(reference: str) -> Json:
    return {"partOf": {"reference": reference}}


def indexed(folder: Path, *blocks: list[tuple[Json, str | None]]) -> SharedIndex:
    folder.mkdir()
    write_index(spool(folder / "shared.spool", *blocks), folder / "index")
    return SharedIndex(folder / "index")


def found(table: pa.Table) -> list[Json]:
    return [json.loads(raw) for raw in table["json"].to_pylist()]


def test_resources_by_name(tmp_path: Path) -> None:
    a, b = location("a"), location("b", name="ü")
    urn, organization = location(None), {"resourceType": "Organization", "id": "a"}
    index = indexed(tmp_path / "s", [(a, None), (b, "urn:uuid:b"), (urn, "urn:uuid:1")], [(organization, None)])
    assert index.types == {"Location", "Organization"} and index.has_urns
    assert found(index.named(["Location/a", "Location/unknown"])) == [a]
    assert found(index.named(["Organization/a", "urn:uuid:b", "urn:uuid:1", "Location/b"])) == [b, urn, organization]
    assert found(index.named([])) == []


def test_all_of_one_name_in_the_order_of_the_input(tmp_path: Path) -> None:
    versions = [(location("a", name=name), None) for name in ("first", "second")]
    index = indexed(tmp_path / "s", versions, [(location("a", name="third"), None)])
    assert [row["name"] for row in found(index.named(["Location/a"]))] == ["first", "second", "third"]


def test_resources_are_counted_by_type(tmp_path: Path) -> None:
    """Those with one id count once: what several loads brought is there several times."""
    organization = {"resourceType": "Organization", "id": "a"}
    first = [(location("a"), None), (location(None), None), (location(None), "urn:uuid:1")]
    index = indexed(tmp_path / "s", first, [(organization, None), (location("a", name="new"), None)])
    assert index.counts == {"Location": 3, "Organization": 1}


def test_resources_that_others_lead_to(tmp_path: Path) -> None:
    chain = [location(f"l{number}", **part_of(f"Location/l{number + 1}")) for number in range(4)]
    circle = [location("x", **part_of("http://server/fhir/Location/y")), location("y", **part_of("Location/x"))]
    index = indexed(tmp_path / "s", [(one, None) for one in (*chain, *circle, location("other"))])
    assert found(index.reachable(["Location/l1"])) == chain[1:]
    assert found(index.reachable(["Location/y"])) == circle


def test_slashes_may_be_escaped(tmp_path: Path) -> None:
    write(
        tmp_path / "in" / "data.ndjson",
        patient(),
        json.dumps(encounter("e", location=[{"location": {"reference": "Location/l1"}}])).replace("/", r"\/").encode(),
        json.dumps(location("l1", **part_of("Location/l2"))).replace("/", r"\/").encode(),
        location("l2"),
    )
    load([tmp_path / "in"], tmp_path / "store")
    (shard,) = open_store(tmp_path / "store").shards
    assert len(shard.cohort(EVERYTHING).table("Location")) == 2


def test_no_shared_resources(tmp_path: Path) -> None:
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "shared.spool").touch()
    write_index(tmp_path / "s" / "shared.spool", tmp_path / "s" / "index")
    index = SharedIndex(tmp_path / "s" / "index")
    assert not index.types and not index.has_urns
    assert found(index.named(["Location/a"])) == found(index.reachable(["Location/a"])) == []


def test_an_index_is_written_anew_if_the_spool_has_changed(tmp_path: Path) -> None:
    indexed(tmp_path / "s", [(location("a"), None)])
    folder = tmp_path / "s" / "index"
    before = (folder / "about.json").stat().st_mtime_ns
    write_index(tmp_path / "s" / "shared.spool", folder)
    assert (folder / "about.json").stat().st_mtime_ns == before
    write_index(spool(tmp_path / "s" / "shared.spool", [(location("b"), None)]), folder)
    assert found(SharedIndex(folder).named(["Location/a", "Location/b"])) == [location("a"), location("b")]


def test_a_shard_reads_only_what_its_patients_refer_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many exports have a Medication for every order."""
    ids = [f"p{number}" for number in range(40)]
    orders = [
        {
            "resourceType": "MedicationRequest",
            "id": f"r-{name}",
            "subject": {"reference": f"Patient/{name}"},
            "medicationReference": {"reference": f"Medication/m-{name}"},
        }
        for name in ids
    ]
    medications: list[Json] = [{"resourceType": "Medication", "id": f"m-{name}"} for name in (*ids, "nobody's")]
    write(tmp_path / "in" / "data.ndjson", *map(patient, ids), *orders, *medications)
    parsed = []
    parse = ShapedParser.parse

    def counting(self: ShapedParser, name: str, lines: pa.Array) -> object:
        parsed.append((name, len(lines)))
        return parse(self, name, lines)

    monkeypatch.setattr(ShapedParser, "parse", counting)
    load([tmp_path / "in"], tmp_path / "store", shard_size=1_000)
    shards = open_store(tmp_path / "store").shards
    assert len(shards) > 5
    assert sum(n for name, n in parsed if name == "Medication") == len(ids)
    tables = [shard.cohort(EVERYTHING).table("Medication") for shard in shards]
    assert sum(map(len, tables)) == len(ids)
