"""Interval operators: construction, boundaries, and relations (CQL reference, Interval Operators; ELM chapter 19).

All relations are defined by the start and end of intervals (`ecqm.values.boundaries`). An unknown boundary (null and
open) is an uncertainty; a relation is null only if its answer depends on that boundary.
"""

from __future__ import annotations

from typing import Any

from ecqm.operators.logical import Boolean, conjunction, disjunction
from ecqm.operators.registry import NONE, get, operator, overload
from ecqm.values.boundaries import end, end_bound, next_after, next_before, start, start_bound
from ecqm.values.errors import CqlError
from ecqm.values.interval import Interval
from ecqm.values.numbers import DECIMAL_STEP
from ecqm.values.ordering import at_most, less, same
from ecqm.values.quantity import Quantity

INTERVALS = "(Interval<T>, Interval<T>) -> Boolean"
WITH_POINTS = (INTERVALS, "(Interval<T>, T) -> Boolean", "(T, Interval<T>) -> Boolean")

_NUMERIC = ("Integer", "Long", "Decimal", "Quantity")
_SIZES = tuple(f"(Interval<{name}>) -> {name}" for name in _NUMERIC)


def first_point(operand: Any) -> Any:
    """The start of an interval, for comparisons; a point is its own start."""
    return start_bound(operand) if isinstance(operand, Interval) else operand


def last_point(operand: Any) -> Any:
    """The end of an interval, for comparisons; a point is its own end."""
    return end_bound(operand) if isinstance(operand, Interval) else operand


@operator("Interval", spec="elm:19.1")
class IntervalSelector:
    """An interval from two boundaries, each closed or open; a run-time error if it ends before it starts."""

    @overload("(T, T, Boolean, Boolean) -> Interval<T>", nulls=NONE, may_raise=True)
    def boundaries(low: Any, high: Any, low_closed: bool | None, high_closed: bool | None) -> Interval:
        made = Interval(low, high, low_closed is not False, high_closed is not False)
        if low is not None and high is not None and less(end_bound(made), start_bound(made)) is True:
            raise CqlError(f"an interval cannot end before it starts: {low} to {high}")
        return made


@operator("Start", spec="elm:19.29")
class Start:
    """The first point of an interval."""

    @overload("(Interval<T>) -> T")
    def interval(a: Interval) -> Any:
        return start(a)


@operator("End", spec="elm:19.8")
class End:
    """The last point of an interval."""

    @overload("(Interval<T>) -> T")
    def interval(a: Interval) -> Any:
        return end(a)


@operator("PointFrom", spec="elm:19.23")
class PointFrom:
    """The only point of an interval; a run-time error if it has more than one."""

    @overload("(Interval<T>) -> T", may_raise=True)
    def interval(a: Interval) -> Any:
        first, last = start(a), end(a)
        if same(first, last) is False:
            raise CqlError("point from an interval with more than one point")
        return None if last is None else first


@operator("Width", spec="elm:19.32")
class Width:
    """The end minus the start; not defined for dates and times."""

    @overload(*_SIZES)
    def interval(a: Interval) -> Any:
        return _width(a)


@operator("Size", spec="elm:19.28")
class Size:
    """The width plus one step of the point type; for integers, the number of points."""

    @overload(*_SIZES)
    def interval(a: Interval) -> Any:
        width = _width(a)
        match width:
            case None:
                return None
            case Quantity(_, unit):
                step: Any = Quantity(DECIMAL_STEP, unit)
            case int():
                step = type(width)(1)
            case _:
                step = DECIMAL_STEP
        return get("Add").call(width, step)


def _width(interval: Interval) -> Any:
    return get("Subtract").call(end(interval), start(interval))


@operator("SameAs", spec="elm:18.14")
class SameAs:
    """Whether two intervals start and end at the same points."""

    @overload(INTERVALS)
    def intervals(a: Interval, b: Interval, *, precision: str | None = None) -> Boolean:
        return conjunction(same(start_bound(a), start_bound(b), precision), same(end_bound(a), end_bound(b), precision))


@operator("SameOrBefore", spec="elm:18.15")
class SameOrBefore:
    """Whether the first interval or point ends on or before the start of the second."""

    @overload(*WITH_POINTS)
    def intervals(a: Any, b: Any, *, precision: str | None = None) -> Boolean:
        return at_most(last_point(a), first_point(b), precision)


@operator("SameOrAfter", spec="elm:18.16")
class SameOrAfter:
    """Whether the first interval or point starts on or after the end of the second."""

    @overload(*WITH_POINTS)
    def intervals(a: Any, b: Any, *, precision: str | None = None) -> Boolean:
        return at_most(last_point(b), first_point(a), precision)


@operator("Before", spec="elm:19.3")
class Before:
    """Whether the first interval or point ends before the second starts."""

    @overload(*WITH_POINTS)
    def intervals(a: Any, b: Any, *, precision: str | None = None) -> Boolean:
        return less(last_point(a), first_point(b), precision)


@operator("After", spec="elm:19.2")
class After:
    """Whether the first interval or point starts after the second ends."""

    @overload(*WITH_POINTS)
    def intervals(a: Any, b: Any, *, precision: str | None = None) -> Boolean:
        return less(last_point(b), first_point(a), precision)


@operator("Meets", spec="elm:19.17")
class Meets:
    """Whether one interval ends immediately before the other starts."""

    @overload(INTERVALS)
    def intervals(a: Interval, b: Interval, *, precision: str | None = None) -> Boolean:
        return meets(a, b, precision)


@operator("MeetsBefore", spec="elm:19.18")
class MeetsBefore:
    """Whether the first interval ends immediately before the second starts."""

    @overload(INTERVALS)
    def intervals(a: Interval, b: Interval, *, precision: str | None = None) -> Boolean:
        return meets_before(a, b, precision)


@operator("MeetsAfter", spec="elm:19.19")
class MeetsAfter:
    """Whether the first interval starts immediately after the second ends."""

    @overload(INTERVALS)
    def intervals(a: Interval, b: Interval, *, precision: str | None = None) -> Boolean:
        return meets_after(a, b, precision)


def meets(a: Interval, b: Interval, precision: str | None = None) -> Boolean:
    """Whether two intervals meet, in either order."""
    return disjunction(meets_before(a, b, precision), meets_after(a, b, precision))


def meets_before(a: Interval, b: Interval, precision: str | None = None) -> Boolean:
    """Whether the end of `a` is the predecessor of the start of `b`; with a `precision`, in the unit of it before."""
    last, first = end_bound(a), start_bound(b)
    return False if _cannot_adjoin(last, first, precision) else same(last, next_before(first, precision), precision)


def meets_after(a: Interval, b: Interval, precision: str | None = None) -> Boolean:
    """Whether the start of `a` is the successor of the end of `b`; with a `precision`, in the unit of it after."""
    first, last = start_bound(a), end_bound(b)
    return False if _cannot_adjoin(last, first, precision) else same(first, next_after(last, precision), precision)


def _cannot_adjoin(last: Any, first: Any, precision: str | None) -> bool:
    """Whether `first` cannot be the successor of `last`, because one is the minimum or the other the maximum."""
    if last is None or first is None:
        return False
    return next_after(last, precision) is None or next_before(first, precision) is None


@operator("Overlaps", spec="elm:19.20")
class Overlaps:
    """Whether two intervals share a point."""

    @overload(INTERVALS)
    def intervals(a: Interval, b: Interval, *, precision: str | None = None) -> Boolean:
        return overlaps(a, b, precision)


def overlaps(a: Interval, b: Interval, precision: str | None = None) -> Boolean:
    """Whether each of two intervals starts on or before the end of the other."""
    return conjunction(
        at_most(start_bound(a), end_bound(b), precision), at_most(start_bound(b), end_bound(a), precision)
    )


@operator("OverlapsBefore", spec="elm:19.21")
class OverlapsBefore:
    """Whether the first interval starts before the second and ends on or after its start."""

    @overload(INTERVALS)
    def intervals(a: Interval, b: Interval, *, precision: str | None = None) -> Boolean:
        return conjunction(
            less(start_bound(a), start_bound(b), precision), at_most(start_bound(b), end_bound(a), precision)
        )


@operator("OverlapsAfter", spec="elm:19.22")
class OverlapsAfter:
    """Whether the first interval ends after the second and starts on or before its end."""

    @overload(INTERVALS)
    def intervals(a: Interval, b: Interval, *, precision: str | None = None) -> Boolean:
        return conjunction(
            less(end_bound(b), end_bound(a), precision), at_most(start_bound(a), end_bound(b), precision)
        )


@operator("Starts", spec="elm:19.30")
class Starts:
    """Whether both intervals start at the same point and the first does not end after the second."""

    @overload(INTERVALS)
    def intervals(a: Interval, b: Interval, *, precision: str | None = None) -> Boolean:
        return conjunction(
            same(start_bound(a), start_bound(b), precision), at_most(end_bound(a), end_bound(b), precision)
        )


@operator("Ends", spec="elm:19.9")
class Ends:
    """Whether both intervals end at the same point and the first does not start before the second."""

    @overload(INTERVALS)
    def intervals(a: Interval, b: Interval, *, precision: str | None = None) -> Boolean:
        return conjunction(
            at_most(start_bound(b), start_bound(a), precision), same(end_bound(a), end_bound(b), precision)
        )
