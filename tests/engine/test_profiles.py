"""Which resources a retrieve of a profile takes: by what they declare, by what they are, by both."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ecqm.data import read_cases
from ecqm.engine.profiles import FhirProfiles, ProfileRule
from ecqm.types import NamedType
from tests.data.resources import bundle, coded, patient, write

QICORE = "http://hl7.org/fhir/us/qicore/StructureDefinition/"
US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/"
NOT_DONE = {"url": f"{QICORE}qicore-notDone", "valueBoolean": True}


def resource(type_: str, *profiles: str, **elements: Any) -> dict[str, Any]:
    meta = {"meta": {"profile": list(profiles)}} if profiles else {}
    return {"resourceType": type_, "subject": {"reference": "Patient/p1"}, **meta, **elements}


def taken(folder: Path, profile: str, *resources: dict[str, Any], rule: ProfileRule = "both") -> list[bool]:
    numbered = [{**resource, "id": str(number)} for number, resource in enumerate(resources)]
    write(folder / "c" / "all.json", bundle(patient(), *numbered))
    table = read_cases([folder / "c"]).table(resources[0]["resourceType"])
    type_ = NamedType("FHIR", table.resource_type)
    mask: list[bool] = FhirProfiles(rule).matching(table, type_, profile, np.arange(len(table))).tolist()
    return mask


def category(*codes: str) -> list[dict[str, Any]]:
    return [coded(*codes)]


def test_a_declared_profile_is_taken_at_its_word(tmp_path: Path) -> None:
    encounter = QICORE + "qicore-condition-encounter-diagnosis"
    problem = QICORE + "qicore-condition-problems-health-concerns"
    both = [
        resource("Condition", encounter, category=category("problem-list-item")),
        resource("Condition", f" {encounter}|6.0.0 "),
        resource("Condition", problem, category=category("encounter-diagnosis")),
        resource("Condition", QICORE + "qicore-condition", category=category("encounter-diagnosis")),
        resource("Condition", category=category("encounter-diagnosis")),
        resource("Condition", category=category("problem-list-item")),
        resource("Condition"),
    ]
    assert taken(tmp_path / "1", encounter, *both) == [True, True, False, False, True, False, False]
    assert taken(tmp_path / "2", encounter, *both, rule="declared") == [True, True, *[False] * 5]
    assert taken(tmp_path / "3", encounter, *both, rule="inferred") == [False, False, True, True, True, False, False]


def test_a_profile_that_does_not_exist_declares_nothing(tmp_path: Path) -> None:
    odd = [
        resource("Encounter", QICORE + "qicore-encounter-condition-diagnosis"),
        resource("Encounter", "http://hl7.org/fhir/StructureDefinition/Encounter"),
        resource("Encounter", "http://example.org/our-encounter"),
    ]
    assert taken(tmp_path / "1", QICORE + "qicore-encounter", *odd) == [True] * 3
    assert taken(tmp_path / "2", QICORE + "qicore-encounter", *odd, rule="declared") == [False] * 3
    base = "http://hl7.org/fhir/StructureDefinition/Encounter"
    assert taken(tmp_path / "3", base, *odd, rule="declared") == [True] * 3


def test_a_base_leaves_it_open_and_what_is_derived_conforms(tmp_path: Path) -> None:
    rates = [
        resource("Observation", US_CORE + "us-core-heart-rate", code=coded("8867-4")),
        resource("Observation", US_CORE + "us-core-vital-signs", code=coded("8867-4")),
        resource("Observation", US_CORE + "us-core-vital-signs", code=coded("85354-9")),
    ]
    assert taken(tmp_path / "1", US_CORE + "us-core-heart-rate", *rates) == [True, True, False]
    assert taken(tmp_path / "2", US_CORE + "us-core-vital-signs", *rates) == [True, True, True]
    encounter = resource("Encounter", US_CORE + "us-core-encounter")
    assert taken(tmp_path / "3", QICORE + "qicore-encounter", encounter) == [True]
    assert taken(tmp_path / "4", QICORE + "qicore-encounter", encounter, rule="declared") == [False]


def test_a_laboratory_result_of_us_core_may_be_a_clinical_result(tmp_path: Path) -> None:
    """US Core derives its laboratory results from its clinical results, from which QI-Core derives its own."""
    results = [
        resource("Observation", US_CORE + "us-core-observation-lab", category=category("laboratory")),
        resource("Observation", QICORE + "qicore-observation-lab", category=category("laboratory")),
        resource("Observation", US_CORE + "us-core-observation-screening-assessment", category=category("laboratory")),
        resource("Observation", US_CORE + "us-core-observation-lab", category=category("survey")),
    ]
    assert taken(tmp_path / "1", QICORE + "qicore-observation-clinical-result", *results) == [True, False, False, False]


@pytest.mark.parametrize(
    ("type_", "done", "not_done", "elements"),
    [
        ("Procedure", "qicore-procedure", "qicore-procedurenotdone", {"status": "not-done"}),
        ("MedicationRequest", "qicore-medicationrequest", "qicore-medicationnotrequested", {"doNotPerform": True}),
        ("MedicationRequest", "qicore-medicationrequest", "qicore-mednotrequested", {"doNotPerform": True}),
        ("MedicationDispense", "qicore-medicationdispense", "qicore-mednotdispensed", {"status": "declined"}),
        ("Task", "qicore-task", "qicore-taskrejected", {"status": "rejected"}),
        ("Observation", "qicore-simple-observation", "qicore-observationcancelled", {"status": "cancelled"}),
        ("Observation", "qicore-observation", "qicore-observationnotdone", {"modifierExtension": [NOT_DONE]}),
        (
            "DeviceRequest",
            "qicore-devicerequest",
            "qicore-devicenotrequested",
            {
                "modifierExtension": [
                    {"url": "http://hl7.org/fhir/5.0/StructureDefinition/extension-DeviceRequest.doNotPerform"}
                    | {"valueBoolean": True}
                ]
            },
        ),
    ],
)
def test_negation(tmp_path: Path, type_: str, done: str, not_done: str, elements: dict[str, Any]) -> None:
    both = [resource(type_, status="completed") | elements, resource(type_, status="completed")]
    assert taken(tmp_path / "1", QICORE + done, *both) == [False, True]
    assert taken(tmp_path / "2", QICORE + not_done, *both) == [True, False]
    told = [resource(type_, QICORE + done) | elements]
    assert taken(tmp_path / "3", QICORE + done, *told) == [True]


def test_categories_and_codes(tmp_path: Path) -> None:
    observations = [
        resource("Observation", code=coded("2345-7"), category=category("laboratory")),
        resource("Observation", code=coded("44249-1"), category=category("survey", "x")),
        resource("Observation", code=coded("85354-9"), category=category("vital-signs")),
        resource("Observation", code=coded("1-1")),
    ]
    for number, (profile, expected) in enumerate(
        {
            QICORE + "qicore-observation-lab": [True, False, False, False],
            QICORE + "qicore-observation-screening-assessment": [False, True, False, False],
            QICORE + "qicore-simple-observation": [True, True, True, True],
            US_CORE + "us-core-blood-pressure": [False, False, True, False],
            "http://hl7.org/fhir/StructureDefinition/bp": [False, False, True, False],
        }.items()
    ):
        assert taken(tmp_path / str(number), profile, *observations) == expected
