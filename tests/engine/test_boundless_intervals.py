"""Intervals of which both closed boundaries are null: all of their type (author's guide, "Operating on Intervals")."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecqm.data import Cohort
from ecqm.values import Date, Interval
from tests.data.resources import observation, patient
from tests.engine.logic import Logic, cohort_of

LOGIC = """
define First: First([Observation])
define Span: if First.effective is FHIR.Period then FHIRHelpers.ToInterval(First.effective as FHIR.Period)
  else null as Interval<DateTime>
define Day: First([Observation] O return Tuple { day: date from FHIRHelpers.ToDateTime(O.issued) } sort by day).day
define X: """


@pytest.fixture
def cohort(tmp_path: Path) -> Cohort:
    """A patient whose observation has no date, and one with dates."""
    span = {"start": "2026-05-01T00:00:00.000Z", "end": "2026-05-02T00:00:00.000Z"}
    dated = observation("b1", "b", effectivePeriod=span, issued="2026-05-02T00:00:00.000Z")
    return cohort_of(tmp_path, [patient("a"), observation("a1", "a")], [patient("b"), dated])


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("Interval[start of Span, end of Span] overlaps Interval[@2026-03-01T, @2026-04-01T]", [True, False]),
        ("start of Interval[start of Span, end of Span] = minimum DateTime", [True, False]),
        ("Interval[Day, Day + 10 days] includes @2026-05-03", [True, True]),
        ("Interval[Day, Day + 10 days) includes @2026-05-03", [None, True]),
        ("Interval[null as Integer, null as Integer] overlaps Interval[1, 9]", [True, True]),
        ("Interval(null as Integer, null as Integer) overlaps Interval[1, 9]", [None, None]),
        ("Interval[null, null] overlaps Interval[1, 9]", [None, None]),
    ],
)
def test_a_boundary_that_is_null_and_closed_bounds_nothing(
    source: str, expected: list[bool | None], cohort: Cohort
) -> None:
    assert Logic(LOGIC + source).values("X", cohort) == expected


def test_what_it_has_in_common_with_another_interval_is_that_interval(cohort: Cohort) -> None:
    may = Interval(Date(2026, 5, 1), Date(2026, 5, 9))
    source = "Interval[Day, Day + 10 days] intersect Interval[@2026-05-01, @2026-05-09]"
    assert Logic(LOGIC + source).values("X", cohort) == [may, Interval(Date(2026, 5, 2), may.high)]
