"""What the versions of QI-Core make of the same resources: profiles, extensions as elements, negation."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ecqm.values import Code, Concept, DateTime, Tuple
from tests.data.resources import Json, coded, encounter, observation, patient
from tests.engine.logic import Logic, cohort_of

QICORE = "http://hl7.org/fhir/us/qicore/StructureDefinition/"
US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/"
FHIR = "http://hl7.org/fhir/StructureDefinition/"
LOINC = "http://loinc.org"
DECLARATIONS = 'codesystem "LOINC": \'http://loinc.org\'\ncode "A": \'a\' from "LOINC"\ncode "R": \'r\' from "LOINC"\n'


def extension(url: str, **value: Any) -> Json:
    return {"url": url, **value}


def of_profile(profile: str, resource: Json) -> Json:
    return {**resource, "meta": {"profile": [profile]}}


def resource(type_: str, id_: str, profile: str | None = None, **elements: Any) -> Json:
    found = {"resourceType": type_, "id": id_, "subject": {"reference": "Patient/p1"}, **elements}
    return found if profile is None else of_profile(profile, found)


def evaluated(tmp_path: Path, source: str, resources: Sequence[Json], version: str = "4.1.1") -> Any:
    logic = Logic(f"define X: {source}", declarations=DECLARATIONS, model=f"QICore version '{version}'")
    (value,) = logic.values("X", cohort_of(tmp_path, [patient(), *resources]))
    return value


def concept(code: str) -> Concept:
    return Concept((Code(code, LOINC),))


REASON = [extension(QICORE + "qicore-doNotPerformReason", valueCodeableConcept=coded("r"))]
RECORDED = [extension(QICORE + "qicore-recorded", valueDateTime="2026-02-03T10:00:00Z")]
NOT_DONE = [extension(QICORE + "qicore-notDone", valueBoolean=True)]
NOT_REQUESTED = [
    extension("http://hl7.org/fhir/5.0/StructureDefinition/extension-DeviceRequest.doNotPerform", valueBoolean=True)
]
# By the name of the type in 4.1.1: what was not done, and what was.
NEGATED: dict[str, tuple[Json, Json]] = {
    "CommunicationNotDone": (
        resource("Communication", "n", QICORE + "qicore-communicationnotdone", status="not-done"),
        resource("Communication", "d", QICORE + "qicore-communication", status="completed"),
    ),
    "DeviceNotRequested": (
        resource("DeviceRequest", "n", QICORE + "qicore-devicenotrequested", modifierExtension=NOT_REQUESTED),
        resource("DeviceRequest", "d", QICORE + "qicore-devicerequest"),
    ),
    "ImmunizationNotDone": (
        resource("Immunization", "n", QICORE + "qicore-immunizationnotdone", status="not-done"),
        resource("Immunization", "d", QICORE + "qicore-immunization", status="completed"),
    ),
    "MedicationAdministrationNotDone": (
        resource("MedicationAdministration", "n", QICORE + "qicore-mednotadministered", status="not-done"),
        resource("MedicationAdministration", "d", QICORE + "qicore-medicationadministration", status="completed"),
    ),
    "MedicationDispenseNotDone": (
        resource("MedicationDispense", "n", QICORE + "qicore-mednotdispensed", status="declined"),
        resource("MedicationDispense", "d", QICORE + "qicore-medicationdispense", status="completed"),
    ),
    "MedicationNotRequested": (
        resource("MedicationRequest", "n", QICORE + "qicore-mednotrequested", doNotPerform=True),
        resource("MedicationRequest", "d", QICORE + "qicore-medicationrequest"),
    ),
    "ObservationNotDone": (
        resource("Observation", "n", QICORE + "qicore-observationnotdone", modifierExtension=NOT_DONE),
        resource("Observation", "d", QICORE + "qicore-observation", status="final"),
    ),
    "ProcedureNotDone": (
        resource("Procedure", "n", QICORE + "qicore-procedurenotdone", status="not-done"),
        resource("Procedure", "d", QICORE + "qicore-procedure", status="completed"),
    ),
    "ServiceNotRequested": (
        resource("ServiceRequest", "n", QICORE + "qicore-servicenotrequested", doNotPerform=True),
        resource("ServiceRequest", "d", QICORE + "qicore-servicerequest"),
    ),
    "TaskNotDone": (
        resource("Task", "n", QICORE + "qicore-tasknotdone", status="rejected"),
        resource("Task", "d", QICORE + "qicore-task", status="completed"),
    ),
}


def test_what_was_not_done_by_code(tmp_path: Path) -> None:
    told = {"code": coded("a"), "doNotPerform": True}
    resources = [
        resource("ServiceRequest", "a", QICORE + "qicore-servicenotrequested", **told),
        resource("ServiceRequest", "r", QICORE + "qicore-servicenotrequested", **{**told, "code": coded("r")}),
    ]
    assert evaluated(tmp_path, '[ServiceNotRequested: "A"]', resources) == ("ServiceRequest/a",)


@pytest.mark.parametrize("declared", [True, False], ids=["declared", "inferred"])
@pytest.mark.parametrize("type_", NEGATED)
def test_what_was_not_done(tmp_path: Path, type_: str, declared: bool) -> None:
    resources = [dict(one) for one in NEGATED[type_]]
    if not declared:
        for one in resources:
            del one["meta"]
    name = resources[0]["resourceType"]
    told = {
        "patient" if name == "Immunization" else "for" if name == "Task" else "subject": {"reference": "Patient/p1"}
    }
    resources = [{**one, **told} for one in resources]
    assert evaluated(tmp_path, f"[{type_}]", resources) == (f"{name}/n",)
    assert evaluated(tmp_path, f"[{name}]", resources) == (f"{name}/d",)


def test_reasons_and_dates_of_what_was_not_done(tmp_path: Path) -> None:
    why = "return Tuple {{ reason: N.{}, at: N.{} }}"
    service = resource("ServiceRequest", "s", doNotPerform=True, authoredOn="2026-02-03T10:00:00Z", extension=REASON)
    procedure = resource("Procedure", "p", status="not-done", statusReason=coded("r"), extension=RECORDED)
    expected = (Tuple({"reason": concept("r"), "at": DateTime(2026, 2, 3, 10, 0, 0, offset=0)}),)
    source = "[ServiceNotRequested] N " + why.format("reasonRefused", "authoredOn")
    assert evaluated(tmp_path, source, [service]) == expected
    assert (
        evaluated(tmp_path, "[ProcedureNotDone] N " + why.format("statusReason", "recorded"), [procedure]) == expected
    )
    observed = resource("Observation", "o", status="cancelled", extension=[
        extension(QICORE + "qicore-notDoneReason", valueCodeableConcept=coded("r"))
    ])  # fmt: skip
    assert evaluated(tmp_path, "[ObservationNotDone] N return N.notDoneReason", [observed]) == (concept("r"),)


@pytest.mark.parametrize(
    ("type_", "profile", "code"),
    [
        ("observation-bmi", FHIR + "bmi", "39156-5"),
        ("observation-bodyheight", FHIR + "bodyheight", "8302-2"),
        ("observation-bodytemp", FHIR + "bodytemp", "8310-5"),
        ("observation-bodyweight", FHIR + "bodyweight", "29463-7"),
        ("observation-bp", FHIR + "bp", "85354-9"),
        ("observation-headcircum", FHIR + "headcircum", "9843-4"),
        ("observation-heartrate", FHIR + "heartrate", "8867-4"),
        ("observation-oxygensat", FHIR + "oxygensat", "2708-6"),
        ("observation-resprate", FHIR + "resprate", "9279-1"),
        ("observation-vitalspanel", FHIR + "vitalspanel", "85353-1"),
        ("US Core Pulse Oximetry Profile", US_CORE + "us-core-pulse-oximetry", "59408-5"),
    ],
)
def test_vital_signs_are_found_by_profile_or_by_code(tmp_path: Path, type_: str, profile: str, code: str) -> None:
    vital: Json = {"category": [coded("vital-signs")]}
    resources = [
        of_profile(profile, observation("declared", **vital)),
        observation("coded", code=coded(code), **vital),
        observation("other", **vital),
        of_profile(QICORE + "qicore-observation-lab", observation("declared-other", code=coded(code), **vital)),
    ]
    found = evaluated(tmp_path, f'["{type_}"]', resources)
    assert set(found) == {"Observation/declared", "Observation/coded"}


def test_laboratory_results_by_the_label_of_the_profile(tmp_path: Path) -> None:
    laboratory: Json = {"category": [coded("laboratory")], "issued": "2026-02-03T10:00:00.000Z"}
    resources = [
        of_profile(US_CORE + "us-core-observation-lab", observation("lab", code=coded("a"), **laboratory)),
        of_profile(QICORE + "qicore-observation", observation("plain", code=coded("a"), **laboratory)),
        observation("bare", code=coded("a"), **laboratory),
    ]
    source = '["US Core Laboratory Result Observation Profile": "A"] L where L.issued after @2026-01-01T00:00:00Z'
    assert evaluated(tmp_path, source, resources) == ("Observation/lab", "Observation/bare")
    observations = ("Observation/lab", "Observation/plain", "Observation/bare")
    assert evaluated(tmp_path, '[Observation: "A"]', resources) == observations


def test_conditions_are_of_one_profile_then_of_two(tmp_path: Path) -> None:
    resources = [
        resource("Condition", "old", QICORE + "qicore-condition"),
        resource("Condition", "bare", category=[coded("encounter-diagnosis")]),
    ]
    assert evaluated(tmp_path, "[Condition]", resources) == ("Condition/old", "Condition/bare")
    assert evaluated(tmp_path, "[ConditionEncounterDiagnosis]", resources, "6.0.0") == ("Condition/bare",)


def test_extensions_of_an_encounter_are_elements(tmp_path: Path) -> None:
    present = extension(QICORE + "qicore-encounter-diagnosisPresentOnAdmission", valueCodeableConcept=coded("a"))
    parts = [
        extension("type", valueCodeableConcept=coded("r")),
        extension("rank", valuePositiveInt=1),
        extension("procedure", valueReference={"reference": "Procedure/1"}),
    ]
    visit = encounter(
        "e",
        extension=[extension(QICORE + "qicore-encounter-procedure", extension=parts)],
        diagnosis=[{"extension": [present], "condition": {"reference": "Condition/1"}}, {"rank": 2}],
    )
    ranked = "E.procedure P where P.rank = 1 return Tuple { type: P.type, procedure: P.procedure.reference }"
    expected = Tuple({"type": concept("r"), "procedure": "Procedure/1"})
    assert evaluated(tmp_path, f"[Encounter] E return {ranked}", [visit]) == ((expected,),)
    told = "[Encounter] E return E.diagnosis D return D.diagnosisPresentOnAdmission"
    assert evaluated(tmp_path, told, [visit]) == ((concept("a"), None),)
    is_told = 'exists ([Encounter] E where exists (E.diagnosis D where D.diagnosisPresentOnAdmission ~ "A"))'
    assert evaluated(tmp_path, is_told, [visit]) is True


def test_extensions_of_a_patient_are_elements(tmp_path: Path) -> None:
    race = [
        extension("ombCategory", valueCoding={"system": LOINC, "code": "a"}),
        extension("detailed", valueCoding={"system": LOINC, "code": "r"}),
        extension("text", valueString="both"),
    ]
    person = patient(
        extension=[
            extension(US_CORE + "us-core-race", extension=race),
            extension(FHIR + "patient-religion", valueCodeableConcept=coded("a")),
            extension(FHIR + "patient-disability", valueCodeableConcept=coded("a")),
            extension(FHIR + "patient-disability", valueCodeableConcept=coded("r")),
            extension(FHIR + "patient-birthTime", valueDateTime="1950-02-03T04:05:06Z"),
        ]
    )
    source = """Tuple {
      race: Patient.race R return Tuple { codes: R.ombCategory union R.detailed, text: R.text },
      religion: Patient.religion,
      disabilities: Patient.disability,
      born: Patient.birthTime
    }"""
    logic = Logic(f"define X: {source}", declarations=DECLARATIONS, model="QICore version '4.1.1'")
    (value,) = logic.values("X", cohort_of(tmp_path, [person]))
    assert value == Tuple(
        {
            "race": Tuple({"codes": (Code("a", LOINC), Code("r", LOINC)), "text": "both"}),
            "religion": concept("a"),
            "disabilities": (concept("a"), concept("r")),
            "born": DateTime(1950, 2, 3, 4, 5, 6, offset=0),
        }
    )
