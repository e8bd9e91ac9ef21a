"""What a plan shows of the types of its values (`ecqm.plan.static_types`, `ecqm.plan.kinds`)."""

from __future__ import annotations

import pytest

from ecqm.plan.kinds import KindsOf
from ecqm.plan.nodes import reachable
from ecqm.plan.static_types import Shape, shape_of
from tests.engine.logic import Logic


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("[Encounter]", Shape.LIST),
        ("[Encounter] E where E.status = 'finished'", Shape.LIST),
        ("[Encounter] union [Encounter]", Shape.LIST),
        ("Interval[1, 2] union Interval[2, 3]", Shape.VALUE),
        ("(First([Encounter])) E return E.status", None),
        ("if Today() is null then null else [Encounter]", Shape.LIST),
        ("exists [Encounter]", Shape.TRUTH),
        ("Count([Encounter]) > 1 and Patient.active", Shape.TRUTH),
        ("Count([Encounter])", Shape.VALUE),
        ("{ a: 1 }", Shape.VALUE),
        ("First([Encounter])", None),
        ("null", None),
    ],
)
def test_the_plan_shows_whether_values_are_lists(expression: str, expected: Shape | None) -> None:
    assert shape_of(Logic(f"define X: {expression}").plan("X")) is expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("[Encounter] E where exists E.location", {"Encounter"}),
        ("([Encounter] E return E.location)", {"Encounter.Location"}),
        (
            "(flatten ([Claim] C return C.item)) I return { item: I, stay: First([Encounter]) }",
            {"Claim.Item", "Encounter"},
        ),
        ("Coalesce(First([Encounter]).period, First([Condition]).onset as FHIR.Period)", {"Period"}),
        ("Count([Encounter])", set()),
    ],
)
def test_fhir_types(expression: str, expected: set[str]) -> None:
    plan = Logic(f"define X: {expression}").plan("X")
    assert KindsOf(reachable([plan])).names(plan) - {"dateTime", "string"} == expected
