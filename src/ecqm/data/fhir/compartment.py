"""What references name, and which patient a resource belongs to (FHIR R4, patient compartment)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import Any

# The type and id that a reference ends with: a pattern for Python's expressions and for Arrow's.
TYPE_AND_ID = r"(?:^|/)(?P<type>[A-Z][A-Za-z]+)/(?P<id>[A-Za-z0-9\-.]{1,64})(?:/_history/[^/]*)?(?:[#|?].*)?$"
_TYPE_AND_ID = re.compile(TYPE_AND_ID)

# The elements that name the patient of a resource, for all types, in order of preference. (In R4 most types have
# `subject`; `patient` in AllergyIntolerance, Claim, Immunization…; `beneficiary` in Coverage; `for` in
# Task; `individual` in ResearchSubject; `candidate` in EnrollmentRequest; `deliverTo` in SupplyRequest.)
PATIENT_LINKS = (
    "subject",
    "patient",
    "beneficiary",
    "for",
    "individual",
    "candidate",
    "deliverTo",
    "subscriber",
    "policyHolder",
)

# The types whose resources are always of a patient (or of a group, a location, …): FHIR R4 requires one of the links
# above, and QI-Core requires it of Encounter and Observation.
OF_PATIENTS = frozenset(
    (
        "AdverseEvent", "AllergyIntolerance", "CarePlan", "Claim", "ClaimResponse", "ClinicalImpression", "Condition",
        "Coverage", "CoverageEligibilityRequest", "CoverageEligibilityResponse", "DeviceRequest", "DeviceUseStatement",
        "Encounter", "EpisodeOfCare", "ExplanationOfBenefit", "FamilyMemberHistory", "Flag", "Goal",
        "ImagingStudy", "Immunization", "ImmunizationEvaluation", "ImmunizationRecommendation",
        "MedicationAdministration", "MedicationRequest", "MedicationStatement", "NutritionOrder", "Observation",
        "Procedure", "RelatedPerson", "RiskAssessment", "ServiceRequest", "VisionPrescription",
    )
)  # fmt: skip
NAMES_NO_ONE = "names no patient: it is only there for patients whose resources refer to it"


@lru_cache(maxsize=65536)
def target(reference: str) -> tuple[str | None, str] | None:
    """(type, id) that a relative or absolute reference names; (None, itself) for a URN; None for anything else.

    FHIR R4, "References between resources": `Encounter/1`, `http://server/fhir/Encounter/1/_history/2`, `urn:uuid:…`.
    """
    if reference.startswith("urn:"):
        return None, reference
    found = _TYPE_AND_ID.search(reference)
    return (found[1], found[2]) if found else None


def patient_reference(resource: Any, links: Sequence[str] = PATIENT_LINKS) -> str | None:
    """The id of the patient (or the URN) that a decoded resource belongs to; None if it names none."""
    return next((name for type_, name in _targets(resource, links) if type_ in ("Patient", None)), None)


def names_no_one(resource_type: str, resource: Any) -> bool:
    """Whether a decoded resource has no link that names anything, though its type requires one."""
    return resource_type in OF_PATIENTS and next(_targets(resource, PATIENT_LINKS), None) is None


def _targets(resource: Any, links: Sequence[str]) -> Iterator[tuple[str | None, str]]:
    for name in links:
        link = getattr(resource, name, None)
        for reference in link if isinstance(link, list) else (link,):
            text = getattr(reference, "reference", None)
            if text is not None and (named := target(text)) is not None:
                yield named


def patient_references(resources: Sequence[Any]) -> list[str | None]:
    """For resources of one type, the text of the first reference that may name their patient."""
    for name in PATIENT_LINKS:
        if hasattr(resources[0], name) and not isinstance(getattr(resources[0], name), list):
            links = map(attrgetter(name), resources)
            return [None if link is None else getattr(link, "reference", None) for link in links]
    return [None] * len(resources)
