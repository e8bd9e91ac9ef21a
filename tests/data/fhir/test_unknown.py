"""Elements that FHIR does not have are found and reported, in files as in loads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ecqm.data import EVERYTHING, Demand, read_files
from ecqm.data.fhir.unknown import unknown_elements
from ecqm.data.store.store import open_store
from tests.data.resources import coded, encounter, observation, patient, write
from tests.data.stores import load_small

ABSENT = {"extension": [{"url": "u", "valueCode": "unknown"}]}


@pytest.mark.parametrize(
    ("elements", "unknown"),
    [
        ({"effectiveDateTime": "2026", "_effectiveDateTime": ABSENT, "_status": {"id": "s"}}, []),
        ({"effectiveDatetime": "2026", "valuequantity": {"value": 1}}, ["effectiveDatetime", "valuequantity"]),
        ({"valueAddress": {"city": "x"}, "_effective": ABSENT}, ["_effective", "valueAddress"]),
        ({"component": [{"code": coded("x")}, {"cod": coded("x"), "valueInteger": 1}]}, ["component.cod"]),
        ({"code": {"coding": [{"code": "x", "_display": ABSENT, "dispaly": "X"}]}}, ["code.coding.dispaly"]),
        ({"extension": [{"url": "u", "valueAddress": {"city": "x", "cty": "x"}}]}, ["extension.valueAddress.cty"]),
        ({"note": [{"_text": {"extension": [{"ulr": "x"}]}}]}, ["note._text.extension.ulr"]),
        ({"contained": [{"resourceType": "Device", "id": "d", "unheard": 1}], "text": {"div": "<div/>"}}, []),
    ],
)
def test_elements_of_fhir(elements: dict[str, Any], unknown: list[str]) -> None:
    raw = json.dumps(observation("o", **elements)).encode()
    assert sorted(unknown_elements("Observation", raw)) == [f"Observation.{path}" for path in unknown]


def test_what_cannot_be_decoded_is_left_to_others() -> None:
    assert unknown_elements("Observation", b'{"resourceType": "Observation", "x": 1e999}') in (set(), {"Observation.x"})
    assert unknown_elements("Observation", b"{") == set()


@pytest.mark.parametrize("demand", [EVERYTHING, Demand.of(None, ["status"])], ids=["everything", "some"])
def test_each_is_reported_once(tmp_path: Path, demand: Demand) -> None:
    source = tmp_path / "in"
    write(source / "Patient.ndjson", *(patient(f"p{number}") for number in range(3)))
    path = write(
        source / "Encounter.ndjson",
        encounter("e0", "p0"),
        *(encounter(f"e{number}", f"p{number}", clas={"code": "AMB"}) for number in (1, 2)),
        encounter("e3", "p0", participant=[{"inidvidual": {}}]),
    )
    told = {
        "Encounter/e1": (
            "p1",
            2,
            "Encounter.clas is no element of FHIR R4 and is ignored; 1 more resource has it, too",
        ),
        "Encounter/e3": ("p0", 4, "Encounter.participant.inidvidual is no element of FHIR R4 and is ignored"),
    }
    problems = read_files([source], demand).problems
    assert {each.resource: (each.patient, each.entry, each.message) for each in problems} == told
    assert {each.file for each in problems} == {str(path)}
    load_small(source, tmp_path / "store", demand=demand)
    (shard,) = open_store(tmp_path / "store").shards
    assert sorted(map(str, shard.problems())) == sorted(map(str, problems))
