"""Shards made straight from Arrow's arrays are those that the general way makes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from ecqm.data import EVERYTHING, Cohort, Demand
from ecqm.data import building as building_module
from ecqm.data.loading import load
from ecqm.data.shapes import NotPlain
from ecqm.data.store import Manifest, open_store
from ecqm.data.straight import StraightShard

from .resources import Json, coded, encounter, observation, patient
from .test_store import CONTENT, assert_same, varied

SOME = Demand.of(None, ["value", "period", "diagnosis", "rank", "code", "extension", "birthDate"])


def ndjson(folder: Path, resources: Sequence[Json]) -> Path:
    folder.mkdir()
    for resource in resources:
        with (folder / f"{resource['resourceType']}.ndjson").open("a") as file:
            file.write(json.dumps(resource) + "\n")
    return folder


def of_patient(identifier: str, *resources: Json) -> list[Json]:
    subject = {"reference": f"Patient/{identifier}"}
    return [
        resource | ({"id": identifier} if resource["resourceType"] == "Patient" else {"subject": subject})
        for resource in resources
    ]


@pytest.fixture
def ways(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Notes by which way each shard is made."""
    taken: list[str] = []
    straight = StraightShard.write

    def noted(self: StraightShard, *arguments: object) -> object:
        try:
            entry = straight(self, *arguments)  # type: ignore[arg-type]
        except NotPlain as error:
            taken.append(f"general: {error}")
            raise
        taken.append("straight")
        return entry

    monkeypatch.setattr(StraightShard, "write", noted)
    return taken


def both(
    monkeypatch: pytest.MonkeyPatch, data: Path, scratch: Path, demand: Demand = EVERYTHING
) -> tuple[Manifest, Manifest]:
    fast = load([data], scratch / "fast", demand)
    with monkeypatch.context() as patch:
        patch.setattr(building_module, "_built_straight", lambda *_: None)
        general = load([data], scratch / "general", demand)
    for one, other in zip(fast.shards, general.shards, strict=True):
        assert replace(one, checksums={}) == replace(other, checksums={})
    assert sorted(map(str, fast.report.pop("listed"))) == sorted(map(str, general.report.pop("listed")))
    assert fast.report == general.report
    for mine, theirs in zip(open_store(scratch / "fast").shards, open_store(scratch / "general").shards, strict=True):
        assert_equal(mine.cohort(demand), theirs.cohort(demand))
    return fast, general


def assert_equal(one: Cohort, other: Cohort) -> None:
    assert one.ids == other.ids
    assert set(one.tables) == set(other.tables)
    for name in one.tables:
        mine, theirs = one.table(name), other.table(name)
        assert mine.patient.tolist() == theirs.patient.tolist()
        assert set(mine.elements) == set(theirs.elements), name
        raws = [[table.raw(row) for row in range(len(table))] for table in (mine, theirs)]
        if raws[0] != raws[1]:
            # What patients share is in another order; their ids tell.
            assert sorted(map(str, raws[0])) == sorted(map(str, raws[1]))
            continue
        assert [mine.origin(row) for row in range(len(mine))] == [theirs.origin(row) for row in range(len(theirs))]
        for element in mine.elements:
            assert_same(mine.element(element), theirs.element(element), f"{name}.{element}")


@pytest.mark.parametrize("demand", [EVERYTHING, SOME])
def test_every_layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ways: list[str], demand: Demand) -> None:
    records = [resource for resource in varied() if resource["id"] != "o4"]
    data = ndjson(tmp_path / "data", [*of_patient("a", *records), *of_patient("b", *records)])
    both(monkeypatch, data, tmp_path, demand)
    assert ways == ["straight"]


def test_extensions_of_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ways: list[str]) -> None:
    nested = {"url": "n", "extension": [{"url": "i", "valueDecimal": 1.5}, {"url": "j", "valueCoding": {"code": "c"}}]}
    concept = {**coded("x"), "id": "c1", "extension": [{"url": "u", "valueReference": {"reference": "Patient/a"}}]}
    more = {"_status": {"id": "s1", "extension": [nested]}, "extension": [nested], "code": concept}
    both(monkeypatch, ndjson(tmp_path / "data", of_patient("a", patient(), observation("o", **more))), tmp_path)
    assert ways == ["straight"]


def test_shared_dangling_and_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ways: list[str]) -> None:
    at = [{"location": {"reference": "Location/l1"}}]
    resources = [
        *of_patient(
            "a", patient(), encounter("e1", location=at), encounter("e2", partOf={"reference": "Encounter/e9"})
        ),
        *of_patient("b", patient(), encounter("e3", location=at, partOf={"reference": "Encounter/e1"})),
        *of_patient("nobody", encounter("e4")),
        {"resourceType": "Location", "id": "l1", "managingOrganization": {"reference": "Organization/o1"}},
        {"resourceType": "Location", "id": "l2"},
        {"resourceType": "Organization", "id": "o1", "partOf": {"reference": "urn:uuid:x"}},
    ]
    fast, _ = both(monkeypatch, ndjson(tmp_path / "data", resources), tmp_path)
    assert ways == ["straight"]
    assert fast.shards[0].resources == {"Encounter": 3, "Patient": 2, "Location": 2, "Organization": 2}
    assert fast.shards[0].dangling_references == {"Encounter.partOf": 2, "Organization.partOf": 2}


@pytest.mark.parametrize(
    "odd",
    [
        observation("o", valueQuantity={"value": 1e40}),
        observation("o", valueInteger=2**40),
        observation("o", valueInteger=5.0),
        observation("o", valueQuantity={"value": 1e-7}),
        observation("o", valueString=None),
        observation("o", valueString="\0"),
        observation("o", note="not a list"),
        observation("o", unknown=1),
        observation("o", contained=[{"resourceType": "Device", "id": "d"}]),
        observation("o", valueString="a", valueInteger=1),
        {"resourceType": "Observation"},
    ],
)
def test_what_is_not_plain_takes_the_general_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ways: list[str], odd: Json
) -> None:
    both(monkeypatch, ndjson(tmp_path / "data", of_patient("a", patient(), odd, observation("p"))), tmp_path)
    assert len(ways) == 1 and ways[0].startswith("general: ")


def test_impossible_dates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ways: list[str]) -> None:
    period = {"start": "2026-02-30", "end": "2026-02-28T10:00:00Z"}
    wrong = encounter("e", period=period, location=[{"period": {"end": "?"}}])
    resources = of_patient("a", patient(birthDate="1"), wrong, observation("o", valueTime="25:00:00"))
    fast, _ = both(monkeypatch, ndjson(tmp_path / "data", resources), tmp_path)
    assert ways == ["straight"]
    assert fast.report["problems"] == 4


def test_decimals_of_many_digits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ways: list[str]) -> None:
    values = [77.46187645843517, 120.0, -0.5, 0, 12345]
    many = [observation(f"o{number}", valueQuantity={"value": value}) for number, value in enumerate(values)]
    both(monkeypatch, ndjson(tmp_path / "data", of_patient("a", patient(), *many)), tmp_path)
    assert ways == ["straight"]


def test_fields_that_come_late(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ways: list[str]) -> None:
    many = [observation(f"o{number}") for number in range(500)]
    late = observation("late", component=[{"code": coded("x"), "valueString": "ü"}])
    both(monkeypatch, ndjson(tmp_path / "data", of_patient("a", patient(), *many, late)), tmp_path)
    assert ways == ["straight"]


@pytest.mark.skipif(not CONTENT.is_dir(), reason="published measure content is not at hand")
def test_a_published_deck(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ways: list[str]) -> None:
    deck = CONTENT / "ecqm-content-qicore-2025/input/tests/measure/CMS2FHIRPCSDepressionScreenAndFollowUp"
    found: dict[tuple[str, str], Json] = {}
    for folder in sorted(deck.glob("*/")):
        for file in folder.rglob("*.json"):
            content = json.loads(file.read_bytes())
            for resource in [entry["resource"] for entry in content.get("entry", ())] or [content]:
                if resource["resourceType"] not in ("MeasureReport", "Bundle"):
                    found[resource["resourceType"], resource["id"]] = resource
    both(monkeypatch, ndjson(tmp_path / "data", list(found.values())), tmp_path)
    assert ways == ["straight"]
