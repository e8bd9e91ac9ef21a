"""Small FHIR resources for the tests, and files of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

Json = dict[str, Any]


def patient(id_: str = "p1", **elements: Any) -> Json:
    return {"resourceType": "Patient", "id": id_, "birthDate": "1950-02-03", **elements}


def encounter(id_: str, of: str = "p1", **elements: Any) -> Json:
    return {
        "resourceType": "Encounter",
        "id": id_,
        "status": "finished",
        "subject": {"reference": f"Patient/{of}"},
        "period": {"start": "2026-01-02T08:00:00-05:00", "end": "2026-01-02T09:00:00.250Z"},
        **elements,
    }


def observation(id_: str, of: str = "p1", **elements: Any) -> Json:
    return {
        "resourceType": "Observation",
        "id": id_,
        "code": coded("4548-4"),
        "subject": {"reference": f"Patient/{of}"},
        **elements,
    }


def coded(*codes: str, text: str | None = None) -> Json:
    concept: Json = {"coding": [{"system": "http://loinc.org", "code": code} for code in codes]}
    return {**concept, "text": text} if text else concept


def bundle(*resources: Json, type_: str = "collection", urls: Sequence[str] = ()) -> Json:
    entries: list[Json] = [{"resource": resource} for resource in resources]
    for entry, url in zip(entries, urls, strict=False):
        entry["fullUrl"] = url
    return {"resourceType": "Bundle", "type": type_, "entry": entries}


def write(path: Path, *resources: Json | bytes) -> Path:
    """A file of one JSON document, or of one per line if it is NDJSON; bytes are written as they are."""
    lines = [resource if isinstance(resource, bytes) else json.dumps(resource).encode() for resource in resources]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"\n".join(lines))
    return path
