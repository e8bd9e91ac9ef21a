"""What references name, and which patients a resource belongs to (FHIR R4, patient compartment)."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterator, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import Any

import msgspec

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

# The elements that may name several patients, who take part in something: `Appointment.participant.actor`. They say
# whose a resource is if none of the links above names a patient. (The types in OF_PATIENTS have such elements, too:
# `Procedure.performer.actor`. But their resources are about whom a link names, or are invalid.) All are from FHIR's
# compartment, except for Contract.
PARTICIPANTS = {
    "Account": ("subject",),
    "Appointment": ("participant.actor",),
    "AppointmentResponse": ("actor",),
    "AuditEvent": ("agent.who", "entity.what"),
    "Basic": ("author",),
    "CareTeam": ("participant.member",),
    "Communication": ("sender", "recipient"),
    "CommunicationRequest": ("sender", "recipient", "requester"),
    "Composition": ("author", "attester.party"),
    "Contract": ("subject",),
    "DocumentManifest": ("author", "recipient"),
    "DocumentReference": ("author",),
    "Group": ("member.entity",),
    "Invoice": ("recipient",),
    "List": ("source",),
    "MedicationDispense": ("receiver",),
    "Person": ("link.target",),
    "Provenance": ("target",),
    "QuestionnaireResponse": ("author",),
    "RequestGroup": ("action.participant",),
    "Schedule": ("actor",),
}
# A resource of more patients is a register (a Group of all members of a plan) and nobody's record. Each of its patients
# would get all of it.
MOST_PARTICIPANTS = 100
NAMES_MANY = f"names more than {MOST_PARTICIPANTS} patients: it is only there for patients whose resources refer to it"


@lru_cache(maxsize=65536)
def target(reference: str) -> tuple[str | None, str] | None:
    """(type, id) that a relative or absolute reference names; (None, itself) for a URN; None for anything else.

    FHIR R4, "References between resources": `Encounter/1`, `http://server/fhir/Encounter/1/_history/2`, `urn:uuid:…`.
    """
    if reference.startswith("urn:"):
        return None, reference
    found = _TYPE_AND_ID.search(reference)
    return (found[1], found[2]) if found else None


@lru_cache(maxsize=256)
def patient_links(resource_type: str) -> tuple[str, ...]:
    """The links that may name the one patient of a resource, in order of preference."""
    return tuple(name for name in PATIENT_LINKS if name not in PARTICIPANTS.get(resource_type, ()))


def patient_reference(resource: Any, links: Sequence[str]) -> str | None:
    """The id of the patient (or the URN) that a decoded resource belongs to; None if no link names one."""
    return next((name for type_, name in _targets(resource, links) if type_ in ("Patient", None)), None)


def owners(resource_type: str, raw: bytes | msgspec.Raw, urns: Container[str | None] = ()) -> list[str]:
    """The ids of the patients whose records a resource is in because they take part in it, in order; and those `urns`
    that stand for patients. For resources in which `patient_reference` finds nobody; `raw` is the JSON."""
    found = participants(resource_type, raw, urns)
    return found if len(found) <= MOST_PARTICIPANTS else []


def why_shared(resource_type: str, resource: Any, raw: bytes | msgspec.Raw) -> str | None:
    """What is to be reported about a resource that belongs to no patient; None if that is usual."""
    if resource_type in OF_PATIENTS and next(_targets(resource, PATIENT_LINKS), None) is None:
        return NAMES_NO_ONE
    if len(participants(resource_type, raw)) > MOST_PARTICIPANTS:
        return NAMES_MANY
    return None


def participants(resource_type: str, raw: bytes | msgspec.Raw, urns: Container[str | None] = ()) -> list[str]:
    """The same, however many there are."""
    if resource_type not in PARTICIPANTS:
        return []
    try:
        resource = _participants_decoder(resource_type)(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        # Whoever reads the whole resource will report it.
        return []
    found: dict[str, None] = {}
    for path in PARTICIPANTS[resource_type]:
        first, *rest = path.split(".")
        for text in _texts(getattr(resource, first), [*rest, "reference"]):
            named = target(text)
            if named is not None and (named[0] == "Patient" or (named[0] is None and named[1] in urns)):
                found[named[1]] = None
    return list(found)


@lru_cache(maxsize=64)
def _participants_decoder(resource_type: str) -> Callable[[bytes | msgspec.Raw], Any]:
    fields = [(name, Any, None) for name in dict.fromkeys(path.split(".")[0] for path in PARTICIPANTS[resource_type])]
    return msgspec.json.Decoder(msgspec.defstruct("Participants", fields)).decode


def _texts(value: Any, path: Sequence[str]) -> Iterator[str]:
    """The strings at a path in JSON, through lists."""
    if isinstance(value, list):
        for each in value:
            yield from _texts(each, path)
    elif path and isinstance(value, dict):
        yield from _texts(value.get(path[0]), path[1:])
    elif not path and isinstance(value, str):
        yield value


def _targets(resource: Any, links: Sequence[str]) -> Iterator[tuple[str | None, str]]:
    for name in links:
        link = getattr(resource, name, None)
        for reference in link if isinstance(link, list) else (link,):
            text = getattr(reference, "reference", None)
            if text is not None and (named := target(text)) is not None:
                yield named


def patient_references(resource_type: str, resources: Sequence[Any]) -> list[str | None]:
    """For resources of one type, the text of the first reference that may name their patient."""
    for name in patient_links(resource_type):
        if hasattr(resources[0], name):
            links = map(attrgetter(name), resources)
            return [None if link is None else getattr(link, "reference", None) for link in links]
    return [None] * len(resources)
