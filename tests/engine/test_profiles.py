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
FHIR = "http://hl7.org/fhir/StructureDefinition/"
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


# What data of US Core 3.1.1 to 7.0.0 and of FHIR declare: the profile, the category and the code.
DECLARED = {
    US_CORE + "us-core-observation-lab": ("laboratory", "2345-7"),
    US_CORE + "us-core-observation-clinical-result": ("imaging", "18043-0"),
    US_CORE + "us-core-observation-clinical-test": ("exam", "71970-8"),
    US_CORE + "us-core-observation-imaging": ("imaging", "18043-0"),
    US_CORE + "us-core-observation-screening-assessment": ("survey", "44249-1"),
    US_CORE + "us-core-observation-survey": ("survey", "44249-1"),
    US_CORE + "us-core-observation-sdoh-assessment": ("survey", "93025-5"),
    US_CORE + "us-core-observation-social-history": ("social-history", "11331-6"),
    US_CORE + "us-core-simple-observation": ("functional-status", "89571-4"),
    US_CORE + "us-core-smokingstatus": ("social-history", "72166-2"),
    US_CORE + "us-core-observation-pregnancystatus": ("social-history", "82810-3"),
    US_CORE + "us-core-blood-pressure": ("vital-signs", "85354-9"),
    US_CORE + "us-core-average-blood-pressure": ("vital-signs", "96607-7"),
    US_CORE + "us-core-bmi": ("vital-signs", "39156-5"),
    US_CORE + "us-core-vital-signs": ("vital-signs", "85354-9"),
    US_CORE + "us-core-care-experience-preference": ("care-experience-preference", "95541-9"),
    US_CORE + "pediatric-bmi-for-age": ("vital-signs", "59576-9"),
    FHIR + "bp": ("vital-signs", "85354-9"),
    FHIR + "bmi": ("vital-signs", "39156-5"),
    FHIR + "vitalsigns": ("vital-signs", "39156-5"),
}
# The profiles of QI-Core 4.1.1 to 6.0.0, and those of US Core that measures retrieve, with the places above of what
# they find.
ANY = list(range(len(DECLARED)))
FOUND = {
    QICORE + "qicore-observation": ANY,
    QICORE + "qicore-simple-observation": ANY,
    QICORE + "qicore-observation-lab": [0],
    QICORE + "qicore-observation-clinical-result": [0, 1, 2, 3],
    QICORE + "qicore-observation-screening-assessment": [4, 5, 6],
    QICORE + "qicore-observationcancelled": [],
    QICORE + "qicore-observationnotdone": [],
    US_CORE + "us-core-observation-lab": [0],
    US_CORE + "us-core-smokingstatus": [9],
    US_CORE + "us-core-blood-pressure": [11, 14, 17],
    US_CORE + "us-core-bmi": [13, 18, 19],
}


@pytest.mark.parametrize("profile", FOUND)
def test_observations_of_us_core_are_found_by_what_they_are(tmp_path: Path, profile: str) -> None:
    """Data of US Core say what they are by category and code; they do not choose between profiles of QI-Core."""
    observations = [
        resource("Observation", declared, category=category(kind), code=coded(code))
        for declared, (kind, code) in DECLARED.items()
    ]
    assert [place for place, found in enumerate(taken(tmp_path, profile, *observations)) if found] == FOUND[profile]


OF_TYPE = {
    "Condition": [
        "qicore-condition",
        "qicore-condition-encounter-diagnosis",
        "qicore-condition-problems-health-concerns",
    ],
    "DiagnosticReport": ["qicore-diagnosticreport-lab", "qicore-diagnosticreport-note"],
    "Immunization": ["qicore-immunization", "qicore-immunizationnotdone"],
    "MedicationRequest": ["qicore-medicationnotrequested", "qicore-medicationrequest", "qicore-mednotrequested"],
    "Procedure": ["qicore-procedure", "qicore-procedurenotdone"],
    "ServiceRequest": ["qicore-servicenotrequested", "qicore-servicerequest"],
}


@pytest.mark.parametrize(
    ("type_", "declared", "elements", "found"),
    [
        ("Condition", "us-core-condition", {}, ["qicore-condition"]),
        (
            "Condition",
            "us-core-condition-problems-health-concerns",
            {"category": [coded("problem-list-item")]},
            ["qicore-condition", "qicore-condition-problems-health-concerns"],
        ),
        (
            "Condition",
            "us-core-condition-encounter-diagnosis",
            {"category": [coded("encounter-diagnosis")]},
            ["qicore-condition", "qicore-condition-encounter-diagnosis"],
        ),
        ("MedicationRequest", "us-core-medicationrequest", {}, ["qicore-medicationrequest"]),
        (
            "MedicationRequest",
            "us-core-medicationrequest",
            {"doNotPerform": True},
            ["qicore-medicationnotrequested", "qicore-mednotrequested"],
        ),
        ("Procedure", "us-core-procedure", {"status": "completed"}, ["qicore-procedure"]),
        ("Procedure", "us-core-procedure", {"status": "not-done"}, ["qicore-procedurenotdone"]),
        ("Immunization", "us-core-immunization", {"status": "not-done"}, ["qicore-immunizationnotdone"]),
        ("ServiceRequest", "us-core-servicerequest", {}, ["qicore-servicerequest"]),
        (
            "DiagnosticReport",
            "us-core-diagnosticreport-lab",
            {"category": [coded("LAB")]},
            ["qicore-diagnosticreport-lab"],
        ),
    ],
)
def test_other_resources_of_us_core(
    tmp_path: Path, type_: str, declared: str, elements: dict[str, Any], found: list[str]
) -> None:
    told = resource(type_, US_CORE + declared, **elements)
    profiles = OF_TYPE[type_]
    assert [name for name in profiles if taken(tmp_path / name, QICORE + name, told) == [True]] == found


def test_a_laboratory_result_of_us_core_may_be_a_clinical_result(tmp_path: Path) -> None:
    results = [
        resource("Observation", US_CORE + "us-core-observation-lab", category=category("laboratory")),
        resource("Observation", QICORE + "qicore-observation-lab", category=category("laboratory")),
        resource("Observation", US_CORE + "us-core-observation-screening-assessment", category=category("survey")),
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
