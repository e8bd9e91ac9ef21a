"""Foundations of arithmetic: exact intermediate results, the ranges of the types, and uncertain operands.

Integer has 32 bits, Long 64 bits, Decimal 28 digits, of which 8 are decimal places (CQL reference, System types). A
result outside the range of its type is null (CQL reference, arithmetic operators).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import ROUND_HALF_UP, Context, Decimal, DivisionByZero, InvalidOperation
from itertools import product
from typing import Any

from ecqm.values.errors import CqlError
from ecqm.values.interval import Uncertainty
from ecqm.values.numbers import (
    DECIMAL_PLACES,
    DECIMAL_STEP,
    MAX_DECIMAL,
    MAX_INTEGER,
    MAX_LONG,
    MIN_INTEGER,
    MIN_LONG,
    Long,
    places_of,
)
from ecqm.values.quantity import Quantity

# Wide enough for the exact product of two Decimals (56 digits), and for quotients to be rounded only once.
EXACT = Context(prec=80, rounding=ROUND_HALF_UP, Emax=999_999, Emin=-999_999, traps=[InvalidOperation, DivisionByZero])

Number = int | Decimal


def in_integer(value: int) -> int | None:
    """`value` as an Integer; None if out of range."""
    return int(value) if MIN_INTEGER <= value <= MAX_INTEGER else None


def in_long(value: int) -> Long | None:
    """`value` as a Long; None if out of range."""
    return Long(value) if MIN_LONG <= value <= MAX_LONG else None


def in_decimal(value: Decimal) -> Decimal | None:
    """`value` rounded to eight decimal places, halves away from zero; None if out of range. A number that has to be
    rounded keeps no zeros at its end."""
    if not value.is_finite() or (value and value.adjusted() > 28):
        return None
    if places_of(value) > DECIMAL_PLACES:
        value = value.quantize(DECIMAL_STEP, context=EXACT).normalize(EXACT)
    if int(value.as_tuple().exponent) > 0:
        value = value.quantize(Decimal(1), context=EXACT)
    if not value:
        return value.copy_abs()  # zero has a sign in Python but not in CQL
    return value if value.copy_abs() <= MAX_DECIMAL else None


def in_type_of(sample: Number, value: Number) -> Number | None:
    """`value` in the type of `sample` (Integer, Long or Decimal); None if out of range."""
    match sample:
        case Decimal():
            return in_decimal(Decimal(value))
        case Long():
            return in_long(int(value))
    return in_integer(int(value))


def compute(function: Callable[..., Number], *operands: Any) -> Any:
    """`function` of numbers of one type, in that type; None if out of range.

    With an Uncertainty among the operands the result is the Uncertainty of all possible results; None if it is
    unbounded. `function` must be monotone in each operand, as sum, difference and product are."""
    if any(isinstance(operand, Uncertainty) for operand in operands):
        return _over_uncertainty(function, operands)
    sample = next((operand for operand in operands if isinstance(operand, Decimal)), operands[0])
    return in_type_of(sample, function(*operands))


def _over_uncertainty(function: Callable[..., Number], operands: Sequence[Any]) -> Any:
    if any(isinstance(operand, Uncertainty) and None in (operand.low, operand.high) for operand in operands):
        return None
    possible = [(operand.low, operand.high) if isinstance(operand, Uncertainty) else (operand,) for operand in operands]
    results = [compute(function, *corner) for corner in product(*possible)]
    if any(result is None for result in results):
        return None
    return Uncertainty.between(min(results), max(results))


def require_certain(name: str, *operands: Any) -> None:
    """Raise CqlError if an operand is uncertain. Only addition, subtraction, multiplication, negation and comparisons
    are defined for uncertainties (CQL Author's Guide, uncertainty)."""
    if any(isinstance(operand, Uncertainty) for operand in operands):
        raise CqlError(f"{name} is not defined for an uncertain number")


def quantity(value: Decimal | None, unit: str) -> Quantity | None:
    """A Quantity; None if its number is."""
    return None if value is None else Quantity(value, unit)


def truncated_quotient(left: Number, right: Number) -> int:
    """The quotient truncated to an integer; `right` must not be zero."""
    magnitude = int(EXACT.divide_int(Decimal(left).copy_abs(), Decimal(right).copy_abs()))
    return magnitude if (left < 0) == (right < 0) else -magnitude


def remainder(left: Number, right: Number) -> Number:
    """The remainder of truncated division, with the sign of the dividend; `right` must not be zero."""
    if isinstance(left, Decimal) or isinstance(right, Decimal):
        return EXACT.remainder(Decimal(left), Decimal(right))
    return left - right * truncated_quotient(left, right)
