"""Small decks of test cases on disk."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.measures.resources import concept

PROFILE = "http://hl7.org/fhir/us/cqfmeasures/StructureDefinition/test-case-cqfm"


def counts(**by_code: float) -> list[dict[str, Any]]:
    """Populations whose ids are their codes, underscores standing for hyphens."""
    codes = {code.replace("_", "-"): count for code, count in by_code.items()}
    return [{"id": code, "code": concept(code), "count": count} for code, count in codes.items()]


def expected_report(*groups: dict[str, Any], **more: Any) -> dict[str, Any]:
    base = {
        "resourceType": "MeasureReport",
        "meta": {"profile": [PROFILE]},
        "contained": [{"resourceType": "Parameters", "parameter": [{"name": "subject", "valueString": "p1"}]}],
        "measure": "http://example.org/Measure/Example",
        "period": {"start": "2026-01-01", "end": "2026-12-31"},
        "group": list(groups),
    }
    return base | more


def write(path: Path, *resources: dict[str, Any]) -> Path:
    """One resource as it is, several as a bundle."""
    path.parent.mkdir(parents=True, exist_ok=True)
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": r} for r in resources]}
    path.write_text(json.dumps(resources[0] if len(resources) == 1 else bundle))
    return path


PATIENT = {"resourceType": "Patient", "id": "p1"}
