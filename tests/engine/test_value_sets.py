"""Value sets as values, and filters that depend on a patient or a row (`elm:23.8`, `elm:23.9`, `elm:11.1`)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ecqm.data import Cohort
from ecqm.engine import EvaluationError, Executor, FhirProfiles
from ecqm.plan.nodes import Constant, reachable
from ecqm.terminology import Membership, ValueSetStore
from ecqm.values import ValueSet
from tests.bundles.contents import VALUE_SET, value_set
from tests.data.resources import encounter, observation, patient
from tests.engine.logic import REQUEST, Logic, cohort_of
from tests.terminology.documents import documents

SYSTEM = {
    "resourceType": "CodeSystem",
    "url": "http://s",
    "content": "complete",
    "concept": [{"code": "a", "concept": [{"code": "b"}]}],
}
FRAGMENT = SYSTEM | {"url": "http://fragment", "content": "fragment"}
STORE = ValueSetStore(documents(value_set("ab"), value_set("c", url="http://other"), SYSTEM, FRAGMENT))
DECLARED = f"""
codesystem "S": 'http://s'
codesystem "Part": 'http://fragment'
valueset "VS": '{VALUE_SET}'
valueset "Other": 'http://other'
valueset "Gone": 'http://gone'
code "A": 'a' from "S"
code "B": 'b' from "S"
code "D": 'd' from "S"
parameter Unset System.ValueSet
parameter Chosen default "Other"
"""


@pytest.fixture
def cohort(tmp_path: Path) -> Cohort:
    """Patients without data, with a finding a, and with a finding c and an encounter."""
    a, c = ({"coding": [{"system": "http://s", "code": code}]} for code in "ac")
    return cohort_of(
        tmp_path,
        [patient("p0")],
        [patient("p1"), observation("oa", "p1", code=a)],
        [patient("p2"), observation("oc", "p2", code=c), encounter("e", "p2")],
    )


def executor(cohort: Cohort, parameters: dict[str, Any] | None = None) -> Executor:
    context = replace(REQUEST, terminology=STORE)
    return Executor(cohort, Membership(cohort.codes, STORE), FhirProfiles(), context, parameters or {})


def logic(expression: str) -> Logic:
    return Logic(f"define X: {expression}", declarations=DECLARED)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ('"A" in "VS"', [True] * 3),
        ('"A" in Chosen', [False] * 3),
        (f"\"A\" in System.ValueSet {{ id: '{VALUE_SET}' }}", [True] * 3),
        ('"A" in Unset', [None] * 3),
        ("(null as System.Code) in Unset", [False] * 3),
        ('Count(ExpandValueSet("VS"))', [2] * 3),
        ("ExpandValueSet(Unset)", [None] * 3),
        ('exists ({ "A" } intersect ExpandValueSet("VS"))', [True] * 3),
        ('"A" in (if exists [Encounter] then "Other" else "VS")', [True, True, False]),
        ('({ "VS", "Other" }) V return "A" in V', [(True, False)] * 3),
        ("exists [Observation: code in Chosen]", [False, False, True]),
        ("exists [Observation: code in Unset]", [False] * 3),
        (
            '[Observation: code in (if exists [Encounter] then "Other" else "VS")]',
            [(), ("Observation/oa",), ("Observation/oc",)],
        ),
        ('[Observation: code in (if exists [Encounter] then "VS" else "Other")]', [(), (), ()]),
        ('({ "VS", "Other" }) V return exists [Observation: code in V]', [(False,), (True, False), (False, True)]),
        (
            "[Observation: code in (([Observation]) O return First(FHIRHelpers.ToConcept(O.code).codes))]",
            [(), ("Observation/oa",), ("Observation/oc",)],
        ),
    ],
)
def test_value_sets_are_values(cohort: Cohort, expression: str, expected: list[Any]) -> None:
    given, run = logic(expression), executor(cohort)
    assert given.values("X", run) == expected
    assert not run.errors


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ('"A" in "S"', True),
        ('"D" in "S"', False),
        ("'b' in \"S\"", True),
        ('{ "D", "B" } in "S"', True),
        ("System.Code { code: 'a', system: 'http://fragment' } in \"S\"", False),
        ('Subsumes("A", "B")', True),
        ('Subsumes("B", "A")', False),
        ('SubsumedBy("B", "A")', True),
        ('Subsumes("A", "A")', True),
    ],
)
def test_codes_are_looked_up_in_whole_code_systems(cohort: Cohort, expression: str, expected: bool) -> None:
    """`elm:23.7`, `elm:23.12`: of code systems that are available as a whole."""
    assert logic(expression).values("X", executor(cohort)) == [expected] * 3


def test_code_systems_that_are_not_available_as_a_whole_are_errors(cohort: Cohort) -> None:
    with pytest.raises(EvaluationError, match="code system http://fragment is not available as a whole"):
        logic('"A" in "Part"').values("X", executor(cohort))


def test_a_value_set_given_to_the_run(cohort: Cohort) -> None:
    given = logic("Count([Observation: code in Unset])")
    assert given.values("X", executor(cohort, {"Unset": ValueSet(VALUE_SET)})) == [0, 1, 0]
    with pytest.raises(EvaluationError, match="value set http://gone is not available"):
        given.values("X", executor(cohort, {"Unset": ValueSet("http://gone")}))


def test_instances_are_found_missing_as_declared_ones_are() -> None:
    """Both are constants of the plan, whose value sets are looked up before a run."""
    for expression in ('"A" in "Gone"', "\"A\" in System.ValueSet { id: 'http://gone' }"):
        nodes = reachable([logic(expression).plan("X")])
        assert any(isinstance(node, Constant) and isinstance(node.value, ValueSet) for node in nodes), expression


def test_value_sets_that_only_data_name_are_errors_if_they_are_missing(cohort: Cohort) -> None:
    named = "System.ValueSet { id: if exists [Encounter] then 'http://gone' else 'http://other' }"
    for expression in (f'"A" in {named}', f"exists [Observation: code in {named}]"):
        run = executor(cohort)
        logic(expression).values("X", run)
        assert [(error.patient, error.message) for error in run.errors] == [
            (2, "value set http://gone is not available")
        ], expression


def test_expanding_a_missing_value_set_is_an_error(cohort: Cohort) -> None:
    with pytest.raises(EvaluationError, match="value set http://gone is not available"):
        logic('ExpandValueSet("Gone")').values("X", executor(cohort))


@pytest.mark.parametrize(
    ("terms", "found"),
    [
        ("'a'", [0, 1, 0]),
        ("{ 'a', 'c' }", [0, 1, 1]),
        ('{ "A", null }', [0, 1, 0]),
        ("null as String", [0, 0, 0]),
        ("Patient.id", [0, 0, 0]),
        ("First([Observation]).code", [0, 1, 1]),
    ],
)
def test_retrieves_filter_by_strings_and_by_codes_of_data(terms: str, found: list[int], cohort: Cohort) -> None:
    assert logic(f"Count([Observation: code in {terms}])").values("X", executor(cohort)) == found


def test_retrieves_by_what_is_no_code_are_errors(cohort: Cohort) -> None:
    with pytest.raises(EvaluationError, match="a retrieve cannot be filtered by int, which is no code"):
        logic("[Observation: code in 5]").values("X", executor(cohort))
