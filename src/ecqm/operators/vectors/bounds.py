"""The start and end of intervals, for comparisons, and relations between them (as in `ecqm.values.boundaries` and
`ecqm.values.ordering`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ecqm.columns import ChoiceColumn, Column, IntervalColumn, Mask, NullColumn
from ecqm.operators.vectors.answers import Answer, either
from ecqm.operators.vectors.order import Order, alike, order
from ecqm.operators.vectors.steps import filled, stepped


class Bound(NamedTuple):
    """A point per row, from `lowest` to `highest`. The two differ only in the `uncertain` rows, where null means that
    the range is unbounded; in all other rows null means that there is no point. `undecided` rows are left to the
    scalars. None stands for no rows."""

    lowest: Column
    highest: Column
    uncertain: Mask | None = None
    undecided: Mask | None = None


class Bounds(NamedTuple):
    """The start and end of each interval of a column (of a column of points, the points), and where it is `valid`."""

    start: Bound
    end: Bound
    valid: Mask


def bounds_of(column: Column, beside: Column | None = None) -> Bounds | None:
    """The bounds of intervals or points; None for layouts that are left to the scalars.

    A closed null boundary is the minimum or maximum of the point type. If both boundaries are null, that is so only
    where `beside`, the other operand of an inclusion, has a point to show the type."""
    if not isinstance(column, IntervalColumn):
        point = Bound(column, column)
        return Bounds(point, point, column.valid)
    low, high = column.low, column.high
    if type(low) is not type(high) or isinstance(low, (ChoiceColumn, NullColumn)):
        return None
    shown = np.zeros(1, np.bool_) if beside is None else _shows_a_point(beside)
    first = _edge(column, low, high, column.low_closed, shown, 0)
    last = _edge(column, high, low, column.high_closed, shown, 1)
    return Bounds(_with_uncertain(first, last, 0), _with_uncertain(last, first, 1), column.valid)


def _shows_a_point(column: Column) -> Mask:
    if isinstance(column, IntervalColumn):
        return column.valid & (column.low.valid | column.high.valid)
    return column.valid


class _Edge(NamedTuple):
    """One end of intervals: the points where they are known; masks of where the end is unknown (null and open) and
    where it is left to the scalars; and where a boundary was `written`, that is, not null."""

    point: Column
    unknown: Mask | None
    undecided: Mask | None
    written: Mask


def _edge(column: IntervalColumn, bound: Column, other: Column, closed: Mask, type_shown: Mask, end: int) -> _Edge:
    """The low (`end` 0) or high (1) end of intervals, of which `bound` and `closed` are the boundaries. `type_shown` is
    where another operand shows the point type."""
    present = bound.valid
    point, undecided, unknown = bound, None, None
    if not closed.all():
        is_open = present & ~closed & column.valid
        if is_open.any():
            moved = stepped(bound, -1 if end else 1, is_open)
            if moved is None:
                undecided = is_open
            else:
                point, beyond = moved
                undecided = beyond if beyond.any() else None
        missing = ~present & ~closed & column.valid
        unknown = missing if missing.any() else None
    unbounded = ~present & closed & column.valid
    if unbounded.any():
        shown = unbounded & (other.valid | type_shown)
        full = filled(point, end, shown) if len(shown) == len(point) else None
        if full is None:
            undecided = either(undecided, shown)
        else:
            point = full
    return _Edge(point, unknown, undecided, present)


def _with_uncertain(edge: _Edge, other: _Edge, end: int) -> Bound:
    """The Bound of one edge: an unknown start may be anything up to the `other` edge, an unknown end anything from
    it."""
    if edge.unknown is None:
        return Bound(edge.point, edge.point, None, edge.undecided)
    undecided = either(edge.undecided, None if other.undecided is None else other.undecided & edge.unknown)
    n = len(edge.point)
    far = edge.point.concat([other.point]).take(np.where(edge.unknown, np.arange(n) + n, np.arange(n)))
    # Without any boundary, an interval with an unknown end is left to the scalars.
    boundless = edge.unknown & ~other.written
    if boundless.any():
        undecided = either(undecided, boundless)
    lowest, highest = (far, edge.point) if end else (edge.point, far)
    return Bound(lowest, highest, edge.unknown, undecided)


# -- relations of bounds ----------------------------------------------------------------------------------------------


def less(a: Bound, b: Bound, precision: str | None) -> Answer | None:
    """Whether `a` is before `b`."""
    return _compared(a, b, precision, lambda order: order.is_less, lambda forward, back: back.less | back.same)


def at_most(a: Bound, b: Bound, precision: str | None) -> Answer | None:
    """Whether `a` is before `b` or the same."""
    return _compared(a, b, precision, lambda order: order.is_at_most, lambda forward, back: back.less)


def same(a: Bound, b: Bound, precision: str | None) -> Answer | None:
    """Whether `a` and `b` are the same; never true if one is uncertain."""
    answer = _compared(a, b, precision, lambda order: order.is_same, lambda forward, back: forward.less | back.less)
    uncertain = either(a.uncertain, b.uncertain)
    if answer is None or uncertain is None:
        return answer
    return Answer(answer.is_true & ~uncertain, answer.is_false, answer.undecided)


def _compared(
    a: Bound,
    b: Bound,
    precision: str | None,
    certainly: Callable[[Order], Answer],
    refuted: Callable[[Order, Order], Mask],
) -> Answer | None:
    """A relation of two bounds, by the order `forward` of the greatest point that `a` may be and the least that `b` may
    be, and the order `back` of the greatest of `b` and the least of `a`.

    The relation is true where `certainly(forward)` is. It is false where that is false if both points are certain, and
    where `refuted(forward, back)` holds if one is not."""
    forward = order(a.highest, b.lowest, precision)
    if forward is None:
        return None
    answer = certainly(forward)
    uncertain = either(a.uncertain, b.uncertain)
    if uncertain is not None:
        back = order(b.highest, a.lowest, precision)
        if back is None:
            return None
        is_false = np.where(uncertain, refuted(forward, back), answer.is_false)
        answer = Answer(answer.is_true, is_false, either(answer.undecided, back.undecided))
    return _with_undecided(answer, a, b)


def _with_undecided(answer: Answer, a: Bound, b: Bound) -> Answer:
    undecided = either(a.undecided, b.undecided)
    if undecided is None:
        return answer
    return Answer(answer.is_true & ~undecided, answer.is_false & ~undecided, either(answer.undecided, undecided))


def bounds_of_each(left: Column, right: Column) -> tuple[Bounds, Bounds] | None:
    """The bounds of two operands; None for layouts that are left to the scalars."""
    a, b = bounds_of(left), bounds_of(right)
    return None if a is None or b is None else (a, b)


def bounds_of_both(left: Column, right: Column) -> tuple[Bounds, Bounds] | None:
    """The bounds of two operands, each of which shows the point type of the other; None for layouts that are left to
    the scalars."""
    a, b = bounds_of(left, right), bounds_of(right, left)
    return None if a is None or b is None else (a, b)


def unified(left: Column, right: Column) -> tuple[Column, Column]:
    """Two columns of points or intervals after implicit conversion to the same point type."""
    points = [column.low if isinstance(column, IntervalColumn) else column for column in (left, right)]
    if type(points[0]) is type(points[1]) and points[0].type == points[1].type:
        return left, right
    return _unified_with(left, points[1]), _unified_with(right, points[0])


def _unified_with(column: Column, point: Column) -> Column:
    if not isinstance(column, IntervalColumn):
        return alike(column, point)[0]
    if isinstance(column.low, NullColumn) and isinstance(column.high, NullColumn):
        # Boundaries that are all null take the type of the other column.
        none = point.nulls(len(column))
        return IntervalColumn(none, none, column.low_closed, column.high_closed, column.valid)
    low, high = alike(column.low, point)[0], alike(column.high, point)[0]
    if low is column.low and high is column.high:
        return column
    return IntervalColumn(low, high, column.low_closed, column.high_closed, column.valid)
