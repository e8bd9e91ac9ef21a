"""Patients of a bulk export, as records for other engines: from Synthea, for instance.

    records = exported(Path("output/fhir"))
    records = [as_asked(record, vocabulary_of(content, plan)) for record in records]

Other engines find resources by declared profiles only, and exports declare those of US Core, if any. So each resource
declares the profiles that the measure asks for and that it conforms to.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mutations import Record
from vocabulary import Asked, Vocabulary

from ecqm.data.fhir.compartment import PATIENT_LINKS, target
from ecqm.models.profiles import negation_of, profile_facts

Resource = dict[str, Any]


def exported(folder: Path) -> list[Record]:
    """The patients of an export of NDJSON files, in its order: the Patient, what belongs to it, and resources without
    a patient that these refer to."""
    own: dict[str, Record] = {}
    shared: dict[str, Resource] = {}
    resources = [json.loads(line) for file in sorted(folder.glob("*.ndjson")) for line in file.open()]
    for resource in resources:
        if resource["resourceType"] == "Patient":
            own[f"Patient/{resource['id']}"] = [resource]
    for resource in resources:
        if resource["resourceType"] != "Patient":
            record = own.get(_patient_of(resource) or "")
            if record is not None:
                record.append(resource)
            else:
                shared[f"{resource['resourceType']}/{resource['id']}"] = resource
    return [[*record, *_referred(record, shared)] for record in own.values()]


def _patient_of(resource: Resource) -> str | None:
    for name in PATIENT_LINKS:
        link = resource.get(name)
        reference = link.get("reference") if isinstance(link, dict) else None
        if reference and reference.startswith("Patient/"):
            return str(reference)
    return None


def _referred(record: Record, shared: dict[str, Resource]) -> Iterator[Resource]:
    seen: set[str] = set()
    waiting = list(record)
    while waiting:
        for name in set(_references(waiting.pop())) - seen:
            seen.add(name)
            if name in shared:
                waiting.append(shared[name])
                yield shared[name]


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        named = target(value["reference"]) if isinstance(value.get("reference"), str) else None
        if named is not None:
            yield f"{named[0]}/{named[1]}"
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _references(item)


def as_asked(record: Record, vocabulary: Vocabulary) -> Record:
    """The resources of the types that a measure asks for, and those that they refer to, with the profiles that it asks
    for and that they conform to."""
    types = {asked.resource_type for asked in vocabulary.asked}
    kept = [resource for resource in record if resource["resourceType"] in types]
    referred = set(_references(kept))
    kept += [
        resource
        for resource in record
        if resource["resourceType"] not in types and f"{resource['resourceType']}/{resource['id']}" in referred
    ]
    return [_declaring(resource, vocabulary) for resource in kept]


def _declaring(resource: Resource, vocabulary: Vocabulary) -> Resource:
    asked = vocabulary.by_type(resource["resourceType"])
    profiles = sorted({each.profile for each in asked if _conforms(resource, each)})
    meta = {key: value for key, value in resource.get("meta", {}).items() if key != "profile"}
    return {**resource, "meta": {**meta, "profile": profiles} if profiles else meta}


def _conforms(resource: Resource, asked: Asked) -> bool:
    facts = profile_facts(asked.profile)
    if facts.negated is not None and _negated(resource) != facts.negated:
        return False
    if facts.category and not facts.category & _codes(resource.get("category")):
        return False
    return not facts.code or bool(facts.code & _codes(resource.get("code")))


def _negated(resource: Resource) -> bool:
    negation = negation_of(resource["resourceType"])
    if negation is None:
        return False
    return resource.get("status") in negation.status or resource.get(negation.element or "") is True


def _codes(concepts: Any) -> set[str]:
    several = concepts if isinstance(concepts, list) else [concepts] if concepts else []
    return {coding["code"] for concept in several for coding in concept.get("coding", ()) if "code" in coding}
