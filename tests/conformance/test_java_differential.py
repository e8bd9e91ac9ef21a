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
ANSWERS = "conformance/peers/java_answers.py"
RECORD = [{"resourceType": "Patient", "id": "p"}]


@pytest.fixture(scope="module")
def differential() -> ModuleType:
    return imported(SCRIPT)


def causes_of(compared: Any) -> dict[str, str]:
    return {each.definition: each.cause for each in compared.differences}


def test_all_definitions_of_all_libraries_are_asked_for() -> None:
    content = Content.open(SAMPLE)
    (measure,) = content.select(["SampleDiabetesKidneyCheck"])
    definitions = imported(ANSWERS).definitions_of(plan_of(content, measure))
    keys = [each.key for each in definitions]
    assert "SampleDiabetesKidneyCheck.Initial Population" in keys and len(set(keys)) == len(keys)
    elm = json.loads(content.closure(measure).libraries[0].elm_json())
    assert all(profile.startswith("http") for profile in imported(ANSWERS).retrieved_profiles(elm))


def test_the_request() -> None:
    engine = imported("conformance/peers/java_engine.py")
    definition = engine.Definition("L.A", "L", "1", "A")
    assert engine.request([Path("L.json")], [definition], None) == {
        "libraries": ["L.json"],
        "definitions": [["L.A", "L", "1", "A"]],
        "now": engine.NOW,
        "mended": [],
    }
    patients = engine.Patients(Path("p.ndjson"), ("a", "b"), {"u": {("s", "2"), ("s", "1")}}, {"p": {"q", "p"}})
    asked = engine.request([], [], patients)
    assert (asked["valueSets"], asked["profiles"]) == ({"u": [("s", "1"), ("s", "2")]}, {"p": ["p", "q"]})


def test_values_are_compared_and_differences_explained(differential: ModuleType) -> None:
    failed = {"error": "x"}
    ours = {"error": "populations", "L.A": True, "L.B": ["1", "2"], "L.C": None}
    theirs = {"L.A": True, "L.B": ["2", "1"], "L.C": failed, "L.D": failed, "L.E": True}
    compared = differential.compared("M", RECORD, {}, ours, [theirs])
    assert (compared.patients, compared.values, compared.agree) == (1, 5, 3)
    assert [(each.definition, each.cause) for each in compared.differences] == [("L.C", ""), ("L.E", "")]
    assert differential.line(compared) == "| M | 1 | 5 | 3 | 0 | 0 | 2 |"
    assert all("UNEXPLAINED" in told for told in differential.told(compared.differences))


def test_a_difference_of_a_definition_referred_to_is_told_once(differential: ModuleType) -> None:
    refers = {"L.A": {"L.B", "L.f", "L.C"}, "L.B": {"L.f", "L.C"}}
    ours, theirs = (dict.fromkeys(("L.A", "L.B", "L.C"), value) for value in (True, False))
    compared = differential.compared("M", RECORD, refers, ours, [theirs])
    assert causes_of(compared) == {"L.A": differential.FOLLOWS, "L.B": differential.FOLLOWS, "L.C": ""}
    assert differential.line(compared) == "| M | 1 | 3 | 0 | 0 | 2 | 1 |"
    assert len(list(differential.told(compared.differences))) == 1


def test_a_difference_that_a_mend_removes_has_its_cause(differential: ModuleType) -> None:
    first, second = (each.name for each in differential.mends()[:2])
    refers = {"L.A": {"L.B"}, "L.D": {"L.B"}}
    ours = dict.fromkeys(("L.A", "L.B", "L.C", "L.D"), True)
    unmended = {"L.A": False, "L.B": False, "L.C": {"error": "x"}, "L.D": False}
    one = {"L.A": True, "L.B": True, "L.C": {"error": "y"}, "L.D": False}
    compared = differential.compared("M", RECORD, refers, ours, [unmended, one, {**one, "L.C": True}])
    assert causes_of(compared) == {"L.A": differential.FOLLOWS, "L.B": first, "L.C": second, "L.D": ""}


def test_causes_may_depend_on_resources(differential: ModuleType) -> None:
    began = [*RECORD, {"resourceType": "Encounter", "period": {"end": "2026-08-19"}}]
    name = "Hospice.Has Hospice Services"
    for record, cause in ((began, "an unknown boundary makes the result null"), (RECORD, "")):
        assert causes_of(differential.compared("M", record, {}, {name: True}, [{name: False}])) == {name: cause}


def test_a_difference_that_a_fault_hid_is_found(differential: ModuleType) -> None:
    compared = differential.compared(
        "M", RECORD, {}, {"L.A": True, "L.B": 1}, [{"L.A": True}, {"L.A": False, "L.B": 2}]
    )
    assert causes_of(compared) == {"L.A": "", "L.B": ""}
    assert (compared.values, compared.agree) == (2, 0)


def test_references_are_followed(differential: ModuleType) -> None:
    content = Content.open(SAMPLE)
    (measure,) = content.select(["SampleDiabetesKidneyCheck"])
    refers = differential.references_of(plan_of(content, measure))
    direct = refers["SampleDiabetesKidneyCheck.Numerator"]
    assert direct and all(refers.get(each, set()) <= direct for each in direct)
    assert "SampleDiabetesKidneyCheck.Numerator" in refers["group 1"] and direct <= refers["group 1"]


def test_populations_follow_from_definitions(differential: ModuleType) -> None:
    refers = {"group 1": {"L.A"}, "group 2": {"L.B"}}
    ours = {"L.A": True, "L.B": True, "group 1/numerator 3": 1, "group 2/numerator 3": 0, "group 2/score": None}
    theirs = {"L.A": False, "L.B": True, "group 1/numerator 3": 0, "group 2/numerator 3": 1, "group 2/score": "0"}
    ours["group 3/score"], theirs["group 3/score"] = "0.75", "0.25"
    follows = differential.FOLLOWS
    assert causes_of(differential.compared("M", RECORD, refers, ours, [theirs])) == {
        "L.A": "", "group 1/numerator 3": follows, "group 2/numerator 3": "", "group 2/score": "no score is 0",
        "group 3/score": "where less is better, the score is subtracted from 1",
    }  # fmt: skip


def test_measures_are_made_acceptable() -> None:
    method = {
        "url": "http://hl7.org/fhir/us/cqfmeasures/StructureDefinition/cqfm-aggregateMethod",
        "valueString": "Sum",
    }
    population = {"extension": [method, {"url": "other", "valueString": "Sum"}]}
    accepted = imported(ANSWERS).accepted({"supplementalData": [{}], "group": [{"population": [population, {}]}]})
    assert [each["valueString"] for each in accepted["group"][0]["population"][0]["extension"]] == ["sum", "Sum"]
    assert "supplementalData" not in accepted and method["valueString"] == "Sum"


def test_a_report_that_fails_is_told(differential: ModuleType) -> None:
    failed = {"report": {"error": "x"}}
    compared = differential.compared("M", RECORD, {}, {"group 1/numerator 3": 1}, [failed])
    assert list(causes_of(compared)) == ["report"]


def test_a_comparison_needs_content() -> None:
    assert "usage" in run(SCRIPT, code=2)
