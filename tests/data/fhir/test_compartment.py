"""FHIR R4, patient compartment: which patients a resource belongs to."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ecqm.data.fhir.compartment import (
    MOST_PARTICIPANTS,
    NAMES_MANY,
    OF_PATIENTS,
    PARTICIPANTS,
    PATIENT_LINKS,
    owners,
    why_shared,
)
from ecqm.data.fhir.schema import fhir_schema
from tests.data.resources import Json

# Types whose resources are in the compartment by FHIR's definition, but for Patient itself.
# fmt: off
IN_COMPARTMENT = (
    "Account", "AdverseEvent", "AllergyIntolerance", "Appointment", "AppointmentResponse", "AuditEvent", "Basic",
    "BodyStructure", "CarePlan", "CareTeam", "ChargeItem", "Claim", "ClaimResponse", "ClinicalImpression",
    "Communication", "CommunicationRequest", "Composition", "Condition", "Consent", "Coverage",
    "CoverageEligibilityRequest", "CoverageEligibilityResponse", "DetectedIssue", "DeviceRequest",
    "DeviceUseStatement", "DiagnosticReport", "DocumentManifest", "DocumentReference", "Encounter",
    "EnrollmentRequest", "EpisodeOfCare", "ExplanationOfBenefit", "FamilyMemberHistory", "Flag", "Goal", "Group",
    "ImagingStudy", "Immunization", "ImmunizationEvaluation", "ImmunizationRecommendation", "Invoice", "List",
    "MeasureReport", "Media", "MedicationAdministration", "MedicationDispense", "MedicationRequest",
    "MedicationStatement", "MolecularSequence", "NutritionOrder", "Observation", "Person", "Procedure", "Provenance",
    "QuestionnaireResponse", "RelatedPerson", "RequestGroup", "ResearchSubject", "RiskAssessment", "Schedule",
    "ServiceRequest", "Specimen", "SupplyDelivery", "SupplyRequest", "VisionPrescription",
)
# fmt: on
PATHS = [(name, path) for name, paths in PARTICIPANTS.items() for path in paths]


def reference(name: str) -> Json:
    return {"reference": name}


def at(path: str, *names: str) -> Json:
    """Elements with references at a path, each in a list of its own."""
    first, _, rest = path.partition(".")
    return {first: [at(rest, name) if rest else reference(name) for name in names]}


@pytest.mark.parametrize("resource_type", IN_COMPARTMENT)
def test_every_type_of_the_compartment_has_an_element_that_names_its_patients(resource_type: str) -> None:
    elements = {element.name for element in fhir_schema().elements(resource_type)}
    assert elements.intersection(PATIENT_LINKS) or resource_type in PARTICIPANTS


@pytest.mark.parametrize(
    ("resource_type", "path"), [(name, path) for name in PARTICIPANTS for path in PARTICIPANTS[name]]
)
def test_paths_are_elements_of_fhir(resource_type: str, path: str) -> None:
    within = resource_type
    for name in path.split("."):
        (element,) = (each for each in fhir_schema().elements(within) if each.name == name)
        within = element.types[0]
    assert within == "Reference"
    assert resource_type not in OF_PATIENTS


@pytest.mark.parametrize(
    ("resource_type", "path"), [(name, path) for name in PARTICIPANTS for path in PARTICIPANTS[name]]
)
def test_participants(resource_type: str, path: str) -> None:
    raw = json.dumps(at(path, "Patient/a", "Practitioner/a", "http://x/fhir/Patient/b", "Patient/a", "urn:c", "urn:d"))
    assert owners(resource_type, raw.encode()) == ["a", "b"]
    assert owners(resource_type, raw.encode(), {"urn:c"}) == ["a", "b", "urn:c"]


@pytest.mark.parametrize("content", [{}, {"participant": 5}, {"participant": {"actor": {"reference": 5}}}])
def test_nobody(content: Any) -> None:
    assert owners("Appointment", json.dumps(content).encode()) == []
    assert owners("Location", json.dumps(content).encode()) == []


def test_registers_are_nobodys_record() -> None:
    members = json.dumps(at("member.entity", *(f"Patient/{n}" for n in range(MOST_PARTICIPANTS + 1)))).encode()
    assert owners("Group", members) == []
    assert why_shared("Group", None, members) == NAMES_MANY
    assert why_shared("Group", None, b"{}") is None
