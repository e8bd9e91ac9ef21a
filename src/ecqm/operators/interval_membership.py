"""Membership and inclusion in intervals (CQL reference, Interval Operators; ELM chapter 19).

A closed null boundary stands for the minimum or maximum of the point type. If both boundaries are null, the interval
itself does not show its point type; the operators here take it from the other operand.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ecqm.operators.logical import Boolean, conjunction, negation
from ecqm.operators.registry import NONE, operator, overload
from ecqm.values.boundaries import end_bound, start_bound
from ecqm.values.interval import Interval
from ecqm.values.ordering import at_most, highest, less, lowest, same
from ecqm.values.steps import maximum_like, minimum_like

_CONTAINER_AND_POINT = "(Interval<T>, T) -> Boolean"
_POINT_AND_CONTAINER = "(T, Interval<T>) -> Boolean"
_INTERVALS = "(Interval<T>, Interval<T>) -> Boolean"

# Relates an interval and a point, with a precision.
_Relation = Callable[[Interval, Any, str | None], Boolean]


def contains(interval: Interval, point: Any, precision: str | None = None) -> Boolean:
    """Whether a point is between the boundaries of an interval (`elm:19.5`, `elm:19.12`).

    An open boundary is compared exclusively, so that with a precision its whole day, month, … is excluded. A point that
    is a closed boundary is within, also where the other boundary is too imprecise to compare it with."""
    first, last = _bounds_beside(interval, point)
    if interval.low is not None and not interval.low_closed:
        after = less(interval.low, point, precision)
    else:
        after = at_most(first, point, precision)
    if interval.high is not None and not interval.high_closed:
        before = less(point, interval.high, precision)
    else:
        before = at_most(point, last, precision)
    within = conjunction(after, before)
    return True if within is None and _is_boundary(interval, point, precision) else within


def _is_boundary(interval: Interval, point: Any, precision: str | None) -> bool:
    """Whether a point is a closed boundary of an interval."""
    boundaries = ((interval.low, interval.low_closed), (interval.high, interval.high_closed))
    return any(closed and bound is not None and same(bound, point, precision) for bound, closed in boundaries)


def properly_contains(interval: Interval, point: Any, precision: str | None = None) -> Boolean:
    """Whether a point is in an interval, and is neither its start nor its end."""
    first, last = _bounds_beside(interval, point)
    return conjunction(less(first, point, precision), less(point, last, precision))


def includes(a: Interval, b: Interval, precision: str | None = None) -> Boolean:
    """Whether `a` starts on or before the start of `b` and ends on or after its end."""
    (start_a, end_a), (start_b, end_b) = _bounds_of_both(a, b)
    return conjunction(at_most(start_a, start_b, precision), at_most(end_b, end_a, precision))


def properly_includes(a: Interval, b: Interval, precision: str | None = None) -> Boolean:
    """Whether `a` includes `b` and the two are not the same."""
    (start_a, end_a), (start_b, end_b) = _bounds_of_both(a, b)
    identical = conjunction(same(start_a, start_b, precision), same(end_a, end_b, precision))
    return conjunction(includes(a, b, precision), negation(identical))


def _bounds_of_both(a: Interval, b: Interval) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    return _bounds_beside(a, _some_point(b)), _bounds_beside(b, _some_point(a))


def _some_point(interval: Interval) -> Any:
    return interval.low if interval.low is not None else interval.high


def _bounds_beside(interval: Interval, point: Any) -> tuple[Any, Any]:
    """Start and end of an interval; `point` gives the point type if the interval has no boundary."""
    first, last = start_bound(interval), end_bound(interval)
    sample = lowest(point) if lowest(point) is not None else highest(point)
    if _some_point(interval) is None and sample is not None:
        first = minimum_like(sample) if interval.low_closed else first
        last = maximum_like(sample) if interval.high_closed else last
    return first, last


@operator("Contains", spec="elm:19.5")
class Contains:
    """Whether an interval contains a point; false for a null interval, null for a null point."""

    @overload(_CONTAINER_AND_POINT, nulls=NONE)
    def interval(a: Interval | None, b: Any, *, precision: str | None = None) -> Boolean:
        return _member(contains, a, b, precision)


@operator("In", spec="elm:19.12")
class In:
    """Whether a point is in an interval; false for a null interval, null for a null point."""

    @overload(_POINT_AND_CONTAINER, nulls=NONE)
    def interval(a: Any, b: Interval | None, *, precision: str | None = None) -> Boolean:
        return _member(contains, b, a, precision)


@operator("ProperContains", spec="elm:19.24")
class ProperContains:
    """Whether an interval contains a point, and the point is neither its start nor its end."""

    @overload(_CONTAINER_AND_POINT, nulls=NONE)
    def interval(a: Interval | None, b: Any, *, precision: str | None = None) -> Boolean:
        return _member(properly_contains, a, b, precision)


@operator("ProperIn", spec="elm:19.25")
class ProperIn:
    """Whether a point is in an interval, and is neither its start nor its end."""

    @overload(_POINT_AND_CONTAINER, nulls=NONE)
    def interval(a: Any, b: Interval | None, *, precision: str | None = None) -> Boolean:
        return _member(properly_contains, b, a, precision)


def _member(relation: _Relation, interval: Interval | None, point: Any, precision: str | None) -> Boolean:
    if point is None:
        return None
    return False if interval is None else relation(interval, point, precision)


@operator("Includes", spec="elm:19.13")
class Includes:
    """Whether the first interval includes the second, or contains a point."""

    @overload(_INTERVALS)
    def intervals(a: Interval, b: Interval, *, precision: str | None = None) -> Boolean:
        return includes(a, b, precision)

    @overload(_CONTAINER_AND_POINT)
    def point(a: Interval, b: Any, *, precision: str | None = None) -> Boolean:
        return contains(a, b, precision)


@operator("IncludedIn", spec="elm:19.14")
class IncludedIn:
    """Whether the first interval, or a point, is included in the second."""

    @overload(_INTERVALS)
    def intervals(a: Interval, b: Interval, *, precision: str | None = None) -> Boolean:
        return includes(b, a, precision)

    @overload(_POINT_AND_CONTAINER)
    def point(a: Any, b: Interval, *, precision: str | None = None) -> Boolean:
        return contains(b, a, precision)


@operator("ProperIncludes", spec="elm:19.26")
class ProperIncludes:
    """Whether the first interval includes the second and is not the same; for a point, see ProperContains."""

    @overload(_INTERVALS)
    def intervals(a: Interval, b: Interval, *, precision: str | None = None) -> Boolean:
        return properly_includes(a, b, precision)

    @overload(_CONTAINER_AND_POINT)
    def point(a: Interval, b: Any, *, precision: str | None = None) -> Boolean:
        return properly_contains(a, b, precision)


@operator("ProperIncludedIn", spec="elm:19.27")
class ProperIncludedIn:
    """Whether the first interval is included in the second and is not the same; for a point, see ProperIn."""

    @overload(_INTERVALS)
    def intervals(a: Interval, b: Interval, *, precision: str | None = None) -> Boolean:
        return properly_includes(b, a, precision)

    @overload(_POINT_AND_CONTAINER)
    def point(a: Any, b: Interval, *, precision: str | None = None) -> Boolean:
        return properly_contains(b, a, precision)
