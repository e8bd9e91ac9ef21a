"""Laws of arithmetic and aggregation, over small and extreme numbers."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ecqm.operators import registry
from ecqm.values import Long, Quantity, Uncertainty
from ecqm.values.numbers import MAX_DECIMAL, MAX_INTEGER, MAX_LONG, MIN_INTEGER, MIN_LONG
from ecqm.values.ordering import at_most
from tests.operators.notation import is_identical

integers = st.integers(MIN_INTEGER, MAX_INTEGER) | st.integers(-3, 3)
longs = (st.integers(MIN_LONG, MAX_LONG) | st.integers(-3, 3)).map(Long)
decimals = st.decimals(-MAX_DECIMAL, MAX_DECIMAL, places=8) | st.decimals(-10, 10, places=2)
numbers = integers | longs | decimals
pairs = st.tuples(integers, integers) | st.tuples(longs, longs) | st.tuples(decimals, decimals)
small = st.integers(-50, 50)
uncertain = st.tuples(small, small).map(lambda ends: Uncertainty.between(min(ends), max(ends)))
units = st.sampled_from(["mg", "g", "kg", "ug"])
quantities = st.builds(Quantity, st.decimals(-1000, 1000, places=2), units)
few_decimals = st.lists(st.decimals(-1000, 1000, places=2) | st.none(), max_size=8)


def call(name: str, *operands: Any) -> Any:
    return registry.get(name).call(*operands)


def inside(value: Any, bounds: Any) -> bool:
    low, high = (bounds.low, bounds.high) if isinstance(bounds, Uncertainty) else (bounds, bounds)
    return bool(low <= value <= high)


@given(pairs)
def test_sum_and_product_commute(pair: tuple[Any, Any]) -> None:
    for name in ("Add", "Multiply"):
        assert is_identical(call(name, *pair), call(name, *reversed(pair)))


@given(pairs)
def test_subtracting_undoes_adding(pair: tuple[Any, Any]) -> None:
    total = call("Add", *pair)
    if total is not None:
        assert is_identical(call("Subtract", total, pair[1]), pair[0])


@given(pairs)
def test_results_stay_in_their_type_and_range(pair: tuple[Any, Any]) -> None:
    for name in ("Add", "Subtract", "Multiply", "TruncatedDivide", "Modulo"):
        result = call(name, *pair)
        if result is None:
            continue
        assert type(result) is type(pair[0])
        if isinstance(result, Decimal):
            assert abs(result) <= MAX_DECIMAL
            assert result == result.quantize(Decimal("1e-8"), context=None) if abs(result) < 10**19 else True
        else:
            assert MIN_LONG <= result <= MAX_LONG


@given(pairs)
def test_truncated_quotient_and_remainder_rebuild_the_dividend(pair: tuple[Any, Any]) -> None:
    quotient, rest = call("TruncatedDivide", *pair), call("Modulo", *pair)
    assert (rest is None) == (pair[1] == 0)
    if quotient is not None and rest is not None:
        product = call("Multiply", quotient, pair[1])
        if product is not None:
            assert call("Add", product, rest) == pair[0]
        assert abs(rest) < abs(pair[1])
        assert rest == 0 or (rest < 0) == (pair[0] < 0)


@given(numbers)
def test_negation_is_its_own_inverse(number: Any) -> None:
    negative = call("Negate", number)
    if negative is not None:
        assert is_identical(call("Negate", negative), number)
        assert is_identical(call("Abs", negative), call("Abs", number))


@given(st.decimals(-(2**31) + 1, 2**31 - 2, places=8))
def test_rounding_brackets_the_number(number: Decimal) -> None:
    floor, ceiling, truncated = (call(name, number) for name in ("Floor", "Ceiling", "Truncate"))
    assert floor <= number <= ceiling <= floor + 1
    assert truncated == (floor if number >= 0 else ceiling)
    assert abs(call("Round", number) - number) <= Decimal("0.5")


@given(st.decimals(-1000, 1000, places=5), st.integers(0, 8))
def test_rounding_twice_is_rounding_once(number: Decimal, places: int) -> None:
    once = call("Round", number, places)
    assert call("Round", once, places) == once


@given(st.decimals(-1000, 1000, places=3), st.integers(0, 8))
def test_boundaries_enclose_what_is_precise_enough(number: Decimal, places: int) -> None:
    low, high = call("LowBoundary", number, places), call("HighBoundary", number, places)
    assert low <= high
    if places >= 3:
        assert low <= number <= high


@given(uncertain, uncertain, st.data())
def test_uncertain_arithmetic_holds_every_possible_result(a: Any, b: Any, data: st.DataObject) -> None:
    one, other = (data.draw(st.integers(x.low, x.high)) if isinstance(x, Uncertainty) else x for x in (a, b))
    for name in ("Add", "Subtract", "Multiply"):
        assert inside(call(name, one, other), call(name, a, b))
    for name in ("Negate", "Abs"):
        assert inside(call(name, one), call(name, a))


@given(quantities, quantities)
def test_the_unit_of_a_sum_is_the_finer_one(a: Quantity, b: Quantity) -> None:
    total = call("Add", a, b)
    assert total is not None
    order = ("ug", "mg", "g", "kg")
    assert total.unit == min(a.unit, b.unit, key=order.index)
    assert call("Add", b, a) == total


@given(quantities, quantities)
def test_a_quotient_of_one_dimension_has_no_unit(a: Quantity, b: Quantity) -> None:
    quotient = call("Divide", a, b)
    assert (quotient is None) == (b.value == 0)
    assert quotient is None or quotient.unit == "1"


@given(few_decimals, few_decimals)
def test_sum_and_count_of_joined_lists(a: list[Any], b: list[Any]) -> None:
    assert call("Count", a + b) == call("Count", a) + call("Count", b)
    sums = [part for part in (call("Sum", a), call("Sum", b)) if part is not None]
    assert call("Sum", a + b) == (sum(sums) if sums else None)


@given(few_decimals)
def test_means_lie_between_least_and_greatest(elements: list[Any]) -> None:
    least, greatest = call("Min", elements), call("Max", elements)
    for name in ("Avg", "Median", "Mode"):
        value = call(name, elements)
        assert (value is None) == (least is None)
        assert value is None or least <= value <= greatest


@given(few_decimals)
def test_deviation_squared_is_the_variance(elements: list[Any]) -> None:
    for deviation, variance in (("StdDev", "Variance"), ("PopulationStdDev", "PopulationVariance")):
        root, square = call(deviation, elements), call(variance, elements)
        assert (root is None) == (square is None)
        assert root is None or abs(root * root - square) < Decimal("0.001")


@given(st.lists(quantities, min_size=1, max_size=6))
def test_extremes_of_quantities_bound_all(elements: list[Quantity]) -> None:
    least, greatest = call("Min", elements), call("Max", elements)
    assert all(at_most(least, element) and at_most(element, greatest) for element in elements)


@given(st.lists(quantities, min_size=1, max_size=6), st.randoms())
def test_order_does_not_matter_to_aggregates(elements: list[Quantity], random: Any) -> None:
    shuffled = random.sample(elements, len(elements))
    for name in ("Sum", "Avg", "Median", "Variance", "PopulationStdDev"):
        assert call(name, elements) == call(name, shuffled)
