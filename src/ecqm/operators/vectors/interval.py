"""Relations of intervals with intervals and points (`elm:19`), including those that dates and times share
(`elm:18`), and the start and end of intervals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ecqm.columns import Column, IntervalColumn, ListColumn, Mask, NullColumn, broadcast_length
from ecqm.operators.vectors import vector
from ecqm.operators.vectors.answers import Answer, either, with_rest
from ecqm.operators.vectors.bounds import Bound, Bounds, at_most, both_bounds, bounds_of, less, same, unified
from ecqm.operators.vectors.membership import contains_element, included_element, includes_list

Relation = Callable[[Bounds, Bounds, str | None], Answer | None]


def _both(one: Answer | None, other: Answer | None) -> Answer | None:
    return None if one is None or other is None else one & other


def _relation(relation: Relation, left: Column, right: Column, precision: str | None) -> Any:
    """A relation of intervals or points as the result of a kernel, null where an operand is."""
    found = _related(relation, left, right, precision)
    return NotImplemented if found is None else found.column()


def _related(relation: Relation, left: Column, right: Column, precision: str | None) -> Answer | None:
    if isinstance(left, NullColumn) or isinstance(right, NullColumn):
        return _all_null(left, right)
    left, right = unified(left, right)
    found = both_bounds(left, right) if relation in INCLUSIONS else _bounds_each(left, right)
    if found is None:
        return None
    a, b = found
    answer = relation(a, b, precision)
    return None if answer is None else answer.where(a.valid & b.valid)


def _bounds_each(left: Column, right: Column) -> tuple[Bounds, Bounds] | None:
    a, b = bounds_of(left), bounds_of(right)
    return None if a is None or b is None else (a, b)


def _all_null(left: Column, right: Column) -> Answer:
    none = np.zeros(broadcast_length(left, right), np.bool_)
    return Answer(none, none)


def includes(a: Bounds, b: Bounds, precision: str | None) -> Answer | None:
    return _both(at_most(a.start, b.start, precision), at_most(b.end, a.end, precision))


def properly_includes(a: Bounds, b: Bounds, precision: str | None) -> Answer | None:
    included, identical = includes(a, b, precision), same_as(a, b, precision)
    return None if included is None or identical is None else included & ~identical


def properly_contains(a: Bounds, b: Bounds, precision: str | None) -> Answer | None:
    return _both(less(a.start, b.start, precision), less(b.end, a.end, precision))


def same_as(a: Bounds, b: Bounds, precision: str | None) -> Answer | None:
    return _both(same(a.start, b.start, precision), same(a.end, b.end, precision))


def before(a: Bounds, b: Bounds, precision: str | None) -> Answer | None:
    return less(a.end, b.start, precision)


def on_or_before(a: Bounds, b: Bounds, precision: str | None) -> Answer | None:
    return at_most(a.end, b.start, precision)


def overlaps(a: Bounds, b: Bounds, precision: str | None) -> Answer | None:
    return _both(at_most(a.start, b.end, precision), at_most(b.start, a.end, precision))


def overlaps_before(a: Bounds, b: Bounds, precision: str | None) -> Answer | None:
    return _both(less(a.start, b.start, precision), at_most(b.start, a.end, precision))


def overlaps_after(a: Bounds, b: Bounds, precision: str | None) -> Answer | None:
    return _both(less(b.end, a.end, precision), at_most(a.start, b.end, precision))


def starts(a: Bounds, b: Bounds, precision: str | None) -> Answer | None:
    return _both(same(a.start, b.start, precision), at_most(a.end, b.end, precision))


def ends(a: Bounds, b: Bounds, precision: str | None) -> Answer | None:
    return _both(at_most(b.start, a.start, precision), same(a.end, b.end, precision))


# Relations in which an interval without any boundary takes its point type from the other operand.
INCLUSIONS = (includes, properly_includes, properly_contains)


def _kernel(relation: Relation, turned: bool = False) -> Callable[..., Any]:
    def kernel(left: Column, right: Column, precision: str | None = None) -> Any:
        return _relation(relation, *((right, left) if turned else (left, right)), precision)

    return kernel


same_as_kernel = vector("SameAs")(_kernel(same_as))
before_kernel = vector("Before")(_kernel(before))
after_kernel = vector("After")(_kernel(before, turned=True))
same_or_before_kernel = vector("SameOrBefore")(_kernel(on_or_before))
same_or_after_kernel = vector("SameOrAfter")(_kernel(on_or_before, turned=True))


def _between_intervals(relation: Relation) -> Callable[..., Any]:
    def kernel(left: Column, right: Column, precision: str | None = None) -> Any:
        if not all(isinstance(column, (IntervalColumn, NullColumn)) for column in (left, right)):
            return NotImplemented
        return _relation(relation, left, right, precision)

    return kernel


overlaps_kernel = vector("Overlaps")(_between_intervals(overlaps))
overlaps_before_kernel = vector("OverlapsBefore")(_between_intervals(overlaps_before))
overlaps_after_kernel = vector("OverlapsAfter")(_between_intervals(overlaps_after))
starts_kernel = vector("Starts")(_between_intervals(starts))
ends_kernel = vector("Ends")(_between_intervals(ends))


# -- membership -------------------------------------------------------------------------------------------------------


def _point_within(container: IntervalColumn, point: Column, precision: str | None) -> Answer | None:
    """Whether a point is between the boundaries of an interval; open boundaries are compared exclusively
    (`ecqm.operators.membership.contains`)."""
    interval, points = unified(container, point)
    assert isinstance(interval, IntervalColumn)
    found = both_bounds(interval, points)
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
    within = (after & before).where(a.valid & b.valid)
    for bound, closed in zip(bounds, (interval.low_closed, interval.high_closed), strict=True):
        unknown = ~within.is_true & ~within.is_false & a.valid & b.valid & closed & bound.lowest.valid
        if unknown.any():
            equal = same(bound, b.start, precision)
            if equal is None:
                return None
            left = None if equal.undecided is None else equal.undecided & unknown
            within = Answer(within.is_true | equal.is_true & unknown, within.is_false, either(within.undecided, left))
    return within


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
    return _related(properly_contains, container, point, precision)


def _member(relation: Callable[..., Answer | None], container: Column, point: Column, precision: str | None) -> Any:
    """Membership in intervals: false for a null interval, null for a null point."""
    if isinstance(container, NullColumn) and not isinstance(point, (IntervalColumn, ListColumn)):
        return _in_nothing(point, broadcast_length(container, point), precision)
    if not isinstance(container, IntervalColumn) or isinstance(point, (IntervalColumn, ListColumn)):
        return NotImplemented
    answer = _all_null(container, point) if isinstance(point, NullColumn) else relation(container, point, precision)
    if answer is None:
        return NotImplemented
    nowhere = point.valid & ~container.valid
    return Answer(answer.is_true, answer.is_false | nowhere, answer.undecided).column()


def _in_nothing(point: Column, n: int, precision: str | None) -> Any:
    """Membership in an untyped null: false, but for a null point it depends on whether the null is an interval, as it
    is if there is a precision, or a list."""
    known = np.broadcast_to(point.valid, (n,))
    return Answer(known & False, known, None if precision is not None or known.all() else ~known).column()


@vector("Contains")
def contains(container: Column, element: Column, precision: str | None = None) -> Any:
    if isinstance(container, ListColumn):
        return contains_element(container, element)
    return _member(_point_within, container, element, precision)


@vector("In")
def in_(element: Column, container: Column, precision: str | None = None) -> Any:
    return contains(container, element, precision)


@vector("ProperContains")
def proper_contains(container: Column, element: Column, precision: str | None = None) -> Any:
    return _member(_point_properly_within, container, element, precision)


@vector("ProperIn")
def proper_in(element: Column, container: Column, precision: str | None = None) -> Any:
    return _member(_point_properly_within, container, element, precision)


@vector("Includes")
def includes_kernel(container: Column, part: Column, precision: str | None = None) -> Any:
    if precision is not None and (isinstance(part, NullColumn) or isinstance(container, NullColumn)):
        return _all_null(container, part).column()  # with a precision, both are intervals or points
    if isinstance(part, NullColumn):
        return NotImplemented  # it depends on the type of the null
    if isinstance(container, IntervalColumn):
        return _includes(container, part, precision)
    if isinstance(container, ListColumn):
        return includes_list(container, part) if isinstance(part, ListColumn) else contains_element(container, part)
    return NotImplemented


def _includes(container: IntervalColumn, part: Column, precision: str | None) -> Any:
    if isinstance(part, IntervalColumn):
        return _relation(includes, container, part, precision)
    answer = None if isinstance(part, ListColumn) else _point_within(container, part, precision)
    return NotImplemented if answer is None else answer.column()


@vector("IncludedIn")
def included_in(part: Column, container: Column, precision: str | None = None) -> Any:
    if isinstance(container, ListColumn) and not isinstance(part, (ListColumn, NullColumn)):
        return included_element(part, container)
    return includes_kernel(container, part, precision)


def _proper_includes(container: Column, part: Column, precision: str | None) -> Any:
    if precision is not None and (isinstance(part, NullColumn) or isinstance(container, NullColumn)):
        return _all_null(container, part).column()
    if not isinstance(container, IntervalColumn) or isinstance(part, ListColumn):
        return NotImplemented
    relation = properly_includes if isinstance(part, IntervalColumn) else properly_contains
    return _relation(relation, container, part, precision)


@vector("ProperIncludes")
def proper_includes(container: Column, part: Column, precision: str | None = None) -> Any:
    return _proper_includes(container, part, precision)


@vector("ProperIncludedIn")
def proper_included_in(part: Column, container: Column, precision: str | None = None) -> Any:
    return _proper_includes(container, part, precision)


# -- boundaries -------------------------------------------------------------------------------------------------------


def _boundary(end: bool) -> Callable[[Column], Any]:
    def kernel(operand: Column) -> Any:
        if isinstance(operand, NullColumn):
            return operand
        if isinstance(operand, IntervalColumn) and {type(operand.low), type(operand.high)} == {NullColumn}:
            return NullColumn(len(operand))
        found = bounds_of(operand) if isinstance(operand, IntervalColumn) else None
        if found is None:
            return NotImplemented
        bound = found.end if end else found.start
        point = bound.highest if end else bound.lowest
        known = found.valid if bound.uncertain is None else found.valid & ~bound.uncertain
        undecided = None if bound.undecided is None else bound.undecided & known
        return with_rest(point if known.all() else point.where(known), undecided)

    return kernel


start_kernel = vector("Start")(_boundary(end=False))
end_kernel = vector("End")(_boundary(end=True))
