"""Successor, predecessor, minimum and maximum of point types (CQL reference, arithmetic operators)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from ecqm.types import core as t
from ecqm.values import numbers
from ecqm.values.calendar import add
from ecqm.values.errors import CqlError
from ecqm.values.interval import Uncertainty
from ecqm.values.numbers import Long
from ecqm.values.quantity import Quantity
from ecqm.values.temporal import (
    MAX_DATE,
    MAX_DATETIME,
    MAX_TIME,
    MIN_DATE,
    MIN_DATETIME,
    MIN_TIME,
    Date,
    DateTime,
    Temporal,
    Time,
    precision_index,
)

_BOUNDS: dict[t.CqlType, tuple[Any, Any]] = {
    t.INTEGER: (numbers.MIN_INTEGER, numbers.MAX_INTEGER),
    t.LONG: (Long(numbers.MIN_LONG), Long(numbers.MAX_LONG)),
    t.DECIMAL: (numbers.MIN_DECIMAL, numbers.MAX_DECIMAL),
    t.QUANTITY: (Quantity(numbers.MIN_DECIMAL), Quantity(numbers.MAX_DECIMAL)),
    t.DATE: (MIN_DATE, MAX_DATE),
    t.DATETIME: (MIN_DATETIME, MAX_DATETIME),
    t.TIME: (MIN_TIME, MAX_TIME),
}

_KINDS: dict[type, t.CqlType] = {
    int: t.INTEGER,
    Long: t.LONG,
    Decimal: t.DECIMAL,
    Quantity: t.QUANTITY,
    Date: t.DATE,
    DateTime: t.DATETIME,
    Time: t.TIME,
}


def minimum(type_: t.CqlType) -> Any:
    """The least value of a point type. Raises CqlError for other types."""
    return _bounds(type_)[0]


def maximum(type_: t.CqlType) -> Any:
    """The greatest value of a point type. Raises CqlError for other types."""
    return _bounds(type_)[1]


def _bounds(type_: t.CqlType) -> tuple[Any, Any]:
    if type_ not in _BOUNDS:
        raise CqlError(f"{type_} has neither a minimum nor a maximum")
    return _BOUNDS[type_]


def minimum_like(point: Any) -> Any:
    """The least value of the type of `point`; for quantities, in its unit."""
    return _bound_like(point, 0)


def maximum_like(point: Any) -> Any:
    """The greatest value of the type of `point`; for quantities, in its unit."""
    return _bound_like(point, 1)


def _bound_like(point: Any, side: int) -> Any:
    if type(point) not in _KINDS:
        raise CqlError(f"{type(point).__name__} is not a point type of intervals")
    bound = _BOUNDS[_KINDS[type(point)]][side]
    if isinstance(bound, Quantity):
        return Quantity(bound.value, point.unit)
    return bound


def successor(point: Any, precision: str | None = None) -> Any:
    """The next value at the precision of `point`, or one unit of `precision` later. Both bounds of an
    uncertainty move. Raises CqlError at the maximum."""
    return _step(point, 1, precision)


def predecessor(point: Any, precision: str | None = None) -> Any:
    """The previous value at the precision of `point`, or one unit of `precision` earlier. Raises CqlError at the
    minimum."""
    return _step(point, -1, precision)


def _step(point: Any, direction: int, precision: str | None = None) -> Any:
    match point:
        case Uncertainty(low, high):
            moved = [None if bound is None else _step(bound, direction, precision) for bound in (low, high)]
            return Uncertainty(*moved)
        case Temporal():
            if precision is not None and point.rank < min(precision_index(precision), point.LAST):
                # The point may be any value of the finer precision.
                return _step(Uncertainty(point.low(precision), point.high(precision)), direction, precision)
            try:
                return add(point, Decimal(direction), precision or point.precision, wrap=False)
            except CqlError:
                raise _at_the_end(point, direction) from None
        case Quantity(value, unit):
            return Quantity(_step(value, direction), unit)
        case Decimal():
            stepped: Any = point + direction * numbers.DECIMAL_STEP
        case int():
            stepped = type(point)(point + direction)
        case _:
            raise CqlError(f"{type(point).__name__} is not a point type of intervals")
    if not minimum_like(point) <= stepped <= maximum_like(point):
        raise _at_the_end(point, direction)
    return stepped


def _at_the_end(point: Any, direction: int) -> CqlError:
    return CqlError(f"{point} has no {'successor' if direction > 0 else 'predecessor'}")
