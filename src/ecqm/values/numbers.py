"""Integer, Long and Decimal: their ranges, the decimal places and the step of Decimal, and the Long class (CQL
reference, System types)."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Context, Decimal
from fractions import Fraction
from typing import Any, TypeGuard

from ecqm.values.errors import CqlError

MIN_INTEGER, MAX_INTEGER = -(2**31), 2**31 - 1
MIN_LONG, MAX_LONG = -(2**63), 2**63 - 1

DECIMAL_PLACES = 8
DECIMAL_STEP = Decimal(1).scaleb(-DECIMAL_PLACES)
MAX_DECIMAL = Decimal("99999999999999999999.99999999")
MIN_DECIMAL = -MAX_DECIMAL

_WIDE = Context(prec=60, rounding=ROUND_HALF_UP)


class Long(int):
    """A 64-bit integer; a class of its own because `1L` and `1` have different types in CQL."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"Long({int(self)})"


def to_decimal(value: Fraction | int) -> Decimal:
    """An exact number rounded to a CQL Decimal: at most eight decimal places, halves away from zero, without zeros at
    the end. Raises CqlError if it lies outside the range of Decimal."""
    exact = Fraction(value)
    quotient = _WIDE.divide(Decimal(exact.numerator), Decimal(exact.denominator))
    if not MIN_DECIMAL <= quotient <= MAX_DECIMAL:
        raise CqlError(f"{quotient} is outside the range of Decimal")
    rounded = quotient.quantize(DECIMAL_STEP, context=_WIDE)
    whole = rounded.to_integral_value()
    return whole if whole == rounded else rounded.normalize(_WIDE)


def is_number(value: Any) -> TypeGuard[int | Decimal]:
    """Whether a value is an Integer, Long or Decimal; to Python, a Boolean is an int, too."""
    return isinstance(value, (int, Decimal)) and not isinstance(value, bool)


def places_of(value: Decimal) -> int:
    """The decimal places that a number was written with, trailing zeros included; it must be finite."""
    return max(0, -int(value.as_tuple().exponent))


def decimal_text(value: Decimal) -> str:
    """A Decimal in CQL notation: no exponent, at least one digit after the point."""
    text = format(value, "f")
    return text if "." in text else text + ".0"
