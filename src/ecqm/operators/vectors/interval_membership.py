"""Membership and inclusion in intervals (`elm:19`) and in lists (`elm:20`), which share the names of their operators.

An interval without any boundary takes its point type from the other operand (`ecqm.operators.interval_membership`).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ecqm.columns import Column, IntervalColumn, ListColumn, Mask, NullColumn, broadcast_length
from ecqm.operators.vectors import Result, vector
from ecqm.operators.vectors.answers import Answer, as_result, both, either
from ecqm.operators.vectors.bounds import Bound, Bounds, at_most, bounds_of_both, less, same, unified
from ecqm.operators.vectors.interval import related, same_as
from ecqm.operators.vectors.list_membership import contains_element, included_element, includes_list


def includes(a: Bounds, b: Bounds, precision: str | None) -> Answer | None:
    return both(at_most(a.start, b.start, precision), at_most(b.end, a.end, precision))


def properly_includes(a: Bounds, b: Bounds, precision: str | None) -> Answer | None:
    included, identical = includes(a, b, precision), same_as(a, b, precision)
    return None if included is None or identical is None else included & ~identical


def properly_contains(a: Bounds, b: Bounds, precision: str | None) -> Answer | None:
    return both(less(a.start, b.start, precision), less(b.end, a.end, precision))


def _point_within(container: IntervalColumn, point: Column, precision: str | None) -> Answer | None:
    """Whether a point is between the boundaries of an interval; open boundaries are compared exclusively
    (`ecqm.operators.interval_membership.contains`)."""
    interval, points = unified(container, point)
    assert isinstance(interval, IntervalColumn)
    found = bounds_of_both(interval, points)
    if found is None:
        return None
    a, b = found
    after = at_most(a.start, b.start, precision)
    before = at_most(b.end, a.end, precision)
    bounds = Bound(interval.low, interval.low), Bound(interval.high, interval.high)
    after = _exclusively(after, ~interval.low_closed & interval.low.valid, bounds[0], b.start, precision)
    before = _exclusively(before, ~interval.high_closed & interval.high.valid, b.end, bounds[1], precision)
    if after is None or before is None:
        return None
    known = a.valid & b.valid
    within: Answer | None = (after & before).where(known)
    for bound, closed in zip(bounds, (interval.low_closed, interval.high_closed), strict=True):
        within = _or_on_boundary(within, bound, known & closed & bound.lowest.valid, b.start, precision)
    return within


def _or_on_boundary(
    within: Answer | None, boundary: Bound, is_closed: Mask, point: Bound, precision: str | None
) -> Answer | None:
    """The answer `within`, made true where it is null and `point` is the boundary, in the rows of the mask `is_closed`:
    a closed boundary is within, even if the other boundary is too imprecise to be compared with it."""
    if within is None:
        return None
    unknown = ~within.is_true & ~within.is_false & is_closed
    if not unknown.any():
        return within
    equal = same(boundary, point, precision)
    if equal is None:
        return None
    undecided = None if equal.undecided is None else equal.undecided & unknown
    return Answer(within.is_true | equal.is_true & unknown, within.is_false, either(within.undecided, undecided))


def _exclusively(closed: Answer | None, is_open: Mask, a: Bound, b: Bound, precision: str | None) -> Answer | None:
    """The answer `closed`, replaced in the rows of the mask `is_open` by whether `a` is before `b`."""
    if closed is None or not is_open.any():
        return closed
    exclusive = less(a, b, precision)
    if exclusive is None:
        return None
    none = np.zeros(1, np.bool_)
    undecided = [none if part.undecided is None else part.undecided for part in (exclusive, closed)]
    return Answer(
        np.where(is_open, exclusive.is_true, closed.is_true),
        np.where(is_open, exclusive.is_false, closed.is_false),
        np.where(is_open, *undecided),
    )


def _point_properly_within(container: IntervalColumn, point: Column, precision: str | None) -> Answer | None:
    return related(properly_contains, container, point, precision, bounds_of_both)


def _member(relation: Callable[..., Answer | None], container: Column, point: Column, precision: str | None) -> Result:
    """Membership in intervals: false for a null interval, null for a null point."""
    if isinstance(container, NullColumn) and not isinstance(point, (IntervalColumn, ListColumn)):
        return _in_nothing(point, broadcast_length(container, point), precision)
    if not isinstance(container, IntervalColumn) or isinstance(point, (IntervalColumn, ListColumn)):
        return None
    if isinstance(point, NullColumn):
        return Answer.null(broadcast_length(container, point)).column()
    answer = relation(container, point, precision)
    if answer is None:
        return None
    nowhere = point.valid & ~container.valid
    return Answer(answer.is_true, answer.is_false | nowhere, answer.undecided).column()


def _in_nothing(point: Column, n: int, precision: str | None) -> Result:
    """Membership in an untyped null: false, but for a null point it depends on whether the null is an interval, as it
    is if there is a precision, or a list."""
    known = np.broadcast_to(point.valid, (n,))
    return Answer(known & False, known, None if precision is not None or known.all() else ~known).column()


@vector("Contains")
def contains(container: Column, element: Column, precision: str | None = None) -> Result:
    if isinstance(container, ListColumn):
        return contains_element(container, element)
    return _member(_point_within, container, element, precision)


@vector("In")
def in_(element: Column, container: Column, precision: str | None = None) -> Result:
    return contains(container, element, precision)


@vector("ProperContains")
def proper_contains(container: Column, element: Column, precision: str | None = None) -> Result:
    return _member(_point_properly_within, container, element, precision)


@vector("ProperIn")
def proper_in(element: Column, container: Column, precision: str | None = None) -> Result:
    return _member(_point_properly_within, container, element, precision)


@vector("Includes")
def includes_kernel(container: Column, part: Column, precision: str | None = None) -> Result:
    if precision is not None and (isinstance(part, NullColumn) or isinstance(container, NullColumn)):
        return Answer.null(broadcast_length(container, part)).column()  # with a precision, both are intervals or points
    if isinstance(part, NullColumn):
        return None  # it depends on the type of the null
    if isinstance(container, IntervalColumn):
        return _includes(container, part, precision)
    if isinstance(container, ListColumn):
        return includes_list(container, part) if isinstance(part, ListColumn) else contains_element(container, part)
    return None


def _includes(container: IntervalColumn, part: Column, precision: str | None) -> Result:
    if isinstance(part, IntervalColumn):
        return as_result(related(includes, container, part, precision, bounds_of_both))
    return None if isinstance(part, ListColumn) else as_result(_point_within(container, part, precision))


@vector("IncludedIn")
def included_in(part: Column, container: Column, precision: str | None = None) -> Result:
    if isinstance(container, ListColumn) and not isinstance(part, (ListColumn, NullColumn)):
        return included_element(part, container)
    return includes_kernel(container, part, precision)


def _proper_includes(container: Column, part: Column, precision: str | None) -> Result:
    if precision is not None and (isinstance(part, NullColumn) or isinstance(container, NullColumn)):
        return Answer.null(broadcast_length(container, part)).column()
    if not isinstance(container, IntervalColumn) or isinstance(part, ListColumn):
        return None
    relation = properly_includes if isinstance(part, IntervalColumn) else properly_contains
    return as_result(related(relation, container, part, precision, bounds_of_both))


@vector("ProperIncludes")
def proper_includes(container: Column, part: Column, precision: str | None = None) -> Result:
    return _proper_includes(container, part, precision)


@vector("ProperIncludedIn")
def proper_included_in(part: Column, container: Column, precision: str | None = None) -> Result:
    return _proper_includes(container, part, precision)
