"""Queries over small cohorts: nesting, joins, sorting, aggregates, and where things are evaluated."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ecqm.columns import Column, Rows
from ecqm.data import Cohort
from ecqm.engine import Executor
from ecqm.engine import executor as engine
from ecqm.engine.frame import Frame
from ecqm.plan.nodes import Call, Variable
from ecqm.values import Date, Tuple
from tests.data.resources import Json, encounter, observation, patient
from tests.engine.logic import Logic, cohort_of


def visit(id_: str, of: str, month: int, **elements: Any) -> Json:
    day = f"2026-{month:02}-10"
    return encounter(id_, of, period={"start": f"{day}T08:00:00Z", "end": f"{day}T09:00:00Z"}, **elements)


def result(id_: str, of: str, month: int, value: float | None = None, **elements: Any) -> Json:
    measured = {} if value is None else {"valueQuantity": {"value": value, "code": "%"}}
    return observation(
        id_, of, status="final", effectiveDateTime=f"2026-{month:02}-10T08:30:00Z", **measured, **elements
    )


@pytest.fixture
def cohort(tmp_path: Path) -> Cohort:
    """a: visits in months 1, 3 and 5, results in 3 and 6; b: a visit and a result in month 2; c: neither."""
    return cohort_of(
        tmp_path,
        [
            patient("a"),
            visit("a3", "a", 3),
            visit("a1", "a", 1),
            visit("a5", "a", 5, status="planned"),
            result("ra3", "a", 3, 7.5),
            result("ra6", "a", 6),
        ],
        [patient("b"), visit("b2", "b", 2), result("rb2", "b", 2, 9.1)],
        [patient("c")],
    )


def visits(*ids: str) -> tuple[str, ...]:
    return tuple(f"Encounter/{id_}" for id_ in ids)


def test_where_and_return(cohort: Cohort) -> None:
    logic = Logic(
        """
        define Finished: [Encounter] E where E.status = 'finished'
        define Months: [Encounter] E return month from start of E.period
        define Distinct: [Encounter] E return E.status
        define Repeated: [Encounter] E return all E.status
        """
    )
    assert logic.values("Finished", cohort) == [visits("a3", "a1"), visits("b2"), ()]
    assert logic.values("Months", cohort) == [(3, 1, 5), (2,), ()]
    assert logic.values("Distinct", cohort) == [("finished", "planned"), ("finished",), ()]
    assert logic.values("Repeated", cohort) == [("finished", "finished", "planned"), ("finished",), ()]


def test_a_query_is_null_if_all_of_its_sources_are(cohort: Cohort) -> None:
    """Developer's Guide, Non-Retrieve Queries: one source that is null makes a query over others empty, not null."""
    logic = Logic(
        """
        define Visit: First([Encounter])
        define Result: First([Observation])
        define Both: from Visit V, [Observation] O return O.id
        define Singles: from Visit V, Result R return V.id
        define Nothing: from (null as Integer) A, (null as List<Integer>) B return A
        define Something: from (null as Integer) A, ({ 1, 2 }) B return B
        """
    )
    assert logic.values("Both", cohort) == [("ra3", "ra6"), ("rb2",), ()]
    assert logic.values("Singles", cohort) == ["a3", "b2", None]
    assert logic.values("Nothing", cohort) == [None] * 3
    assert logic.values("Something", cohort) == [()] * 3


def test_exists_does_not_count_elements_that_are_null(cohort: Cohort) -> None:
    """CQL reference, Exists: also where a query goes over resources, and over several lists."""
    logic = Logic(
        """
        define First: { First([Encounter]) }
        define Some: exists (First E where Count([Encounter]) >= 0)
        define Pairs: exists (from First E, ({ 1, 2 }) N where N > 1 return E)
        define Numbers: exists (from First E, ({ 1, 2 }) N where N > 1 return N)
        """
    )
    assert logic.values("Some", cohort) == logic.values("Pairs", cohort) == [True, True, False]
    assert logic.values("Numbers", cohort) == [True, True, True]


def test_sort_is_stable_by_one_key_or_several(cohort: Cohort) -> None:
    logic = Logic(
        """
        define Ascending: [Encounter] E sort by start of period
        define Descending: [Encounter] E sort by start of period desc
        define Tuples: ([Encounter] E return Tuple { m: month from start of E.period, s: E.status }) T sort by s, m desc
        define Last: Last([Encounter] E sort by start of period)
        define Alike: [Encounter] E sort by status
        define AlikeDescending: [Encounter] E sort by status desc
        define Plain: ({ 3, 1, 2, null }) N sort asc
        define PlainDescending: ({ 3, 1, 2, null }) N sort desc
        """
    )
    assert logic.values("Ascending", cohort) == [visits("a1", "a3", "a5"), visits("b2"), ()]
    assert logic.values("Descending", cohort) == [visits("a5", "a3", "a1"), visits("b2"), ()]
    assert logic.values("Tuples", cohort)[0] == (
        Tuple(m=3, s="finished"),
        Tuple(m=1, s="finished"),
        Tuple(m=5, s="planned"),
    )
    assert logic.values("Last", cohort) == ["Encounter/a5", "Encounter/b2", None]
    # a3 comes before a1 in the data.
    assert logic.values("Alike", cohort)[0] == visits("a3", "a1", "a5")
    assert logic.values("AlikeDescending", cohort)[0] == visits("a5", "a3", "a1")
    # Nulls are lowest.
    assert logic.values("Plain", cohort)[0] == (None, 1, 2, 3)
    assert logic.values("PlainDescending", cohort)[0] == (3, 2, 1, None)


def test_with_and_without(cohort: Cohort) -> None:
    logic = Logic(
        """
        define Measured: [Encounter] E with [Observation] O such that O.effective during E.period
        define Unmeasured: [Encounter] E without [Observation] O such that O.effective during E.period
        define Unmatched: [Encounter] E without [Observation] O such that O.status = 'unknown'
        """
    )
    assert logic.values("Measured", cohort) == [visits("a3"), visits("b2"), ()]
    assert logic.values("Unmeasured", cohort) == [visits("a1", "a5"), (), ()]
    assert logic.values("Unmatched", cohort) == [visits("a3", "a1", "a5"), visits("b2"), ()]


def test_self_join(cohort: Cohort) -> None:
    """Both sources are the same list; the elements of the one inside are not those of the one outside."""
    logic = Logic(
        """
        define Later: [Encounter] E with [Encounter] F such that F.period starts after end of E.period
        define Latest: [Encounter] E where not exists ([Encounter] F where F.period starts after end of E.period)
        define Pairs: from [Encounter] E, [Encounter] F where start of E.period < start of F.period
          return Tuple { a: month from start of E.period, b: month from start of F.period }
        """
    )
    assert logic.values("Later", cohort) == [visits("a3", "a1"), (), ()]
    assert logic.values("Latest", cohort) == [visits("a5"), visits("b2"), ()]
    assert logic.values("Pairs", cohort) == [(Tuple(a=3, b=5), Tuple(a=1, b=3), Tuple(a=1, b=5)), (), ()]


def test_nested_queries(cohort: Cohort) -> None:
    logic = Logic(
        """
        define Counted: [Encounter] E
          return all Count([Observation] O where O.effective on or after start of E.period)
        define Deep: [Encounter] E
          where exists (
            [Observation] O
              where exists ([Encounter] F where F.period starts after O.effective and F.status = E.status)
          )
        """
    )
    assert logic.values("Counted", cohort) == [(2, 2, 1), (1,), ()]
    assert logic.values("Deep", cohort) == [visits("a5"), (), ()]


def test_several_sources_are_combined(cohort: Cohort) -> None:
    logic = Logic(
        """
        define Both: from [Encounter] E, [Observation] O
          return Tuple { e: month from start of E.period, o: O.effective as FHIR.dateTime }
        define Number: Count(Both)
        define Unnamed: from ({ 1, 2 }) X, ({ 'p', 'q' }) Y
        define WithLet: [Encounter] E let m: month from start of E.period where m > 1 return m * m + m
        """
    )
    assert logic.values("Number", cohort) == [6, 1, 0]
    assert set(logic.values("Unnamed", cohort)[0]) == {Tuple(X=x, Y=y) for x in (1, 2) for y in ("p", "q")}
    assert logic.values("WithLet", cohort) == [(12, 30), (6,), ()]


def test_single_values_as_sources(cohort: Cohort) -> None:
    logic = Logic(
        """
        define One: (First([Encounter] E sort by start of period)) E return month from start of E.period
        define Left: (5) X where X > 6
        """
    )
    assert logic.values("One", cohort) == [1, 2, None]
    assert logic.values("Left", cohort) == [None, None, None]


def test_aggregate(cohort: Cohort) -> None:
    logic = Logic(
        """
        define Total: [Encounter] E aggregate T starting 100: T + month from start of E.period
        define Digits: ({ 1, 2, 3 }) N aggregate R starting 0: R * 10 + N
        define Unstarted: ({ 1, 2, 3 }) N aggregate R: Coalesce(R, 0) + N
        """
    )
    assert logic.values("Total", cohort) == [109, 102, 100]
    assert logic.values("Digits", cohort) == [123] * 3
    assert logic.values("Unstarted", cohort) == [6] * 3


def test_choice_elements(tmp_path: Path) -> None:
    cohort = cohort_of(
        tmp_path,
        [patient("a"), result("q", "a", 1, 8.2), result("t", "a", 1) | {"valueString": "high"}, result("n", "a", 1)],
    )
    logic = Logic(
        """
        define Numbers: [Observation] O where O.value is FHIR.Quantity return (O.value as FHIR.Quantity).value.value
        define Texts: [Observation] O return all (O.value as FHIR.string).value
        define Absent: Count([Observation] O where O.value is null)
        """
    )
    assert [str(value) for value in logic.values("Numbers", cohort)[0]] == ["8.2"]
    assert logic.values("Texts", cohort) == [(None, "high", None)]
    assert logic.values("Absent", cohort) == [1]


class Spy:
    """Counts on how many rows each operator was evaluated, each time that it was."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.rows: dict[str, list[int]] = {}
        original = engine._EVALUATORS[Call]

        def counting(executor: Executor, node: Call, frame: Frame) -> Column:
            self.rows.setdefault(node.operator, []).append(frame.n)
            return original(executor, node, frame)

        monkeypatch.setitem(engine._EVALUATORS, Call, counting)


def test_what_depends_on_no_patient_is_evaluated_once(cohort: Cohort, monkeypatch: pytest.MonkeyPatch) -> None:
    spy = Spy(monkeypatch)
    logic = Logic("define Since: [Encounter] E where month from start of E.period > 12 div 5")
    assert logic.values("Since", cohort) == [visits("a3", "a5"), (), ()]
    assert spy.rows["TruncatedDivide"] == [1]
    assert spy.rows["Start"] == [4]


def test_what_depends_on_no_alias_is_evaluated_per_patient(cohort: Cohort, monkeypatch: pytest.MonkeyPatch) -> None:
    spy = Spy(monkeypatch)
    logic = Logic("define Many: [Encounter] E where Count([Observation] O) * 2 > 3")
    assert logic.values("Many", cohort) == [visits("a3", "a1", "a5"), (), ()]
    assert spy.rows["Count"] == [3]
    assert spy.rows["Multiply"] == [3]


def test_equal_parts_are_evaluated_once(cohort: Cohort, monkeypatch: pytest.MonkeyPatch) -> None:
    spy = Spy(monkeypatch)
    logic = Logic(
        """
        define One: [Encounter] E where month from start of E.period > 2
        define Other: [Encounter] F where month from start of F.period > 4 return F.status
        """
    )
    executor = logic.executor(cohort)
    logic.values("One", executor)
    logic.values("Other", executor)
    assert spy.rows["DateTimeComponentFrom"] == [4]


@pytest.mark.parametrize("limit", [1, 2, 3, 7])
def test_pairs_in_chunks_of_any_size(cohort: Cohort, limit: int) -> None:
    logic = Logic(
        """
        define Later: [Encounter] E with [Encounter] F such that F.period starts after end of E.period
        define Unmeasured: [Encounter] E without [Observation] O such that O.effective during E.period
        define Measured: [Encounter] E where exists ([Observation] O where O.effective during E.period)
        define Counted: [Encounter] E
          return all Count([Observation] O where O.effective on or after start of E.period)
        """
    )
    for name in ("Later", "Unmeasured", "Measured", "Counted"):
        chunked = logic.executor(cohort, pair_limit=limit)
        assert logic.values(name, chunked) == logic.values(name, cohort)


def test_pairs_of_one_row_in_chunks(cohort: Cohort, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []
    product = Frame.product

    def recorded(self: Frame, base: Frame, up: Rows, elements: Rows, own: frozenset[Variable]) -> Frame:
        sizes.append(len(up))
        return product(self, base, up, elements, own)

    monkeypatch.setattr(Frame, "product", recorded)
    # `expand` may raise an error, so that it is evaluated on the rows that need it.
    logic = Logic(
        """
        define Equal: Count(from (expand Interval[1, 40]) A, (expand Interval[1, 40]) B where A = B)
        define Followed: Count((expand Interval[1, 40]) A where exists ((expand Interval[1, 40]) B where B = A + 1))
        define Added: from (expand Interval[1, 40]) A, (expand Interval[1, 40]) B aggregate S starting 0: S + 1
        """
    )
    for name, expected in (("Equal", 40), ("Followed", 39), ("Added", 1600)):
        assert set(logic.values(name, logic.executor(cohort, pair_limit=100))) == {expected}
    assert max(sizes) <= 140


def test_lists_that_are_the_same_for_all_patients(cohort: Cohort) -> None:
    logic = Logic(
        """
        define Months: [Encounter] E return month from start of E.period
        define Chosen: ({ 1, 2, 3, 4 }) N where N in Months
        define Nested: ({ { 1, 2 }, { 3 } }) L return (L N where N in Months)
        define Pairs: from ({ 1, 2 }) N, Months M where exists (Months X where X > N + 1) return all N * 10 + M
        define Twice: ({ 1, 2 }) N return (Months M where M > N)
        """
    )
    assert logic.values("Chosen", cohort) == [(1, 3), (2,), ()]
    assert logic.values("Nested", cohort) == [((1,), (3,)), ((2,), ()), ((),)]
    assert logic.values("Pairs", cohort) == [(13, 11, 15, 23, 21, 25), (), ()]
    assert logic.values("Twice", cohort) == [((3, 5),), ((2,), ()), ((),)]


def test_quantities_are_sorted_across_units(tmp_path: Path) -> None:
    def measured(id_: str, of: str, value: float | None, unit: str) -> Json:
        return observation(id_, of, **({} if value is None else {"valueQuantity": {"value": value, "code": unit}}))

    heavy = [("a", 2, "kg"), ("b", 500, "g"), ("c", None, ""), ("d", 1.5, "kg"), ("e", 1500, "g")]
    mixed = [("f", 3, "%"), ("g", 1, "kg"), ("h", 1, "%"), ("i", 2, "g")]
    cohort = cohort_of(
        tmp_path,
        [patient("p"), *(measured(id_, "p", value, unit) for id_, value, unit in heavy)],
        [patient("q"), *(measured(id_, "q", value, unit) for id_, value, unit in mixed)],
    )
    logic = Logic(
        """
        define Measured: [Observation] O
          return Tuple { id: O.id.value, q: FHIRHelpers.ToQuantity(O.value as FHIR.Quantity) }
        define X: Measured T sort by q
        """
    )
    found = [[element["id"] for element in elements] for elements in logic.values("X", cohort)]
    # What cannot be compared is in the order of its dimensions: none, then mass.
    assert found == [["c", "b", "d", "e", "a"], ["h", "f", "i", "g"]]


def test_choices_are_sorted_as_the_type_that_can_be_compared(tmp_path: Path) -> None:
    times: list[dict[str, Any]] = [
        {"effectiveDateTime": "2026-03-01T08:00:00.000Z"},
        {"effectivePeriod": {"start": "2026-02-01T08:00:00.000Z"}},
        {"effectiveDateTime": "2026-01-01T08:00:00.000Z"},
        {"effectiveInstant": "2026-02-15T08:00:00.000Z"},
        {},
    ]
    cohort = cohort_of(
        tmp_path, [patient("p"), *(observation(f"o{place}", "p", **time) for place, time in enumerate(times))]
    )
    logic = Logic(
        """
        define Ascending: [Observation] O sort by effective
        define Descending: [Observation] O sort by effective desc
        define Mixed: ({ 'b', 2, @2026, 'a', 1.5, @2025-01-01 }) X sort asc
        """
    )
    # A period is like a null, which comes first.
    assert logic.values("Ascending", cohort) == [tuple(f"Observation/o{place}" for place in (1, 4, 2, 3, 0))]
    assert logic.values("Descending", cohort) == [tuple(f"Observation/o{place}" for place in (0, 3, 2, 1, 4))]
    assert logic.values("Mixed", cohort) == [(Decimal("1.5"), 2, Date(2025, 1, 1), Date(2026), "a", "b")]
