"""Quantities in a common unit, and the units of products and quotients; arithmetic, aggregates and conversions share
these functions."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction

from ecqm.operators.numeric import EXACT, in_decimal, quantity
from ecqm.values.errors import CqlError
from ecqm.values.quantity import Quantity
from ecqm.values.units import convert_exactly, divide_units, multiply_units


def in_finer_unit(left: Quantity, right: Quantity) -> tuple[Decimal, Decimal, str] | None:
    """Both numbers in the more granular of the two units, and that unit; None if the dimensions differ. Of two names
    for the same unit, the left one is used."""
    if left.unit == right.unit:
        return left.value, right.value, left.unit
    one_left = convert_exactly(Fraction(1), left.unit, right.unit)
    if one_left is None:
        return None
    if one_left > 1:
        return in_unit(left, right.unit), right.value, right.unit
    return left.value, in_unit(right, left.unit), left.unit


def in_unit(quantity: Quantity, unit: str) -> Decimal:
    """The number of a quantity in another unit of the same dimension, not rounded to a Decimal."""
    if quantity.unit == unit:
        return quantity.value
    exact = convert_exactly(quantity.value, quantity.unit, unit)
    assert exact is not None, "the units have the same dimension"
    return EXACT.divide(Decimal(exact.numerator), Decimal(exact.denominator))


def combined_unit(combine: Callable[[str, str], str], left: str, right: str) -> str | None:
    """The unit of a product or quotient (`combine`); None if one of the units is malformed. The unit 1 leaves the other
    as it is written, so that two times `3 days` is still a calendar duration."""
    if right == "1":
        return left
    if left == "1" and combine is multiply_units:
        return right
    try:
        return combine(left, right)
    except CqlError:
        return None


def divide_quantities(left: Quantity, right: Quantity) -> Quantity | None:
    """The quotient, without a unit if the dimensions are the same; None for a division by zero."""
    if not right.value:
        return None
    same = in_finer_unit(left, right)
    if same:
        return quantity(in_decimal(EXACT.divide(same[0], same[1])), "1")
    unit = combined_unit(divide_units, left.unit, right.unit)
    return quantity(in_decimal(EXACT.divide(left.value, right.value)), unit) if unit else None
