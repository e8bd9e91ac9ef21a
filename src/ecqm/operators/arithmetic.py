"""Arithmetic on Integer, Long, Decimal and Quantity (CQL reference, arithmetic operators; ELM chapter 16).

A result that cannot be represented and a division by zero are null, unless an operator says otherwise. The overloads on
dates and times are in `ecqm.operators.temporal`, powers and logarithms in `ecqm.operators.powers`.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from typing import Any

from ecqm.operators.numeric import (
    EXACT,
    Number,
    compute,
    in_decimal,
    in_integer,
    in_type_of,
    quantity,
    remainder,
    require_certain,
    truncated_quotient,
)
from ecqm.operators.quantities import combined_unit, divide_quantities, in_finer_unit
from ecqm.operators.registry import NONE, operator, overload
from ecqm.types.core import CqlType
from ecqm.values.errors import CqlError
from ecqm.values.interval import Uncertainty
from ecqm.values.numbers import DECIMAL_STEP, places_of
from ecqm.values.quantity import Quantity
from ecqm.values.steps import maximum, minimum, predecessor, successor
from ecqm.values.units import divide_units, multiply_units

_BINARY = (
    "(Integer, Integer) -> Integer",
    "(Long, Long) -> Long",
    "(Decimal, Decimal) -> Decimal",
)
_UNARY = ("(Integer) -> Integer", "(Long) -> Long", "(Decimal) -> Decimal")
_TO_INTEGER = "(Decimal) -> Integer"
_QUANTITIES = "(Quantity, Quantity) -> Quantity"


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
        dividend, divisor, unit = same or (left.value, right.value, left.unit)
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
