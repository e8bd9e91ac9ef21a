"""Shards made straight from Arrow's arrays are those that the general way makes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ecqm.data import EVERYTHING, Cohort, Demand
from ecqm.data.cohort.table import ResourceTable
from ecqm.data.fhir.schema import fhir_schema
from ecqm.data.fhir.structs import DEEPEST
from ecqm.data.loading import building as building_module
from ecqm.data.loading.load import load
from ecqm.data.parsing.plain import NotPlain
from ecqm.data.store.store import Manifest, open_store
from tests.content import CONTENT
from tests.data.resources import Json, coded, encounter, observation, patient
from tests.data.stores import assert_same, varied

SOME = Demand.of(None, ["value", "period", "diagnosis", "rank", "code", "extension", "birthDate"])
WHOLE = Demand.of(
    None, ["diagnosis", "component"], fhir_schema().structured(["Encounter.Diagnosis", "Observation.Component"])
)


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
    straight = building_module.write_straight

    def noted(*arguments: Any) -> Any:
        try:
            entry = straight(*arguments)
        except NotPlain as error:
            taken.append(f"general: {error}")
            raise
        taken.append("straight")
        return entry

    monkeypatch.setattr(building_module, "write_straight", noted)
    return taken


def not_straight(*_: object) -> None:
    raise NotPlain("the other way is wanted")


def both(
    monkeypatch: pytest.MonkeyPatch, data: Path, scratch: Path, demand: Demand = EVERYTHING
) -> tuple[Manifest, Manifest]:
    fast = load([data], scratch / "fast", demand)
    with monkeypatch.context() as patch:
        patch.setattr(building_module, "_built_straight", not_straight)
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
    containers = [dict(named_by_serial(cohort)) for cohort in (one, other)]
    for name in one.tables:
        mine, theirs = one.table(name), other.table(name)
        assert mine.patient.tolist() == theirs.patient.tolist()
        assert set(mine.elements) == set(theirs.elements), name
        # What patients share, and what is contained, may be in another order.
        rows = [described(table, names) for table, names in zip((mine, theirs), containers, strict=True)]
        orders = [np.array(sorted(range(len(found)), key=found.__getitem__), np.int64) for found in rows]
        assert sorted(rows[0]) == sorted(rows[1])
        for element in mine.elements:
            columns = [table.element(element).take(order) for table, order in zip((mine, theirs), orders, strict=True)]
            assert_same(*columns, f"{name}.{element}")


def named_by_serial(cohort: Cohort) -> Iterator[tuple[int, tuple[str, ...]]]:
    for table in cohort.tables.values():
        yield from zip(table.serial.tolist(), described(table, {}), strict=True)


def described(table: ResourceTable, containers: Mapping[int, tuple[str, ...]]) -> list[tuple[str, ...]]:
    """What tells each row: its patient, JSON, origin, URN, id and container."""
    ids = table.ids.texts()
    return [
        (
            str(table.patient[row]),
            str(table.raw(row)),
            str(table.origin(row)),
            str(table.urns.get(row)),
            str(ids[row]),
            str(containers.get(int(table.container[row])) if table.contained[row] else None),
        )
        for row in range(len(table))
    ]


@pytest.mark.parametrize("demand", [EVERYTHING, SOME])
def test_every_layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ways: list[str], demand: Demand) -> None:
    records = [resource for resource in varied() if resource["id"] != "o4"]
    data = ndjson(tmp_path / "data", [*of_patient("a", *records), *of_patient("b", *records)])
    both(monkeypatch, data, tmp_path, demand)
    assert ways == ["straight"]


@pytest.mark.parametrize("demand", [EVERYTHING, SOME, WHOLE], ids=["everything", "some", "whole"])
def test_extensions_of_everything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ways: list[str], demand: Demand
) -> None:
    nested = {"url": "n", "extension": [{"url": "i", "valueDecimal": 1.5}, {"url": "j", "valueCoding": {"code": "c"}}]}
    concept = {**coded("x"), "id": "c1", "extension": [{"url": "u", "valueReference": {"reference": "Patient/a"}}]}
    concept["coding"] += [{"code": "y", "userSelected": False, "extension": concept["extension"]}, {"id": "nothing"}]
    more: Json = {"_status": {"id": "s1", "extension": [nested]}, "extension": [nested], "code": concept}
    more["component"] = [{"code": concept, "valueQuantity": {"value": 1, "_value": {"extension": [nested]}}}]
    visit = encounter("e", diagnosis=[{"condition": {"reference": "Condition/c"}, "_rank": {"extension": [nested]}}])
    resources = of_patient("a", patient(), observation("o", **more), visit)
    both(monkeypatch, ndjson(tmp_path / "data", resources), tmp_path, demand)
    assert ways == ["straight"]


def test_extensions_of_several_types(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ways: list[str]) -> None:
    values: list[Json] = [
        {"_valueString": {"id": "i", "extension": [{"url": "u", "valueString": "a"}]}},
        {"_valueInteger": {"extension": [{"url": "u"}]}},
        {"valueCodeableConcept": {"id": "c", "text": "t"}},
        {"valueString": "plain"},
    ]
    resources = [patient(), *(observation(f"o{number}", **value) for number, value in enumerate(values))]
    both(monkeypatch, ndjson(tmp_path / "data", of_patient("a", *resources)), tmp_path)
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


def contained(**more: Json) -> Json:
    return {"resourceType": "Device", "id": "d", **more}


# Observations with what the reader of plain JSON does not take, or not as it is written.
ODD = {
    "exponent": '{"id":"o","valueQuantity":{"value":1.5E-7,"unit":"\\":1E5"}}',
    "many digits": '{"id":"o","valueQuantity":{"value":0.030000000000000002}}',
    "more than 64 bits": '{"id":"o","valueQuantity":{"value":123456789012345.6}}',
    "an integer of 41 bits": '{"id":"o","valueInteger":1099511627776}',
    "no integer": '{"id":"o","valueInteger":5.0}',
    "null": '{"id":"o","valueString":null}',
    "null in a list of objects": '{"id":"o","note":[{"text":"a"},null]}',
    "nothing but nulls": '{"id":"o","meta":{"profile":[null,null]}}',
    "null beside a list": '{"id":"o","performer":[{"_display":null}],'
    '"meta":{"profile":["a",null],"_profile":[null,{"id":"x"}]}}',
    "an escaped character": '{"id":"o","valueString":"\\ud83d\\ude00"}',
    "half a character": '{"id":"o","valueString":"\\ud83d"}',
    "of another type": '{"id":"o","note":"not a list"}',
    "another type in what is not read": '{"id":"o","device":5}',
    "a number as text": '{"id":"o","valueQuantity":{"value":"5.0"}}',
    "unknown to FHIR": '{"id":"o","unknown":{"a":[{"reference":"Location/l1"}]},"valueString":"a"}',
    "a field twice": '{"id":"o","status":"a","status":"b"}',
    "no id": '{"valueString":"a"}',
    "one id again": '{"id":"p","valueString":"b"}',
    "several types": '{"id":"o","valueString":"a","valueInteger":1,"valueTime":"10:00:00"}',
    "several types, coded": '{"id":"o","valueString":"a","valueCodeableConcept":{"text":"b"}}',
    "contained": '{"id":"o","contained":[{"resourceType":"Device","id":"d"}],"device":{"reference":"#d"},'
    '"focus":[{"reference":"#e"}]}',
    "contained, referring": '{"id":"o","contained":[{"resourceType":"Encounter","id":"e1","location":'
    '[{"location":{"reference":"Location/l1"}}],"partOf":{"reference":"#o"}},{"resourceType":"Observation","id":"c"}]}',
    "odd and contained": '{"id":"o","contained":[{"resourceType":"Encounter","id":"e1","x":{"reference":"Location/l1"},'
    '"contained":[{"resourceType":"Device"}]},{"resourceType":"Device","id":5},{"resourceType":"Bundle"},'
    '{"id":"x"},5,{"resourceType":"Nothing"}],"unknown":1}',
    "contained twice": '{"id":"o","contained":[{"resourceType":"Device","id":"d"}],'
    '"contained":[{"resourceType":"Device"}]}',
    "contained is null": '{"id":"o","contained":null}',
    "contained is nothing": '{"id":"o","contained":[]}',
}


def odd_resources(*named: str) -> Iterator[str]:
    """Each as it is written, of patients of their own."""
    for number, name in enumerate(named):
        of = f'"resourceType":"Observation","subject":{{"reference":"Patient/p{number}"}},'
        yield json.dumps({"resourceType": "Patient", "id": f"p{number}"})
        yield "{" + of + '"id":"p"}'
        yield "{" + of + ODD[name][1:]


def written(folder: Path, lines: Iterable[str]) -> Path:
    folder.mkdir()
    shared = {"resourceType": "Location", "id": "l1", "contained": [{"resourceType": "Organization", "id": "o"}]}
    (folder / "all.ndjson").write_text("\n".join([*lines, json.dumps(shared)]) + "\n")
    return folder


@pytest.mark.parametrize("demand", [EVERYTHING, SOME], ids=["everything", "some"])
@pytest.mark.parametrize("name", ODD)
def test_odd_resources(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ways: list[str], demand: Demand, name: str
) -> None:
    both(monkeypatch, written(tmp_path / "data", odd_resources(name)), tmp_path, demand)
    assert ways == ["straight"]


@pytest.mark.parametrize("demand", [EVERYTHING, SOME], ids=["everything", "some"])
def test_all_that_is_odd_among_much_that_is_plain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ways: list[str], demand: Demand
) -> None:
    plain = [*of_patient("a", patient(), *(observation(f"o{number}", valueInteger=number) for number in range(3000)))]
    lines = [json.dumps(resource) for resource in plain]
    for place, line in enumerate(odd_resources(*ODD)):
        lines.insert(1 + place * 37, line)
    both(monkeypatch, written(tmp_path / "data", lines), tmp_path, demand)
    assert ways == ["straight"]


@pytest.mark.parametrize("value", ['"value":1e40', '"value":0.1000000000000000055511151231257827', '"unit":"\\u0000"'])
def test_what_there_is_no_room_for_takes_the_general_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ways: list[str], value: str
) -> None:
    lines = [json.dumps(resource) for resource in of_patient("a", patient(), observation("p"))]
    of = '"resourceType":"Observation","subject":{"reference":"Patient/a"}'
    lines.append(f'{{{of},"valueQuantity":{{{value}}}}}')
    both(monkeypatch, written(tmp_path / "data", lines), tmp_path)
    assert len(ways) == 1 and ways[0].startswith("general: ")


@pytest.mark.parametrize("depth", [20, 24, 25, 40, 100, 400, 2000])
def test_nested_deeply(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ways: list[str], depth: int) -> None:
    lines = [json.dumps(resource) for resource in of_patient("a", patient(), observation("p"))]
    of = '"resourceType":"Observation","subject":{"reference":"Patient/a"}'
    lines.append("{" + of + ',"extension":[{"url":"u"' * depth + "}]" * depth + "}")
    fast, _ = both(monkeypatch, written(tmp_path / "data", lines), tmp_path, SOME)
    assert ways == ["straight"]
    # Lists and objects, and the resource itself.
    assert fast.report["problems"] == (2 * depth + 1 > DEEPEST)


def test_shared_resources_that_are_odd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ways: list[str]) -> None:
    def at(location: str) -> Json:
        return {"location": [{"location": {"reference": f"Location/{location}"}}]}

    device = contained(owner={"reference": "Organization/o1"})
    resources = [
        *of_patient("a", patient(), encounter("e2", **at("twice"))),
        *of_patient("b", patient(), encounter("e1", **at("unread")), encounter("e2", **at("odd"))),
        *of_patient("c", patient(), encounter("e1", **at("holds")), encounter("e2", **at("holds"))),
        *of_patient("a", observation("o1", device={"reference": "Device/own"})),
        {"resourceType": "Device", "id": "own", "patient": {"reference": "Patient/a"}, "lotNumber": "1"},
        {"resourceType": "Device", "id": "own", "lotNumber": "2"},
        {"resourceType": "Location", "id": "twice", "name": "first"},
        {"resourceType": "Location", "id": "twice", "name": "last", "partOf": {"reference": "Location/odd"}},
        {"resourceType": "Location", "id": "unread", "name": 5},
        {"resourceType": "Location", "id": "odd", "unknown": {"reference": "Organization/o2"}},
        {"resourceType": "Location", "id": "holds", "contained": [device, contained(status=5), {"a": 1}]},
        {"resourceType": "Location", "name": "nobody's"},
        {"resourceType": "Organization", "id": "o1"},
        {"resourceType": "Organization", "id": "o2"},
    ]
    fast, _ = both(monkeypatch, ndjson(tmp_path / "data", resources), tmp_path)
    assert ways == ["straight"]
    assert fast.shards[0].resources["Location"] == 4
    assert fast.shards[0].resources["Device"] == 2
    # One that cannot be read, two in another, and one id twice.
    assert fast.report["problems"] == 4


def test_patients_that_are_odd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ways: list[str]) -> None:
    resources = [
        *of_patient("unread", patient(birthDate=5), encounter("e1"), encounter("e2", status=5)),
        *of_patient("twice", patient(), patient(gender="male"), patient(), encounter("e1")),
        *of_patient("holds", patient(contained=[patient(birthDate="2000-01-01")]), encounter("e1")),
        {"resourceType": "Nothing", "id": "n", "subject": {"reference": "Patient/holds"}},
    ]
    fast, _ = both(monkeypatch, ndjson(tmp_path / "data", resources), tmp_path)
    assert ways == ["straight"]
    assert fast.shards[0].patients == 2


def test_the_same_content_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ways: list[str]) -> None:
    holds = observation("o", contained=[contained()], device={"reference": "#d"})
    nameless = {"resourceType": "Observation", "status": "final"}
    again = [holds, holds, observation("o", status="final"), nameless, nameless, {**nameless, "valueInteger": 1}]
    fast, _ = both(monkeypatch, ndjson(tmp_path / "data", of_patient("a", patient(), *again)), tmp_path)
    assert ways == ["straight"]
    assert fast.shards[0].resources == {"Patient": 1, "Observation": 4, "Device": 0}


def test_bundles_with_urns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ways: list[str]) -> None:
    def entry(resource: Json, urn: str) -> Json:
        return {"fullUrl": f"urn:uuid:{urn}", "resource": resource}

    (data := tmp_path / "data").mkdir()
    for name in "ab":
        about = {"subject": {"reference": f"urn:uuid:p{name}"}, "encounter": {"reference": f"urn:uuid:e{name}"}}
        entries = [
            entry({"resourceType": "Patient", "birthDate": "2000-01-01"}, f"p{name}"),
            entry(encounter("e", subject={"reference": f"urn:uuid:p{name}"}), f"e{name}"),
            entry(observation("o", **about, focus=[{"reference": "urn:uuid:x"}]), "o"),
        ]
        (data / f"{name}.json").write_text(json.dumps({"resourceType": "Bundle", "entry": entries}, indent=1))
    patients = [entry(patient(id=name), f"q{name}") for name in "cd"]
    located = encounter("e", subject={"reference": "urn:uuid:qc"}, location=[{"location": {"reference": "urn:uuid:l"}}])
    entries = [*patients, entry(located, "e"), entry({"resourceType": "Location", "id": "l"}, "l")]
    (data / "c.json").write_text(json.dumps({"resourceType": "Bundle", "entry": entries}))
    fast, _ = both(monkeypatch, data, tmp_path)
    assert ways == ["straight"]
    assert fast.shards[0].dangling_references == {"Observation.focus": 2}


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
