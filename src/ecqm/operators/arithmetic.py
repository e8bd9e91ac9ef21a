"""Arithmetic on Integer, Long, Decimal and Quantity (CQL reference, arithmetic operators; ELM chapter 16).

A result that cannot be represented and a division by zero are null, unless an operator says otherwise. The overloads on
dates and times are in `ecqm.operators.temporal`.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

from ecqm.operators.numeric import (
    EXACT,
    Number,
    compute,
    in_decimal,
    in_integer,
    in_type_of,
    places_of,
    quantity,
    remainder,
    require_certain,
    truncated_quotient,
)
from ecqm.operators.registry import NONE, operator, overload
from ecqm.types.core import CqlType
from ecqm.values.errors import CqlError
from ecqm.values.interval import Uncertainty
from ecqm.values.numbers import DECIMAL_STEP
from ecqm.values.quantity import Quantity
from ecqm.values.steps import maximum, minimum, predecessor, successor
from ecqm.values.units import convert_exactly, divide_units, multiply_units

_BINARY = (
    "(Integer, Integer) -> Integer",
    "(Long, Long) -> Long",
    "(Decimal, Decimal) -> Decimal",
)
_UNARY = ("(Integer) -> Integer", "(Long) -> Long", "(Decimal) -> Decimal")
_TO_INTEGER = "(Decimal) -> Integer"
_QUANTITIES = "(Quantity, Quantity) -> Quantity"


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


@operator("Abs", spec="elm:16.1")
class Abs:
    """The absolute value, in the unit of the argument."""

    @overload(*_UNARY)
    def numbers(argument: Any) -> Any:
        if isinstance(argument, Uncertainty):
            ends = abs(argument.low), abs(argument.high)
            return Uncertainty.between(0 if argument.low <= 0 <= argument.high else min(ends), max(ends))
        return in_type_of(argument, argument.copy_abs() if isinstance(argument, Decimal) else abs(argument))

    @overload("(Quantity) -> Quantity")
    def quantities(argument: Quantity) -> Quantity:
        return Quantity(argument.value.copy_abs(), argument.unit)


@operator("Add", spec="elm:16.2")
class Add:
    """The sum; null for quantities of different dimensions, otherwise in the more granular of their units."""

    @overload(*_BINARY)
    def numbers(left: Any, right: Any) -> Any:
        return compute(_sum, left, right)

    @overload(_QUANTITIES)
    def quantities(left: Quantity, right: Quantity) -> Quantity | None:
        same = in_finer_unit(left, right)
        return quantity(in_decimal(EXACT.add(same[0], same[1])), same[2]) if same else None


@operator("Subtract", spec="elm:16.20")
class Subtract:
    """The difference; null for quantities of different dimensions, otherwise in the more granular of their units."""

    @overload(*_BINARY)
    def numbers(left: Any, right: Any) -> Any:
        return compute(_difference, left, right)

    @overload(_QUANTITIES)
    def quantities(left: Quantity, right: Quantity) -> Quantity | None:
        same = in_finer_unit(left, right)
        return quantity(in_decimal(EXACT.subtract(same[0], same[1])), same[2]) if same else None


@operator("Multiply", spec="elm:16.14")
class Multiply:
    """The product; for quantities, in the product of their units."""

    @overload(*_BINARY)
    def numbers(left: Any, right: Any) -> Any:
        return compute(_product, left, right)

    @overload(_QUANTITIES)
    def quantities(left: Quantity, right: Quantity) -> Quantity | None:
        unit = combined_unit(multiply_units, left.unit, right.unit)
        return quantity(in_decimal(EXACT.multiply(left.value, right.value)), unit) if unit else None


@operator("Divide", spec="elm:16.4")
class Divide:
    """The quotient as a Decimal; for quantities, in the quotient of their units."""

    @overload("(Decimal, Decimal) -> Decimal")
    def decimals(left: Decimal, right: Decimal) -> Decimal | None:
        require_certain("Divide", left, right)
        return in_decimal(EXACT.divide(left, right)) if right else None

    @overload(_QUANTITIES)
    def quantities(left: Quantity, right: Quantity) -> Quantity | None:
        return divide_quantities(left, right)


@operator("TruncatedDivide", spec="elm:16.23")
class TruncatedDivide:
    """The quotient truncated to an integer."""

    @overload(*_BINARY)
    def numbers(left: Any, right: Any) -> Any:
        require_certain("TruncatedDivide", left, right)
        return compute(truncated_quotient, left, right) if right else None

    @overload(_QUANTITIES)
    def quantities(left: Quantity, right: Quantity) -> Quantity | None:
        """In the more granular unit for quantities of one dimension, otherwise in the quotient of the units."""
        if not right.value:
            return None
        same = in_finer_unit(left, right)
        if same:
            return quantity(in_decimal(Decimal(truncated_quotient(same[0], same[1]))), same[2])
        unit = combined_unit(divide_units, left.unit, right.unit)
        return quantity(in_decimal(Decimal(truncated_quotient(left.value, right.value))), unit) if unit else None


@operator("Modulo", spec="elm:16.13")
class Modulo:
    """The remainder of truncated division, with the sign of the dividend."""

    @overload(*_BINARY)
    def numbers(left: Any, right: Any) -> Any:
        require_certain("Modulo", left, right)
        return compute(remainder, left, right) if right else None

    @overload(_QUANTITIES)
    def quantities(left: Quantity, right: Quantity) -> Quantity | None:
        """In the more granular unit for quantities of one dimension, in the unit of the dividend if the divisor has
        none, otherwise null."""
        if not right.value:
            return None
        same = in_finer_unit(left, right)
        if same is None and right.unit != "1":
            return None
        dividend, divisor, unit = same if same else (left.value, right.value, left.unit)
        return quantity(in_decimal(Decimal(remainder(dividend, divisor))), unit)


@operator("Negate", spec="elm:16.15")
class Negate:
    """The argument with the opposite sign, in the same unit."""

    @overload(*_UNARY)
    def numbers(argument: Any) -> Any:
        return compute(_negative, argument)

    @overload("(Quantity) -> Quantity")
    def quantities(argument: Quantity) -> Quantity:
        return Quantity(_negative(argument.value), argument.unit)


@operator("Ceiling", spec="elm:16.3")
class Ceiling:
    """The least integer that is not less than the argument."""

    @overload(_TO_INTEGER)
    def decimals(argument: Decimal) -> int | None:
        return _integral(argument, ROUND_CEILING)


@operator("Floor", spec="elm:16.6")
class Floor:
    """The greatest integer that is not greater than the argument."""

    @overload(_TO_INTEGER)
    def decimals(argument: Decimal) -> int | None:
        return _integral(argument, ROUND_FLOOR)


@operator("Truncate", spec="elm:16.22")
class Truncate:
    """The integer part of the argument."""

    @overload(_TO_INTEGER)
    def decimals(argument: Decimal) -> int | None:
        return _integral(argument, ROUND_DOWN)


@operator("Round", spec="elm:16.19")
class Round:
    """The argument rounded to a number of decimal places (by default none), halves away from zero."""

    @overload("(Decimal) -> Decimal")
    def whole(argument: Decimal) -> Decimal | None:
        return _rounded(argument, 0)

    @overload("(Decimal, Integer) -> Decimal", nulls=NONE)
    def places(argument: Decimal | None, precision: int | None) -> Decimal | None:
        return None if argument is None else _rounded(argument, precision or 0)


@operator("Exp", spec="elm:16.5")
class Exp:
    """e to the power of the argument. A result too large for a Decimal is a run-time error."""

    @overload("(Decimal) -> Decimal", may_raise=True)
    def decimals(argument: Decimal) -> Decimal:
        require_certain("Exp", argument)
        # exp(60) is beyond the maximum Decimal; computing much larger powers would take long.
        result = in_decimal(EXACT.exp(argument)) if argument < 60 else None
        if result is None:
            raise CqlError(f"Exp({argument}) is too large for a Decimal")
        return result


@operator("Ln", spec="elm:16.10")
class Ln:
    """The natural logarithm; null for negative numbers, a run-time error for zero."""

    @overload("(Decimal) -> Decimal", may_raise=True)
    def decimals(argument: Decimal) -> Decimal | None:
        require_certain("Ln", argument)
        if not argument:
            raise CqlError("Ln(0) is infinite")
        return in_decimal(EXACT.ln(argument)) if argument > 0 else None


@operator("Log", spec="elm:16.8")
class Log:
    """The logarithm of the first argument to the base of the second; null if it does not exist."""

    @overload("(Decimal, Decimal) -> Decimal")
    def decimals(argument: Decimal, base: Decimal) -> Decimal | None:
        require_certain("Log", argument, base)
        if argument <= 0 or base <= 0 or base == 1:
            return None
        return in_decimal(EXACT.divide(EXACT.ln(argument), EXACT.ln(base)))


@operator("Power", spec="elm:16.16")
class Power:
    """The first argument to the power of the second. Integers to a negative power give a Decimal."""

    @overload(*_BINARY)
    def numbers(argument: Number, exponent: Number) -> Number | None:
        require_certain("Power", argument, exponent)
        result = power(Decimal(argument), Decimal(exponent))
        if result is None or isinstance(argument, Decimal) or exponent < 0:
            return in_decimal(result) if result is not None else None
        # Only a result of few digits is converted to an integer: it may have almost a million.
        return in_type_of(argument, result) if result.is_finite() and result.adjusted() < 20 else None


@operator("MinValue", spec="elm:16.12")
class MinValue:
    """The least value of the point type `of` (an attribute); an error for other types."""

    @overload("() -> Any")
    def any_type(*, of: CqlType) -> Any:
        return minimum(of)


@operator("MaxValue", spec="elm:16.11")
class MaxValue:
    """The greatest value of the point type `of` (an attribute); an error for other types."""

    @overload("() -> Any")
    def any_type(*, of: CqlType) -> Any:
        return maximum(of)


@operator("Successor", spec="elm:16.21")
class Successor:
    """The next value of the type; a run-time error for the maximum."""

    @overload(*_UNARY, may_raise=True)
    def numbers(argument: Any) -> Any:
        return successor(argument)

    @overload("(Quantity) -> Quantity", may_raise=True)
    def quantities(argument: Quantity) -> Quantity:
        return _next_quantity(argument, 1)


@operator("Predecessor", spec="elm:16.18")
class Predecessor:
    """The previous value of the type; a run-time error for the minimum."""

    @overload(*_UNARY, may_raise=True)
    def numbers(argument: Any) -> Any:
        return predecessor(argument)

    @overload("(Quantity) -> Quantity", may_raise=True)
    def quantities(argument: Quantity) -> Quantity:
        return _next_quantity(argument, -1)


def power(base: Decimal, exponent: Decimal) -> Decimal | None:
    """`base ** exponent`, not rounded to a Decimal, possibly infinite; None if it is not a real number."""
    if base == 0:
        return (Decimal(1) if exponent == 0 else Decimal(0)) if exponent >= 0 else None
    if base < 0 and exponent != exponent.to_integral_value():
        return None
    return EXACT.power(base, exponent)


def _sum(left: Number, right: Number) -> Number:
    if isinstance(left, Decimal) or isinstance(right, Decimal):
        return EXACT.add(Decimal(left), Decimal(right))
    return left + right


def _difference(left: Number, right: Number) -> Number:
    return _sum(left, _negative(right))


def _product(left: Number, right: Number) -> Number:
    if isinstance(left, Decimal) or isinstance(right, Decimal):
        return EXACT.multiply(Decimal(left), Decimal(right))
    return left * right


def _negative(value: Any) -> Any:
    if isinstance(value, Decimal):
        return value.copy_negate() if value else value  # zero has a sign in Python but not in CQL
    return -value


def _integral(value: Decimal, rounding: str) -> int | None:
    require_certain("rounding to an Integer", value)
    return in_integer(int(value.to_integral_value(rounding)))


def _rounded(value: Decimal, places: int) -> Decimal | None:
    require_certain("Round", value)
    if places >= places_of(value):
        return value
    if -places > value.adjusted() + 1:
        return Decimal("0.0")
    return in_decimal(value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP, context=EXACT))


def _next_quantity(argument: Quantity, direction: int) -> Quantity:
    """The step is 1 if the number was written without decimal places, otherwise the step of Decimal. (As points of an
    interval, quantities always have the step of Decimal; see docs/clarifications.md.)"""
    step = DECIMAL_STEP if places_of(argument.value) else Decimal(1)
    moved = quantity(in_decimal(EXACT.add(argument.value, direction * step)), argument.unit)
    if moved is None:
        raise CqlError(f"{argument.value} is at the end of the range of Decimal")
    return moved
