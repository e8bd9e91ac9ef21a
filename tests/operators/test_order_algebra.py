"""Laws that the operators of logic, comparison, time and intervals obey for all operands."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise, product
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ecqm.operators.registry import get
from ecqm.types import parse_type
from ecqm.values import Concept, CqlError, Date, DateTime, Interval, Quantity, Temporal
from ecqm.values.boundaries import end, start
from ecqm.values.equality import equal, equivalent
from ecqm.values.ordering import at_most, compare, less, same
from ecqm.values.temporal import PRECISIONS
from tests.operators import strategies

TRUTHS = (True, False, None)
moderately = settings(max_examples=150, deadline=None)


def call(name: str, *operands: Any, **attributes: Any) -> Any:
    return get(name).call(*operands, **attributes)


@pytest.mark.parametrize(("a", "b"), list(product(TRUTHS, TRUTHS)))
def test_laws_of_three_valued_logic(a: bool | None, b: bool | None) -> None:
    assert call("Not", call("And", a, b)) is call("Or", call("Not", a), call("Not", b))
    assert call("Implies", a, b) is call("Or", call("Not", a), b)
    both_ways = call("And", call("Or", a, b), call("Not", call("And", a, b)))
    assert call("Xor", a, b) is both_ways
    assert call("And", a, b) is call("And", b, a)


OPERANDS = ["List<Interval<Date>>", "Interval<Decimal>", "List<T>", "DateTime", "Quantity", "Ratio", "Concept", "Code"]


@moderately
@given(st.sampled_from(OPERANDS).map(parse_type).flatmap(lambda type_: st.tuples(*[strategies.of_type(type_)] * 2)))
def test_equality_and_equivalence_of_all_types(pair: tuple[Any, Any]) -> None:
    a, b = pair
    assert equal(a, b) is equal(b, a)
    assert equivalent(a, b) is equivalent(b, a)
    if a is None or b is None:
        assert equal(a, b) is None
    if not isinstance(a, Concept):  # a concept without codes is equivalent to nothing
        assert equivalent(a, a)
        assert equivalent(a, b) or equal(a, b) is not True


@moderately
@given(strategies.pairs_of_points())
def test_order_has_a_dual_and_agrees_with_equality(pair: tuple[Any, Any]) -> None:
    a, b = pair
    assert call("Less", a, b) is call("Greater", b, a)
    assert call("LessOrEqual", a, b) is call("GreaterOrEqual", b, a)
    assert call("Less", a, b) is call("Not", call("GreaterOrEqual", a, b))
    assert call("NotEqual", a, b) is call("Not", call("Equal", a, b))
    assert call("LessOrEqual", a, b) is call("Or", call("Less", a, b), call("Equal", a, b))
    if equal(a, b) is True:
        assert equivalent(a, b)


@moderately
@given(st.tuples(strategies.datetimes(), strategies.datetimes()), st.sampled_from(PRECISIONS))
def test_temporal_relations_at_a_precision(pair: tuple[DateTime, DateTime], precision: str) -> None:
    a, b = pair
    before, after = call("Before", a, b, precision=precision), call("After", a, b, precision=precision)
    assert before is call("After", b, a, precision=precision)
    assert call("SameOrBefore", a, b, precision=precision) is call("Not", after)
    one_of_three = (before, after, call("SameAs", a, b, precision=precision))
    assert one_of_three.count(True) == 1 or one_of_three == (None, None, None)


@moderately
@given(strategies.dates(), strategies.dates())
def test_what_differs_at_a_precision_differs_at_every_finer_one(a: Date, b: Date) -> None:
    for coarse, fine in pairwise(PRECISIONS[:3]):
        if compare(a, b, coarse) in (-1, 1):
            assert compare(a, b, fine) == compare(a, b, coarse)
        if compare(a, b, fine) == 0:
            assert compare(a, b, coarse) == 0


@moderately
@given(st.one_of(strategies.dates(), strategies.datetimes(), strategies.times()))
def test_bounds_enclose_and_steps_are_inverse(point: Temporal) -> None:
    assert at_most(point.low(), point.high()) is True
    assert point.low(point.precision) == point == point.high(point.precision)
    try:
        later = call("Successor", point)
    except CqlError:
        return
    assert less(point, later) is True
    assert call("Predecessor", later) == point


@moderately
@given(strategies.dates(complete=True), strategies.dates(complete=True), st.sampled_from(["year", "month", "day"]))
def test_adding_a_duration_back_reaches_but_does_not_pass(a: Date, b: Date, unit: str) -> None:
    assume(a.ordinal() <= b.ordinal())
    count = call("DurationBetween", a, b, precision=unit)
    difference = call("DifferenceBetween", a, b, precision=unit)
    assert 0 <= count <= difference <= count + 1
    reached = call("Add", a, Quantity(Decimal(count), unit))
    assert at_most(reached, b) is True


@moderately
@given(strategies.pairs_of_intervals())
def test_interval_relations_have_duals(pair: tuple[Interval, Interval]) -> None:
    a, b = pair
    assert call("Before", a, b) is call("After", b, a)
    assert call("Overlaps", a, b) is call("Overlaps", b, a)
    assert call("Includes", a, b) is call("IncludedIn", b, a)
    assert call("ProperIncludes", a, b) is call("ProperIncludedIn", b, a)
    assert call("SameOrBefore", a, b) is call("SameOrAfter", b, a)
    if call("Before", a, b) is True:
        assert call("Overlaps", a, b) is False
    if call("Starts", a, b) is True or call("Ends", a, b) is True:
        assert call("IncludedIn", a, b) is True


@moderately
@given(strategies.pairs_of_complete_intervals())
def test_meeting_is_mutual(pair: tuple[Interval, Interval]) -> None:
    a, b = pair
    assert call("Meets", a, b) is call("Meets", b, a)
    assert call("MeetsBefore", a, b) is call("MeetsAfter", b, a)
    if call("Meets", a, b) is True:
        assert call("Overlaps", a, b) is False


@moderately
@given(strategies.pairs_of_complete_intervals())
def test_union_and_intersection_of_intervals(pair: tuple[Interval, Interval]) -> None:
    a, b = pair
    assert equivalent(call("Union", a, b), call("Union", b, a))
    assert equivalent(call("Intersect", a, b), call("Intersect", b, a))
    together, shared = call("Union", a, b), call("Intersect", a, b)
    if together is not None:
        assert call("Includes", together, a) is not False
    if shared is not None:
        assert call("IncludedIn", shared, a) is not False
        assert call("IncludedIn", shared, b) is not False


@moderately
@given(st.integers(-3, 6), st.tuples(*[strategies.intervals(strategies.integers, bounded=True)] * 2))
def test_set_operations_by_their_members(point: int, pair: tuple[Interval, Interval]) -> None:
    a, b = pair
    in_a, in_b = call("In", point, a), call("In", point, b)
    together, shared, left = call("Union", a, b), call("Intersect", a, b), call("Except", a, b)
    if together is not None:
        assert call("In", point, together) is (in_a or in_b)
    assert call("In", point, shared) is (in_a and in_b)
    if left is not None:
        assert call("In", point, left) is (in_a and not in_b)


@moderately
@given(st.lists(strategies.intervals(strategies.integers, bounded=True), max_size=5))
def test_collapse_covers_the_same_points_and_is_idempotent(source: list[Interval]) -> None:
    merged = call("Collapse", tuple(source))
    assert call("Collapse", merged) == merged
    for point in range(-4, 8):
        assert any(call("In", point, one) for one in merged) is any(call("In", point, one) for one in source)
    for one, following in pairwise(merged):
        assert call("Before", one, following) is True
        assert call("Meets", one, following) is False
    assert call("Expand", merged) == tuple(
        Interval(p, p) for p in range(-4, 8) if any(call("In", p, i) for i in source)
    )


@moderately
@given(st.one_of([strategies.intervals(kind) for kind in strategies.kinds()]))
def test_an_interval_and_its_boundaries(interval: Interval) -> None:
    first, last = start(interval), end(interval)
    assume(first is None or last is None or at_most(first, last) is not False)
    if first is not None and not isinstance(first, DateTime):
        assert call("In", first, interval) in (True, None)
    if first is not None and last is not None:
        assert same(first, first) is True
        assert call("SameAs", interval, Interval(first, last)) is True
