"""Requests about the sample measures, and the service that answers them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from ecqm.server.calls import Answer, Call
from ecqm.server.operations import answer
from ecqm.server.service import Served, Service

SAMPLE = Path(__file__).parent.parent.parent / "measure_bundles" / "sample"
CASES = SAMPLE / "input" / "tests" / "measure"
STAY, KIDNEY = "SampleHospitalStay", "SampleDiabetesKidneyCheck"

Json = dict[str, Any]


def resources(case: Path) -> list[Json]:
    """The resources of a sample case, without what is expected of it."""
    found = [json.loads(path.read_text("utf-8")) for path in sorted(case.rglob("*.json"))]
    inside = [entry["resource"] for each in found for entry in each.get("entry", [{"resource": each}])]
    return [each for each in inside if each["resourceType"] != "MeasureReport"]


def bundle(of: Iterable[Json]) -> Json:
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": each} for each in of]}


def parameters(**given: Any) -> Json:
    """A Parameters resource; a dictionary is a resource, a list is a parameter for each of its elements."""
    members = []
    for name, value in given.items():
        for each in value if isinstance(value, list) else [value]:
            kind = "resource" if isinstance(each, dict) and "resourceType" in each else "part"
            members.append({"name": name, **({kind: each} if isinstance(each, dict) else {"valueString": each})})
    for member in members:
        if "part" in member:
            member["part"] = [{"name": name, "valueString": text} for name, text in member["part"].items()]
    return {"resourceType": "Parameters", "parameter": members}


def body(resource: Any) -> bytes:
    return msgspec.json.encode(resource)


class Client:
    """Calls of one service, without HTTP; unexpected errors fail the test."""

    def __init__(self, served: Served) -> None:
        self.service = Service(served)

    def call(self, operation: str, id: str | None = None, **given: Any) -> tuple[int, Json]:  # noqa: A002
        found = self.answer(Call(operation, id, (), body(parameters(**given)), "http://here/x", "http://here"))
        return found.status, json.loads(found.body)

    def get(self, operation: str, id: str | None = None, **query: str) -> tuple[int, Json]:  # noqa: A002
        found = self.answer(Call(operation, id, tuple(query.items()), None, "http://here/x", "http://here"))
        return found.status, json.loads(found.body)

    def answer(self, call: Call) -> Answer:
        def unexpected(text: str) -> None:
            raise AssertionError(text)

        return answer(self.service, call, unexpected)


THREE = resources(CASES / STAY / "three-stays")
PATIENT = next(each["id"] for each in THREE if each["resourceType"] == "Patient")
ENCOUNTERS = [each for each in THREE if each["resourceType"] == "Encounter"]


def told(outcome: Json) -> str:
    """The texts of an OperationOutcome."""
    assert outcome["resourceType"] == "OperationOutcome", outcome
    return "\n".join(each["details"]["text"] for each in outcome["issue"])
