"""Small Measure resources for tests."""

from __future__ import annotations

import json
from typing import Any

from ecqm.measures.definition import Group, Measure
from ecqm.measures.definition.parsing import parse_measure

CQFM = "http://hl7.org/fhir/us/cqfmeasures/StructureDefinition/"
POPULATIONS = "http://terminology.hl7.org/CodeSystem/measure-population"


def concept(code: str, system: str = POPULATIONS) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}


def criteria(expression: str) -> dict[str, Any]:
    return {"language": "text/cql-identifier", "expression": expression}


def population(code: str, expression: str | None = None, **more: Any) -> dict[str, Any]:
    """A population whose id and define are named by its code unless said otherwise."""
    base = {"id": code, "code": concept(code), "criteria": criteria(expression or code)}
    return base | more


def observation(name: str, observed: str, method: str) -> dict[str, Any]:
    extension = [
        {"url": CQFM + "cqfm-criteriaReference", "valueString": observed},
        {"url": CQFM + "cqfm-aggregateMethod", "valueString": method},
    ]
    return population("measure-observation", name, id=name, extension=extension)


def group(
    scoring: str, *populations: dict[str, Any], basis: str = "boolean", group_id: str = "g1", **more: Any
) -> dict[str, Any]:
    extension = [
        {"url": CQFM + "cqfm-scoring", "valueCodeableConcept": concept(scoring)},
        {"url": CQFM + "cqfm-populationBasis", "valueCode": basis},
    ]
    return {"id": group_id, "extension": extension, "population": list(populations)} | more


def measure_resource(*groups: dict[str, Any], **more: Any) -> dict[str, Any]:
    base = {
        "resourceType": "Measure",
        "id": "Example",
        "url": "http://example.org/Measure/Example",
        "name": "Example",
        "version": "1.0.0",
        "status": "active",
        "library": ["http://example.org/Library/Example"],
        "group": list(groups),
    }
    return base | more


def measure(*groups: dict[str, Any], **more: Any) -> Measure:
    return parse_measure(json.dumps(measure_resource(*groups, **more)).encode())


def proportion(basis: str = "boolean", **more: Any) -> Group:
    codes = (
        "initial-population",
        "denominator",
        "denominator-exclusion",
        "numerator",
        "numerator-exclusion",
        "denominator-exception",
    )
    return measure(group("proportion", *(population(code) for code in codes), basis=basis, **more)).groups[0]


def composite_measure(group_id: str | None = None) -> Measure:
    """A composite of two measures; of the second, the group of that id."""
    named = [{"url": CQFM + "cqfm-groupId", "valueString": group_id}] if group_id else []
    artifacts = [
        {"type": "composed-of", "resource": "http://example.org/Measure/0"},
        {"type": "composed-of", "resource": "http://example.org/Measure/1", "extension": named},
    ]
    return measure(
        compositeScoring=concept("opportunity"), relatedArtifact=artifacts, url="http://example.org/Measure/whole"
    )
