"""Small measure contents on disk."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ecqm.bundles.content import Content
from ecqm.measures.definition import Measure
from ecqm.terminology import MissingValueSet
from tests.measures.resources import group, measure_resource, population


def missing_value_sets(content: Content, measures: Iterable[Measure]) -> list[MissingValueSet]:
    """The value sets that the libraries of measures declare and that are not at hand as whole."""
    uses: dict[str, list[str]] = {}
    for each in measures:
        for identifier, names in content.closure(each).value_sets().items():
            uses.setdefault(identifier, []).extend(names)
    return content.value_sets.missing(uses)


CODES = ("initial-population", "denominator", "numerator")
VALUE_SET = "http://cts.nlm.nih.gov/fhir/ValueSet/1.2.3"


def elm(
    name: str, version: str = "1.0.0", includes: dict[str, str] | None = None, value_sets: tuple[str, ...] = ()
) -> str:
    library: dict[str, Any] = {"identifier": {"id": name, "version": version}}
    if includes:
        library["includes"] = {"def": [{"path": path, "version": v} for path, v in includes.items()]}
    if value_sets:
        library["valueSets"] = {"def": [{"id": vs} for vs in value_sets]}
    return json.dumps({"library": library})


def library(name: str, version: str = "1.0.0", cql: str | None = None, elm_json: str | None = None) -> dict[str, Any]:
    attached = {"text/cql": cql, "application/elm+json": elm_json}
    content = [
        {"contentType": kind, "data": base64.b64encode(text.encode()).decode()}
        for kind, text in attached.items()
        if text is not None
    ]
    return {"resourceType": "Library", "id": name, "name": name, "version": version, "content": content}


def measure(name: str = "CMS7FHIRExample", version: str = "1.0.0", **more: Any) -> dict[str, Any]:
    named = {
        "id": name,
        "name": name,
        "version": version,
        "url": f"http://example.org/Measure/{name}",
        "library": [f"http://example.org/Library/{name}"],
        "effectivePeriod": {"start": "2026-01-01", "end": "2026-12-31"},
    }
    return measure_resource(group("proportion", *map(population, CODES)), **(named | more))


def value_set(codes: str = "ab", **more: Any) -> dict[str, Any]:
    contains = [{"system": "http://s", "code": code} for code in codes]
    base = {"resourceType": "ValueSet", "url": VALUE_SET, "version": "1"}
    return base | {"expansion": {"total": len(contains), "contains": contains}} | more


def bundle(*resources: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": r} for r in resources]}


def resources() -> list[dict[str, Any]]:
    """A measure whose library includes another and names a value set."""
    logic = elm("CMS7FHIRExample", includes={"Common": "2.0.0"}, value_sets=(VALUE_SET,))
    return [
        measure(),
        library("CMS7FHIRExample", elm_json=logic, cql="library CMS7FHIRExample version '1.0.0'"),
        library("Common", "2.0.0", elm_json=elm("Common", "2.0.0")),
        value_set(),
    ]


def write_repository(root: Path, *items: dict[str, Any]) -> Path:
    """Resources where a content repository keeps them."""
    below = {"Measure": "resources/measure", "Library": "resources/library", "ValueSet": "vocabulary/valueset/external"}
    for number, resource in enumerate(items):
        name = resource.get("name") or f"valueset-{number}"
        path = root / "input" / below[resource["resourceType"]] / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(resource))
    return root


def write_bundle(path: Path, *items: dict[str, Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(bundle(*items)))
    return path
