"""What the Java engine is asked about measures, and what is made of its answers; without the engine."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from ecqm.bundles.content import Content
from ecqm.bundles.evaluation.planning import plan_of
from tests.scripts import SAMPLE, imported, run

SCRIPT = "conformance/peers/java_differential.py"


@pytest.fixture(scope="module")
def differential() -> ModuleType:
    return imported(SCRIPT)


def test_all_definitions_of_all_libraries_are_asked_for(differential: ModuleType) -> None:
    content = Content.open(SAMPLE)
    (measure,) = content.select(["SampleDiabetesKidneyCheck"])
    definitions = differential.definitions_of(plan_of(content, measure))
    keys = [each.key for each in definitions]
    assert "SampleDiabetesKidneyCheck.Initial Population" in keys and len(set(keys)) == len(keys)
    elm = json.loads(content.closure(measure).libraries[0].elm_json())
    assert all(profile.startswith("http") for profile in differential.retrieved_profiles(elm))


def test_the_request() -> None:
    engine = imported("conformance/peers/java_engine.py")
    definition = engine.Definition("L.A", "L", "1", "A")
    assert engine.request([Path("L.json")], [definition], None) == {
        "libraries": ["L.json"],
        "definitions": [["L.A", "L", "1", "A"]],
        "now": engine.NOW,
    }
    patients = engine.Patients(Path("p.ndjson"), ("a", "b"), {"u": {("s", "2"), ("s", "1")}}, {"p": {"q", "p"}})
    asked = engine.request([], [], patients)
    assert (asked["valueSets"], asked["profiles"]) == ({"u": [("s", "1"), ("s", "2")]}, {"p": ["p", "q"]})


def test_values_are_compared_and_differences_explained(differential: ModuleType) -> None:
    failed = {"error": "x"}
    record = [{"resourceType": "Patient", "id": "p"}]
    ours: list[Any] = [{"L.A": True, "L.B": ["1", "2"], "L.C": None}]
    theirs = [{"L.A": True, "L.B": ["2", "1"], "L.C": failed, "L.D": failed, "L.E": True}]
    compared = differential.compare("M", [record], ours, theirs)
    assert (compared.cases, compared.values, compared.agree) == (1, 5, 3)
    assert [(each.definition, each.cause) for each in compared.differences] == [("L.C", ""), ("L.E", "")]
    assert differential.line(compared) == "| M | 1 | 5 | 3 | 0 | 2 |"
    assert all("UNEXPLAINED" in told for told in differential.told(compared.differences))

    numerator = differential.compare("CMS108X", [record], [{"CMS108X.Numerator": ["E/1"]}], [{"CMS108X.Numerator": []}])
    assert [each.cause for each in numerator.differences] == ["{INR} is not the unit 1"]


def test_a_comparison_needs_content() -> None:
    assert "usage" in run(SCRIPT, code=2)
