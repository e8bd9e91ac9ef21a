"""The types of the values that a plan compares (`ecqm.plan.compared`)."""

from __future__ import annotations

import pytest

from ecqm.plan.compared import compared_types
from ecqm.plan.nodes import reachable
from tests.engine.logic import Logic


def compared(expression: str) -> frozenset[str]:
    return compared_types(reachable([Logic(f"define X: {expression}").plan("X")]))


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("[Encounter] E return E.location", {"Encounter.Location"}),
        ("[Encounter] E return all E.location", set()),
        ("flatten ([Encounter] E return all E.location)", set()),
        ("distinct flatten ([Encounter] E return all E.location)", {"Encounter.Location"}),
        ("from [Encounter] E, [Condition] C return all E.location", set()),
        ("[Encounter] E return { at: E.location, stay: E }", {"Encounter.Location", "Encounter"}),
        ("First([Encounter]).location union Last([Encounter]).location", {"Encounter.Location"}),
        ("[Encounter] E where First(E.location) in E.location return all E", {"Encounter.Location"}),
        ("First([Encounter]).location[0] = First([Encounter]).location[1]", {"Encounter.Location"}),
        ("[Encounter] E where First(E.location) = First(E.diagnosis) return all E", set()),
        ("[Encounter] E where E.period.start during Interval[@2026-01-01T00, @2026-12-31T00] return all E", set()),
        ("[Encounter] E where exists E.location return all E", set()),
        ("([Encounter] E aggregate distinct R starting 0: R + 1)", {"Encounter"}),
        ("([Encounter] E return all E.location) L return { at: L }.at", {"Encounter.Location"}),
    ],
)
def test_the_values_that_operators_compare(expression: str, expected: set[str]) -> None:
    primitive = {"dateTime", "string"}
    assert compared(expression) - primitive == expected


def test_choices_are_compared_where_both_sides_may_have_the_type() -> None:
    assert "Quantity" in compared("First([Observation]).value = Last([Observation]).value")
    assert "SampledData" in compared("First([Observation]).value ~ Last([Observation]).value")
