"""Collapse: intervals merged where they overlap or meet (CQL reference, Collapse; ELM chapter 19)."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from functools import cmp_to_key
from typing import Any

from ecqm.operators.interval_sets import high_boundary, low_boundary, spanning
from ecqm.operators.registry import NONE, operator, overload
from ecqm.values import calendar
from ecqm.values.boundaries import end, next_after, start
from ecqm.values.errors import CqlError
from ecqm.values.interval import Interval, Uncertainty
from ecqm.values.ordering import at_most, compare
from ecqm.values.quantity import Quantity
from ecqm.values.temporal import PRECISIONS, Temporal
from ecqm.values.units import convert


@operator("Collapse", spec="elm:19.4")
class Collapse:
    """The intervals with those merged that overlap or meet, or that are at most `per` apart. Nulls, and intervals whose
    start or end is unknown, are left out."""

    @overload("(List<Interval<T>>) -> List<Interval<T>>", may_raise=True)
    def intervals(source: Sequence[Interval | None]) -> tuple[Interval, ...]:
        return collapse(source, None)

    @overload("(List<Interval<T>>, Quantity) -> List<Interval<T>>", nulls=NONE, may_raise=True)
    def per(source: Sequence[Interval | None] | None, per: Quantity | None) -> tuple[Interval, ...] | None:
        return None if source is None else collapse(source, per)


def collapse(source: Sequence[Interval | None], per: Quantity | None) -> tuple[Interval, ...]:
    """The intervals that are not null and have a known start and end, in the order of their starts, with those merged
    that overlap, meet, or are at most `per` apart. Raises CqlError if `per` does not measure their points."""
    known = [interval for interval in source if interval is not None and _is_placed(interval)]
    known.sort(key=cmp_to_key(_by_start))
    merged: list[Interval] = []
    precision = coarsest_precision(known) if per is None else _unit_precision(per, known)
    for interval in known:
        if merged and at_most(start(interval), _reach(merged[-1], per, precision), precision) is True:
            last = merged[-1]
            later = at_most(end(last), end(interval)) is True
            merged[-1] = spanning(low_boundary(last), high_boundary(interval if later else last), last, interval)
        else:
            merged.append(interval)
    return tuple(merged)


def _is_placed(interval: Interval) -> bool:
    points = start(interval), end(interval)
    return not any(point is None or isinstance(point, Uncertainty) for point in points)


def _by_start(a: Interval, b: Interval) -> int:
    first, second = start(a), start(b)
    order = compare(first, second)
    if order is None and isinstance(first, Temporal):
        order = compare(first.low(), second.low())
    return order or 0


def _reach(interval: Interval, per: Quantity | None, precision: str | None) -> Any:
    """The last point at which the next interval may start to be merged with this one."""
    last = end(interval)
    if isinstance(last, Temporal) and precision is not None:
        last = last.truncated(precision)
    if per is None:
        following = next_after(last)
        return last if following is None else following
    if isinstance(last, Temporal):
        try:
            return calendar.add(last, per.value, per.unit, wrap=False)
        except CqlError:
            return last
    if isinstance(last, Quantity):
        return Quantity(last.value + measured_in(per, last.unit), last.unit)
    return Decimal(last) + measured_in(per, "1")


def measured_in(per: Quantity, unit: str) -> Decimal:
    """`per` in the unit of the points (1 for plain numbers). Raises CqlError if the dimensions differ."""
    value = convert(per.value, per.unit, unit)
    if value is None:
        raise CqlError(f"{per.unit!r} does not measure an interval of {unit!r}")
    return value.normalize()


def coarsest_precision(intervals: Sequence[Interval]) -> str | None:
    """The coarsest precision among the boundaries of intervals of dates or times; None for other intervals."""
    ranks = [
        point.rank for interval in intervals for point in (interval.low, interval.high) if isinstance(point, Temporal)
    ]
    return PRECISIONS[min(ranks)] if ranks else None


def _unit_precision(per: Quantity, intervals: Sequence[Interval]) -> str | None:
    return precision_of(per) if any(isinstance(start(interval), Temporal) for interval in intervals) else None


def precision_of(duration: Quantity) -> str:
    """The precision of a duration's unit: for weeks, the day."""
    name = calendar.time_unit(duration.unit)
    return "day" if name == "week" else name
