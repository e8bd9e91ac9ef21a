"""Comparison of points: numbers, strings, quantities, dates and times, and uncertainties (CQL reference, comparison
operators). Everything is three-valued: None where precision, units or an uncertainty leave the answer open."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

from ecqm.values.context import request_offset
from ecqm.values.errors import CqlError
from ecqm.values.interval import Uncertainty
from ecqm.values.numbers import MAX_DECIMAL, is_number
from ecqm.values.quantity import Quantity
from ecqm.values.temporal import HOUR, SECOND, DateTime, Temporal, precision_index
from ecqm.values.units import convert_exactly


def compare(a: Any, b: Any, precision: str | None = None) -> int | None:
    """-1, 0 or 1 if `a` is less than, equal to or greater than `b`; neither is null or an uncertainty.

    Dates and times are compared component by component down to `precision`, or to the finest that either has; None if
    a component that decides is missing from one of them. None also for quantities whose units do not convert.
    Raises CqlError if the types of the operands have no common order."""
    if isinstance(a, Temporal) and isinstance(b, Temporal):
        return _compare_temporal(a, b, precision)
    if isinstance(a, Quantity) or isinstance(b, Quantity):
        return _compare_quantities(_as_quantity(a), _as_quantity(b))
    if isinstance(a, str) and isinstance(b, str):
        return (a > b) - (a < b)
    if is_number(a) and is_number(b):
        return int(a > b) - int(a < b)
    raise CqlError(f"a {type(a).__name__} and a {type(b).__name__} have no order")


def less(a: Any, b: Any, precision: str | None = None) -> bool | None:
    """`a < b`; the operands may be uncertainties or None, which is unknown."""
    least, greatest = _orders(a, b, precision)
    if greatest < 0:
        return True
    return False if least >= 0 else None


def at_most(a: Any, b: Any, precision: str | None = None) -> bool | None:
    """`a <= b`; the operands may be uncertainties or None, which is unknown."""
    least, greatest = _orders(a, b, precision)
    if greatest <= 0:
        return True
    return False if least > 0 else None


def same(a: Any, b: Any, precision: str | None = None) -> bool | None:
    """Whether two points are the same down to `precision`; they may be uncertainties or None, which is unknown."""
    least, greatest = _orders(a, b, precision)
    if least == greatest == 0:
        return True
    return None if least <= 0 <= greatest else False


def _orders(a: Any, b: Any, precision: str | None) -> tuple[int, int]:
    """The least and the greatest result that `compare` may have for the points that `a` and `b` stand for."""
    if a is None or b is None:
        return -1, 1
    if isinstance(a, Uncertainty) or isinstance(b, Uncertainty):
        least, _ = _orders(lowest(a), highest(b), precision)
        _, greatest = _orders(highest(a), lowest(b), precision)
        return least, greatest
    order = compare(a, b, precision)
    return (-1, 1) if order is None else (order, order)


def lowest(value: Any) -> Any:
    """The least value that a point may stand for; None if unbounded."""
    return value.low if isinstance(value, Uncertainty) else value


def highest(value: Any) -> Any:
    """The greatest value that a point may stand for; None if unbounded."""
    return value.high if isinstance(value, Uncertainty) else value


def _as_quantity(value: Any) -> Quantity:
    if isinstance(value, Quantity):
        return value
    if is_number(value):
        return Quantity(Decimal(value))
    raise CqlError(f"a {type(value).__name__} and a Quantity have no order")


def _compare_quantities(a: Quantity, b: Quantity) -> int | None:
    converted = convert_exactly(b.value, b.unit, a.unit)
    if converted is None:
        return None
    if a.value == b.value and a.value.copy_abs() == MAX_DECIMAL:
        return 0  # the minimum and maximum Quantity are the same in every unit (docs/clarifications.md)
    exact = Fraction(a.value)
    return (exact > converted) - (exact < converted)


def _compare_temporal(a: Temporal, b: Temporal, precision: str | None) -> int | None:
    limit = None if precision is None else precision_index(precision)
    left, right = in_one_timezone(a, b, limit)
    if left.FIRST != right.FIRST:
        raise CqlError(f"a {type(a).__name__} and a {type(b).__name__} have no order")
    finest = max(left.rank, right.rank) if limit is None else limit
    if limit is None and min(left.rank, right.rank) >= SECOND:
        # Seconds and milliseconds are compared as one precision: missing milliseconds are zero.
        left, right = left.low(), right.low()
    for rank in range(left.FIRST, finest + 1):
        at = rank - left.FIRST
        if at >= len(left.fields) or at >= len(right.fields):
            return None
        if left.fields[at] != right.fields[at]:
            return -1 if left.fields[at] < right.fields[at] else 1
    return 0


def in_one_timezone(a: Temporal, b: Temporal, limit: int | None = None) -> tuple[Temporal, Temporal]:
    """DateTimes with different offsets, both converted to the offset of the request; all other values unchanged.

    `limit` is the rank of the precision to compare at (by default the finest of both). Offsets are normalized for hours
    and finer; at days and coarser the local dates are compared as they are."""
    if isinstance(a, DateTime) and isinstance(b, DateTime) and a.effective_offset != b.effective_offset:
        finest = max(a.rank, b.rank) if limit is None else limit
        if finest >= HOUR:
            return a.at_offset(request_offset()), b.at_offset(request_offset())
    return a, b
