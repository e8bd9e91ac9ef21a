"""The precision of a value and its boundaries (CQL reference, Precision, LowBoundary, HighBoundary; ELM chapter 16).

Precision is a number of digits: for a Decimal the decimal places, for dates and times all digits in ISO 8601.
"""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal
from typing import TypeVar

from ecqm.operators.numeric import EXACT, in_decimal
from ecqm.operators.registry import NONE, operator, overload
from ecqm.values.numbers import DECIMAL_PLACES, places_of
from ecqm.values.temporal import Temporal, Time, precision_index

_DIGITS_OF_DATETIME = {"year": 4, "month": 6, "day": 8, "hour": 10, "minute": 12, "second": 14, "millisecond": 17}
_DIGITS_OF_TIME = {"hour": 2, "minute": 4, "second": 6, "millisecond": 9}

_TEMPORAL = (
    "(Date, Integer) -> Date",
    "(DateTime, Integer) -> DateTime",
    "(Time, Integer) -> Time",
)
_Temporal = TypeVar("_Temporal", bound=Temporal)


@operator("Precision", spec="elm:16.17")
class Precision:
    """The number of digits that the argument was specified with."""

    @overload("(Decimal) -> Integer")
    def decimals(argument: Decimal) -> int:
        return places_of(argument)

    @overload("(Date) -> Integer", "(DateTime) -> Integer", "(Time) -> Integer")
    def temporals(argument: Temporal) -> int:
        return _digits(argument)[argument.precision]


@operator("LowBoundary", spec="elm:16.9")
class LowBoundary:
    """The least value the argument may stand for, with a precision in digits; by default the finest of its type."""

    @overload("(Decimal, Integer) -> Decimal", nulls=NONE)
    def decimals(argument: Decimal | None, precision: int | None) -> Decimal | None:
        return _decimal_boundary(argument, precision, upwards=False)

    @overload(*_TEMPORAL, nulls=NONE)
    def temporals(argument: Temporal | None, precision: int | None) -> Temporal | None:
        known = _precision_of_digits(argument, precision)
        return None if argument is None or known is None else _cut(argument, known).low(known)


@operator("HighBoundary", spec="elm:16.7")
class HighBoundary:
    """The greatest value the argument may stand for, with a precision in digits; by default the finest of its type."""

    @overload("(Decimal, Integer) -> Decimal", nulls=NONE)
    def decimals(argument: Decimal | None, precision: int | None) -> Decimal | None:
        return _decimal_boundary(argument, precision, upwards=True)

    @overload(*_TEMPORAL, nulls=NONE)
    def temporals(argument: Temporal | None, precision: int | None) -> Temporal | None:
        known = _precision_of_digits(argument, precision)
        return None if argument is None or known is None else _cut(argument, known).high(known)


def _decimal_boundary(value: Decimal | None, precision: int | None, upwards: bool) -> Decimal | None:
    """The digits after those specified may be anything, which moves the number away from zero; null for a precision
    that Decimal does not have."""
    places = DECIMAL_PLACES if precision is None else precision
    if value is None or not 0 <= places <= DECIMAL_PLACES:
        return None
    step = Decimal(1).scaleb(-places)
    nearest_zero = value.quantize(step, rounding=ROUND_DOWN, context=EXACT)
    specified = places_of(value)
    if upwards == (value < 0) or places <= specified:
        return nearest_zero
    beyond = EXACT.subtract(Decimal(1).scaleb(-specified), step)
    return in_decimal(EXACT.add(nearest_zero, beyond) if upwards else EXACT.subtract(nearest_zero, beyond))


def _digits(value: Temporal) -> dict[str, int]:
    return _DIGITS_OF_TIME if isinstance(value, Time) else _DIGITS_OF_DATETIME


def _precision_of_digits(value: Temporal | None, digits: int | None) -> str | None:
    """The name of the precision with a number of digits; None if the type of `value` has no such precision."""
    if value is None:
        return None
    of_type = [name for name in _digits(value) if precision_index(name) <= value.LAST]
    if digits is None:
        return of_type[-1]
    return next((name for name in of_type if _digits(value)[name] == digits), None)


def _cut(value: _Temporal, precision: str) -> _Temporal:
    return value if value.rank <= precision_index(precision) else value.truncated(precision)
