"""Criteria find the definitions that they name."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ecqm.measures.definition import MeasureError
from ecqm.measures.definition.binding import bind_expressions, criteria_in_cql
from tests.measures.resources import criteria, group, measure, population

EXAMPLE = measure(
    group(
        "cohort",
        population("initial-population", "Encounter with Fall"),
        stratifier=[{"id": "s", "criteria": criteria("Stratum")}],
    ),
    supplementalData=[{"criteria": criteria("sde sex")}, {"criteria": criteria("SDE Payer")}],
)


def test_names_that_differ_in_capitals_are_taken_and_told() -> None:
    bound = bind_expressions(EXAMPLE, ["Encounter With Fall", "Stratum", "SDE Sex"])
    assert bound.expressions == ("Encounter With Fall", "Stratum", "SDE Sex", "SDE Payer")
    assert len(bound.problems) == 2 and "'Encounter With Fall'" in bound.problems[0]
    exact = bind_expressions(EXAMPLE, EXAMPLE.expressions)
    assert exact == EXAMPLE


def test_names_that_are_not_defined_are_an_error() -> None:
    with pytest.raises(MeasureError, match="'Stratum' \\(did you mean 'Stratum 1'"):
        bind_expressions(EXAMPLE, ["Encounter with Fall", "Stratum 1"])
    with pytest.raises(MeasureError, match="'Encounter with Fall'"):
        bind_expressions(EXAMPLE, ["Encounter With Fall", "encounter with fall", "Stratum"])


def test_names_are_taken_as_cql_writes_them() -> None:
    def named(expression: str) -> str:
        written = measure(group("cohort", population("initial-population", expression)))
        return bind_expressions(written, ["Fall", "In Patient"], "Falls").groups[0].populations[0].expression

    assert [named(text) for text in ('"In Patient"', 'Falls."In Patient"', "Falls.Fall", '"Falls".Fall')] == [
        "In Patient",
        "In Patient",
        "Fall",
        "Fall",
    ]
    with pytest.raises(MeasureError, match=r"'Other\.Fall'"):
        named("Other.Fall")
    with pytest.raises(MeasureError, match="exists"):
        named("exists Fall")


def test_what_is_more_than_a_name_is_an_expression() -> None:
    texts = ("Fall", "in patient", 'Falls."In Patient"', "exists Fall", "Other.Fall", "exists Named")
    written = measure(*(group("cohort", population("initial-population", text), id=text) for text in texts))
    written = replace(written, in_cql=frozenset(texts) - {"exists Named"})
    assert criteria_in_cql(written, ["Fall", "In Patient"], "Falls") == ("exists Fall", "Other.Fall")
    defined = ["Fall", "In Patient", "exists Fall", "Other.Fall", "exists Named"]
    assert criteria_in_cql(written, defined, "Falls") == ()
    bound = bind_expressions(written, defined, "Falls")
    assert [each.populations[0].expression for each in bound.groups][2:5] == ["In Patient", "exists Fall", "Other.Fall"]
