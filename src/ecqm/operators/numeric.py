"""What all arithmetic has in common: exact intermediate results, the ranges of the types, and uncertain operands.

Integer is 32-bit, Long 64-bit, Decimal has 28 digits, 8 of them after the point (CQL reference, System types). A result
outside of the range of its type is null (CQL reference, arithmetic operators).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import ROUND_HALF_UP, Context, Decimal, DivisionByZero, InvalidOperation
from itertools import product
from typing import Any

from ecqm.values.errors import CqlError
from ecqm.values.interval import Uncertainty
from ecqm.values.numbers import DECIMAL_STEP, MAX_DECIMAL, MAX_INTEGER, MAX_LONG, MIN_INTEGER, MIN_LONG, Long
from ecqm.values.quantity import Quantity

# Wide enough for the exact product of two Decimals (56 digits), and for a quotient to be rounded only once.
EXACT = Context(prec=80, rounding=ROUND_HALF_UP, Emax=999_999, Emin=-999_999, traps=[InvalidOperation, DivisionByZero])

Number = int | Decimal


def in_integer(value: int) -> int | None:
    """`value` as an Integer, None outside of its range."""
    return int(value) if MIN_INTEGER <= value <= MAX_INTEGER else None


def in_long(value: int) -> Long | None:
    """`value` as a Long, None outside of its range."""
    return Long(value) if MIN_LONG <= value <= MAX_LONG else None


def in_decimal(value: Decimal) -> Decimal | None:
    """`value` with at most eight places after the point (halves away from zero), None outside of the range."""
    if not value.is_finite() or (value and value.adjusted() > 28):
        return None
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and (exponent < -8 or exponent > 0):
        value = value.quantize(DECIMAL_STEP if exponent < 0 else Decimal(1), context=EXACT)
    if not value:
        return value.copy_abs()  # zero has a sign in Python, and none in CQL
    return value if value.copy_abs() <= MAX_DECIMAL else None


def in_type_of(sample: Number, value: Number) -> Number | None:
    """`value` in the type of `sample`, one of Integer, Long and Decimal; None outside of its range."""
    match sample:
        case Decimal():
            return in_decimal(Decimal(value))
        case Long():
            return in_long(int(value))
    return in_integer(int(value))


def compute(function: Callable[..., Number], *operands: Any) -> Any:
    """`function` of exact numbers of one type, the result in their type or None.

    With an Uncertainty among the operands the result is the Uncertainty of all that it may be, and None when that has
    no bounds; `function` must be monotone in each operand, as sum, difference and product are."""
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
    """Raise CqlError when an operand is uncertain: only addition, subtraction, multiplication, negation and the
    comparisons are defined for uncertainties (CQL Author's Guide, uncertainty)."""
    if any(isinstance(operand, Uncertainty) for operand in operands):
        raise CqlError(f"{name} is not defined for an uncertain number")


def quantity(value: Decimal | None, unit: str) -> Quantity | None:
    """A Quantity of a result, None where the number could not be represented."""
    return None if value is None else Quantity(value, unit)


def truncated_quotient(left: Number, right: Number) -> int:
    """The quotient of two numbers without its fraction; `right` is not zero."""
    magnitude = int(EXACT.divide_int(Decimal(left).copy_abs(), Decimal(right).copy_abs()))
    return magnitude if (left < 0) == (right < 0) else -magnitude


def remainder(left: Number, right: Number) -> Number:
    """What truncated division leaves over, with the sign of the dividend; `right` is not zero."""
    if isinstance(left, Decimal) or isinstance(right, Decimal):
        return EXACT.remainder(Decimal(left), Decimal(right))
    return left - right * truncated_quotient(left, right)


def places_of(value: Decimal) -> int:
    """How many digits after the point a number was given with, trailing zeros included."""
    exponent = value.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0
