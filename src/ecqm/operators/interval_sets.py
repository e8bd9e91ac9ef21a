"""Intervals as sets of points: union, intersection and difference (CQL reference, Interval Operators; ELM chapter
19)."""

from __future__ import annotations

from typing import Any

from ecqm.operators.interval import meets, overlaps
from ecqm.operators.logical import disjunction
from ecqm.operators.registry import operator, overload
from ecqm.values.boundaries import end_bound, next_after, next_before, start_bound
from ecqm.values.interval import Interval
from ecqm.values.ordering import at_most, less
from ecqm.values.steps import maximum_like, minimum_like

_SET_OPERATION = "(Interval<T>, Interval<T>) -> Interval<T>"

Boundary = tuple[Any, bool]
_UNKNOWN: Boundary = (None, False)
_UNBOUNDED: Boundary = (None, True)


def low_boundary(interval: Interval) -> Boundary:
    """The low boundary as it is written, and whether it is closed."""
    return interval.low, interval.low_closed


def high_boundary(interval: Interval) -> Boundary:
    """The high boundary as it is written, and whether it is closed."""
    return interval.high, interval.high_closed


def _earlier_start(a: Interval, b: Interval) -> Boundary:
    return _lesser(start_bound(a), start_bound(b), low_boundary(a), low_boundary(b))


def _later_start(a: Interval, b: Interval) -> Boundary:
    return _lesser(start_bound(a), start_bound(b), low_boundary(b), low_boundary(a))


def _earlier_end(a: Interval, b: Interval) -> Boundary:
    return _lesser(end_bound(a), end_bound(b), high_boundary(a), high_boundary(b))


def _later_end(a: Interval, b: Interval) -> Boundary:
    return _lesser(end_bound(a), end_bound(b), high_boundary(b), high_boundary(a))


def _lesser(a: Any, b: Any, if_a: Boundary, if_b: Boundary) -> Boundary:
    """`if_a` if the point `a` is at most `b`, `if_b` if `b` is at most `a`; unknown if neither is certain."""
    if at_most(a, b) is True:
        return if_a
    return if_b if at_most(b, a) is True else _UNKNOWN


def _interval(low: Boundary, high: Boundary) -> Interval:
    return Interval(low[0], high[0], low[1], high[1])


def spanning(low: Boundary, high: Boundary, a: Interval, b: Interval) -> Interval:
    """An interval with boundaries of `a` and `b`. The minimum and maximum are written out: two nulls would not show the
    point type."""
    points = [point for point in (a.low, a.high, b.low, b.high) if point is not None]
    if low == high == _UNBOUNDED and points:
        return Interval(minimum_like(points[0]), maximum_like(points[0]))
    return _interval(low, high)


@operator("Union", spec="elm:19.31")
class Union:
    """The interval from the earlier start to the later end; null if the two neither overlap nor meet.

    Of several intervals, the first two are united, then their union with the third, and so on."""

    @overload("(Interval<T>...) -> Interval<T>")
    def intervals(first: Interval, *others: Interval) -> Interval | None:
        united: Interval | None = first
        for other in others:
            united = None if united is None else _united(united, other)
        return united


def _united(a: Interval, b: Interval) -> Interval | None:
    if disjunction(overlaps(a, b), meets(a, b)) is not True:
        return None
    return spanning(_earlier_start(a, b), _later_end(a, b), a, b)


@operator("Intersect", spec="elm:19.15")
class Intersect:
    """The common part of two intervals; null if they do not overlap.

    A boundary of the result is unknown if the boundaries it depends on are unknown or not precise enough."""

    @overload(_SET_OPERATION)
    def intervals(a: Interval, b: Interval) -> Interval | None:
        if overlaps(a, b) is not True:
            return None
        return _interval(_later_start(a, b), _earlier_end(a, b))


@operator("Except", spec="elm:19.10")
class Except:
    """The part of the first interval outside the second; null if there are two such parts, or none."""

    @overload(_SET_OPERATION)
    def intervals(a: Interval, b: Interval) -> Interval | None:
        shared = overlaps(a, b)
        if shared is not True:
            return a if shared is False else None
        before = less(start_bound(a), start_bound(b))
        after = less(end_bound(b), end_bound(a))
        if before is True and after is False:
            return _interval(low_boundary(a), (next_before(start_bound(b)), True))
        if before is False and after is True:
            return _interval((next_after(end_bound(b)), True), high_boundary(a))
        return None
