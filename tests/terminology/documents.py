"""Small terminology resources for tests."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any


def documents(*resources: dict[str, Any]) -> list[tuple[str, Callable[[], bytes]]]:
    return [(f"{position}.json", json.dumps(resource).encode) for position, resource in enumerate(resources)]


def value_set(oid: str, codes: list[tuple[str, str]] | None = None, version: str = "1", **more: Any) -> dict[str, Any]:
    resource: dict[str, Any] = {
        "resourceType": "ValueSet",
        "url": f"http://cts.nlm.nih.gov/fhir/ValueSet/{oid}",
        "version": version,
    }
    if codes is not None:
        contains = [{"system": system, "code": code} for system, code in codes]
        resource["expansion"] = {"total": len(codes), "contains": contains}
    return resource | more
