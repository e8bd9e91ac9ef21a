"""Relations of intervals with intervals and points (`elm:19`), including those that dates and times share
(`elm:18`), and the start and end of intervals."""

from __future__ import annotations

from collections.abc import Callable

from ecqm.columns import Column, IntervalColumn, NullColumn, broadcast_length
from ecqm.operators.vectors import Kernel, Result, vector
from ecqm.operators.vectors.answers import Answer, as_result, both, with_rest
from ecqm.operators.vectors.bounds import Bounds, at_most, bounds_of, bounds_of_each, less, same, unified

Relation = Callable[[Bounds, Bounds, str | None], Answer | None]
# The bounds of two operands of a relation: `bounds_of_each` or `bounds_of_both`.
BoundsOf = Callable[[Column, Column], tuple[Bounds, Bounds] | None]


def related(
    relation: Relation, left: Column, right: Column, precision: str | None, bounds: BoundsOf = bounds_of_each
) -> Answer | None:
    """A relation of intervals or points, null where an operand is; None if it is left to the scalars."""
    if isinstance(left, NullColumn) or isinstance(right, NullColumn):
        return Answer.null(broadcast_length(left, right))
    found = bounds(*unified(left, right))
    if found is None:
        return None
    a, b = found
    answer = relation(a, b, precision)
    return None if answer is None else answer.where(a.valid & b.valid)


def same_as(a: Bounds, b: Bounds, precision: str | None) -> Answer | None:
    return both(same(a.start, b.start, precision), same(a.end, b.end, precision))


def before(a: Bounds, b: Bounds, precision: str | None) -> Answer | None:
    return less(a.end, b.start, precision)


def on_or_before(a: Bounds, b: Bounds, precision: str | None) -> Answer | None:
    return at_most(a.end, b.start, precision)


def overlaps(a: Bounds, b: Bounds, precision: str | None) -> Answer | None:
    return both(at_most(a.start, b.end, precision), at_most(b.start, a.end, precision))


def overlaps_before(a: Bounds, b: Bounds, precision: str | None) -> Answer | None:
    return both(less(a.start, b.start, precision), at_most(b.start, a.end, precision))


def overlaps_after(a: Bounds, b: Bounds, precision: str | None) -> Answer | None:
    return both(less(b.end, a.end, precision), at_most(a.start, b.end, precision))


def starts(a: Bounds, b: Bounds, precision: str | None) -> Answer | None:
    return both(same(a.start, b.start, precision), at_most(a.end, b.end, precision))


def ends(a: Bounds, b: Bounds, precision: str | None) -> Answer | None:
    return both(at_most(b.start, a.start, precision), same(a.end, b.end, precision))


# -- kernels ----------------------------------------------------------------------------------------------------------


def _kernel(relation: Relation, turned: bool = False) -> Kernel:
    def kernel(left: Column, right: Column, precision: str | None = None) -> Result:
        return as_result(related(relation, *((right, left) if turned else (left, right)), precision))

    return kernel


same_as_kernel = vector("SameAs")(_kernel(same_as))
before_kernel = vector("Before")(_kernel(before))
after_kernel = vector("After")(_kernel(before, turned=True))
same_or_before_kernel = vector("SameOrBefore")(_kernel(on_or_before))
same_or_after_kernel = vector("SameOrAfter")(_kernel(on_or_before, turned=True))


def _between_intervals(relation: Relation) -> Kernel:
    def kernel(left: Column, right: Column, precision: str | None = None) -> Result:
        if not all(isinstance(column, (IntervalColumn, NullColumn)) for column in (left, right)):
            return None
        return as_result(related(relation, left, right, precision))

    return kernel


overlaps_kernel = vector("Overlaps")(_between_intervals(overlaps))
overlaps_before_kernel = vector("OverlapsBefore")(_between_intervals(overlaps_before))
overlaps_after_kernel = vector("OverlapsAfter")(_between_intervals(overlaps_after))
starts_kernel = vector("Starts")(_between_intervals(starts))
ends_kernel = vector("Ends")(_between_intervals(ends))


# -- boundaries -------------------------------------------------------------------------------------------------------


def _boundary(end: bool) -> Callable[[Column], Result]:
    def kernel(operand: Column) -> Result:
        if isinstance(operand, NullColumn):
            return operand
        if isinstance(operand, IntervalColumn) and {type(operand.low), type(operand.high)} == {NullColumn}:
            return NullColumn(len(operand))
        found = bounds_of(operand) if isinstance(operand, IntervalColumn) else None
        if found is None:
            return None
        bound = found.end if end else found.start
        point = bound.highest if end else bound.lowest
        known = found.valid if bound.uncertain is None else found.valid & ~bound.uncertain
        undecided = None if bound.undecided is None else bound.undecided & known
        return with_rest(point if known.all() else point.where(known), undecided)

    return kernel


start_kernel = vector("Start")(_boundary(end=False))
end_kernel = vector("End")(_boundary(end=True))
