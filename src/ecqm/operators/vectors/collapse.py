"""Collapse of lists of intervals (`elm:19`)."""

from __future__ import annotations

import numpy as np

from ecqm.columns import (
    Column,
    DateColumn,
    DateTimeColumn,
    IntervalColumn,
    ListColumn,
    Mask,
    NullColumn,
    Rows,
    TemporalColumn,
)
from ecqm.columns.temporal import LAST_DAY, LAST_INSTANT
from ecqm.kernels.calendar import MS_PER_DAY, MS_PER_UNIT, SECOND
from ecqm.kernels.segments import any_within
from ecqm.operators.vectors import Result, vector
from ecqm.operators.vectors.answers import with_rest


@vector("Collapse")
def collapse(source: Column, per: Column | None = None) -> Result:
    """Lists of intervals of dates or date-times with closed, known boundaries of one precision, the finest of the type.
    Other lists, and those with `per`, are left to the scalars."""
    if not isinstance(source, ListColumn) or not isinstance(source.values, IntervalColumn):
        return None
    intervals = source.values
    low, high = intervals.low, intervals.high
    if not isinstance(per, (NullColumn, type(None))) or type(low) is not type(high):
        return None
    if not isinstance(low, (DateTimeColumn, DateColumn)) or not isinstance(high, TemporalColumn):
        return None
    plain = _plain(intervals, low, high)
    undecided = any_within(intervals.valid & ~plain, source.parents, len(source)) | _mixed(source, low)
    rows = np.flatnonzero(intervals.valid & plain)
    rows = rows[np.lexsort((low.low[rows], source.parents[rows]))]  # by list, then by start
    parents, starts, ends = source.parents[rows], low.low[rows], high.low[rows]
    latest = _latest_ends(parents, ends)
    step = np.where(low.precision[rows] == low.finest, 1, MS_PER_UNIT[SECOND])
    # An interval that starts beyond the successor of all ends before it opens a new interval of the result.
    opens = np.ones(len(rows), np.bool_)
    opens[1:] = (parents[1:] != parents[:-1]) | (starts[1:] > (ends[latest] + step)[:-1])
    first = np.flatnonzero(opens)
    last = np.append(first[1:], len(rows))[: len(first)] - 1
    closed = np.ones(len(first), np.bool_)
    merged = IntervalColumn(low.take(rows[first]), high.take(rows[latest[last]]), closed, closed, closed)
    return with_rest(ListColumn.of_parents(parents[first], merged, len(source), source.valid), undecided)


def _latest_ends(parents: Rows, ends: Rows) -> Rows:
    """For each of n intervals the place of the latest end among those of its list (`parents`, non-decreasing) up to and
    including itself; of equal ends, the last."""
    n = len(ends)
    by_end = np.argsort(ends, kind="stable")
    rank = np.empty(n, np.int64)
    rank[by_end] = np.arange(n)
    # Ranks are raised from list to list, so that the running maximum starts anew with each.
    raised = parents * n
    return by_end[np.maximum.accumulate(raised + rank) - raised]


def _plain(intervals: IntervalColumn, low: TemporalColumn, high: TemporalColumn) -> Mask:
    """Intervals whose boundaries are their start and end, given to the same precision, exact, and not at the end of the
    calendar, where there are no successors."""
    beyond = LAST_DAY - 1 if isinstance(low, DateColumn) else LAST_INSTANT - MS_PER_DAY
    closed = intervals.low_closed & intervals.high_closed
    exact = (low.precision >= low.exact_from) & (low.precision == high.precision)
    return np.asarray(low.valid & high.valid & closed & exact & (high.low < beyond))


def _mixed(source: ListColumn, low: TemporalColumn) -> Mask:
    """Lists whose intervals are not all of one precision."""
    present = source.values.valid
    is_finest = low.precision == low.finest
    with_finest = any_within(present & is_finest, source.parents, len(source))
    return with_finest & any_within(present & ~is_finest, source.parents, len(source))
