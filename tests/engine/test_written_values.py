"""Equal values that are written differently, and values of several types in one column: what the other rows hold, and
the other patients, does not show in the result."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ecqm.data import Cohort
from tests.data.resources import observation, patient
from tests.engine.logic import Logic, cohort_of


def measured(id_: str, of: str, value: float) -> dict[str, Any]:
    return observation(id_, of, status="final", valueQuantity={"value": value, "code": "%"})


@pytest.fixture
def cohort(tmp_path: Path) -> Cohort:
    return cohort_of(
        tmp_path,
        [patient("a"), measured("a1", "a", 7.5)],
        [patient("b"), measured("b1", "b", 9.125), measured("b2", "b", 4)],
    )


def first(source: str, cohort: Cohort) -> Any:
    return Logic(f"define X: {source}").values("X", cohort)[0]


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ("{ 1 'g', 1000 'mg', 2 'g' }", 2),
        ("{ 1.5, 1.50, 2.0 }", 2),
        ("{ @2026-01-01T00:00:00.000+00:00, @2026-01-01T01:00:00.000+01:00 }", 1),
        ("{ @2026-01, @2026-01-01, @2026-01 }", 2),
        ("{ Interval[1, 3], Interval[1, 4), Interval[1, 4] }", 2),
        ("{ Tuple { a: 1 'g' }, Tuple { a: 1000 'mg' } }", 1),
        ("{ Tuple { a: 1.0, b: 1 }, Tuple { a: 1.00, b: 1 }, Tuple { a: 1.0, b: 2 } }", 2),
        ("{ Tuple { a: 1, b: 2 }, Tuple { b: 2, a: 1 } }", 1),
        ("{ Tuple { a: 1, b: null }, Tuple { a: 1, b: null as Integer }, Tuple { a: 1, b: 2 } }", 2),
        ("{ Tuple { a: 1 }, Tuple { a: 1.0 }, Tuple { a: 'x' } }", 2),
        ("{ { 1.0, 2.0 }, { 1.00, 2.0 }, { 1.0 } }", 2),
        ("{ 1 as Choice<Integer, Decimal>, 1.0 as Choice<Integer, Decimal>, '1' as Choice<Integer, String> }", 2),
        ("{ @2026-01-01 as Choice<Date, DateTime>, @2026-01-01T as Choice<Date, DateTime> }", 1),
        ("{ 1, null, null, 1 }", 2),
    ],
)
def test_distinct_goes_by_equality(source: str, count: int, cohort: Cohort) -> None:
    assert len(first(f"distinct ({source})", cohort)) == count
    assert len(first(f"({source}) X return distinct X", cohort)) == count
    assert first(f"({source}) X aggregate distinct N starting 0: N + 1", cohort) == count


def test_the_clock_of_an_instant_is_kept(cohort: Cohort) -> None:
    instants = "({ @2026-01-01T00:00:00.000+00:00, @2026-01-01T01:00:00.000+01:00 })"
    assert first(f"{instants} X return all timezoneoffset from X", cohort) == (0, 1)
    assert first(f"{instants} X return all ToString(X)", cohort) == (
        "2026-01-01T00:00:00.000+00:00",
        "2026-01-01T01:00:00.000+01:00",
    )


def test_the_digits_of_a_decimal_are_kept(cohort: Cohort) -> None:
    assert first("({ 1.50, 1.5, 2.000 }) X return all Precision(X)", cohort) == (2, 1, 3)
    assert first("({ 1.50, 1.5 }) X return all ToString(X)", cohort) == ("1.50", "1.5")
    assert first("ToString(99999999999999999999.5) + ToString(10 / 4)", cohort) == "99999999999999999999.52.5"


def test_the_digits_of_a_decimal_are_its_own(cohort: Cohort) -> None:
    logic = Logic(
        """
        define Value: [Observation] O return all (O.value as FHIR.Quantity).value.value
        define Text: Value V return all ToString(V)
        define Most: Value V return all HighBoundary(V, 4)
        """
    )
    assert logic.values("Text", cohort) == [("7.5",), ("9.125", "4.0")]
    assert logic.values("Most", cohort) == [(Decimal("7.5999"),), (Decimal("9.1259"), Decimal("4.9999"))]


def test_equal_values_rank_alike(cohort: Cohort) -> None:
    sorted_ = first("({ Tuple { a: 1 'g', b: 2 }, Tuple { a: 1000 'mg', b: 1 } }) T sort by a, b", cohort)
    assert [row["b"] for row in sorted_] == [1, 2]


def test_lists_and_intervals_of_several_types(cohort: Cohort) -> None:
    lists = "(if V > 8 then { 1 } else { 'a' })"
    choice = "Choice<List<Integer>, List<String>>"
    intervals = "(if V > 8 then Interval[1, 2] else Interval[@2026-01-01, null])"
    spans = "Choice<Interval<Integer>, Interval<Date>>"
    logic = Logic(
        f"""
        define Value: [Observation] O return all (O.value as FHIR.Quantity).value.value
        define Lists: Value V return all ({lists} as {choice}) is List<Integer>
        define Numbers: Value V return all (({lists} as {choice}) as List<Integer>)[0] + 1
        define Spans: Value V return all ({intervals} as {spans}) is Interval<Date>
        define Start: Value V return all start of (({intervals} as {spans}) as Interval<Integer>)
        """
    )
    assert logic.values("Lists", cohort) == [(False,), (True, False)]
    assert logic.values("Numbers", cohort) == [(None,), (2, None)]
    assert logic.values("Spans", cohort) == [(True,), (False, True)]
    assert logic.values("Start", cohort) == [(None,), (1, None)]


@pytest.mark.parametrize(
    ("type_", "fits"),
    [
        ("Tuple { a System.Integer, b System.String }", True),
        ("Tuple { b System.String, a System.Integer }", True),
        ("Tuple { a Choice<System.Integer, System.Date>, b System.String }", True),
        ("Tuple { a System.String, b System.String }", False),
        ("Tuple { a System.Integer }", False),
        ("Tuple { a System.Integer, c System.String }", False),
    ],
)
def test_tuples_are_of_a_type_by_the_names_and_types_of_their_elements(type_: str, fits: bool, cohort: Cohort) -> None:
    """Tuple types are structural: whoever declares the same elements declares the same type (ELM 22.18, Is)."""
    value = "(Tuple { a: 1, b: 'x' } as System.Any)"
    assert first(f"{value} is {type_}", cohort) is fits
    assert (first(f"{value} as {type_}", cohort) is not None) is fits


def test_tuples_of_several_types_in_one_column(cohort: Cohort) -> None:
    tuples = "Tuple { a: (if V > 8 then 1 else 'a') as Choice<System.Integer, System.String> }"
    logic = Logic(
        f"""
        define Value: [Observation] O return all (O.value as FHIR.Quantity).value.value
        define Numbers: Value V return all (({tuples} as System.Any) as Tuple {{ a System.Integer }}).a
        """
    )
    assert logic.values("Numbers", cohort) == [(None,), (1, None)]


def test_intervals_of_several_types_beside_points(cohort: Cohort) -> None:
    """As onsets are that some patients have as Period, others as Range or date."""
    onset = "(if V > 9 then 'then' else if V > 7 then Interval[1, 2] else Interval[@2026-01-01, null])"
    choice = "Choice<String, Interval<Integer>, Interval<Date>>"
    logic = Logic(
        f"""
        define Value: [Observation] O return all (O.value as FHIR.Quantity).value.value
        define Spans: Value V return all ({onset} as {choice}) is Interval<Date>
        define Numbers: Value V return all start of (({onset} as {choice}) as Interval<Integer>)
        """
    )
    assert logic.values("Spans", cohort) == [(False,), (False, True)]
    assert logic.values("Numbers", cohort) == [(1,), (None, None)]


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("1.50", "1.50"),
        ("1.50 + 1.50", "3.0"),
        ("Log(100.0, 10.0)", "2.0"),
        ("Exp(-100.0)", "0.0"),
        ("2.0 / 4.0", "0.5"),
    ],
)
def test_results_have_the_digits_that_they_need(source: str, text: str, cohort: Cohort) -> None:
    assert first(f"ToString({source})", cohort) == text
