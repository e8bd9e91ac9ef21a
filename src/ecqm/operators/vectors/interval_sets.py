"""Lists of intervals as sets of points (`elm:19.4`)."""

from __future__ import annotations

from typing import Any

import numpy as np

from ecqm.columns import (
    Column,
    DateColumn,
    DateTimeColumn,
    IntervalColumn,
    ListColumn,
    Mask,
    NullColumn,
    TemporalColumn,
)
from ecqm.kernels.calendar import MS_PER_UNIT, SECOND
from ecqm.kernels.segments import any_within
from ecqm.operators.vectors import vector
from ecqm.operators.vectors.answers import with_rest
from ecqm.operators.vectors.order import LAST_INSTANT
from ecqm.operators.vectors.steps import LAST_DAY

# Nothing follows the end of the calendar; the scalars see to what comes near to it.
_MARGIN = 86_400_000


@vector("Collapse")
def collapse(source: Column, per: Column | None = None) -> Any:
    """Intervals of closed, known boundaries, all of one full precision in a list; the others are for the scalars."""
    if not isinstance(source, ListColumn) or not isinstance(source.values, IntervalColumn):
        return NotImplemented
    intervals = source.values
    low, high = intervals.low, intervals.high
    if not isinstance(per, (NullColumn, type(None))) or type(low) is not type(high):
        return NotImplemented
    if not isinstance(low, (DateTimeColumn, DateColumn)) or not isinstance(high, TemporalColumn):
        return NotImplemented
    present = intervals.valid
    step = np.where(low.precision == low.finest, 1, MS_PER_UNIT[SECOND])
    plain = _plain(intervals, low, high)
    undecided = any_within(present & ~plain, source.parents, len(source)) | _mixed(source, low, present)
    rows = np.flatnonzero(present & plain)
    order = rows[np.lexsort((low.low[rows], source.parents[rows]))]
    parents, starts, ends = source.parents[order], low.low[order], high.low[order]
    # A rank for each end, the later of equal ones the higher, tells which end is the latest so far in the list.
    by_end = np.argsort(ends, kind="stable")
    rank = np.empty(len(order), np.int64)
    rank[by_end] = np.arange(len(order))
    latest = np.maximum.accumulate(parents * (len(order) + 1) + rank) - parents * (len(order) + 1)
    reach = ends[by_end[latest]] + step[order]
    opens = np.ones(len(order), np.bool_)
    opens[1:] = (parents[1:] != parents[:-1]) | (starts[1:] > reach[:-1])
    first = np.flatnonzero(opens)
    last = np.append(first[1:], len(order)) - 1 if len(first) else first
    merged = IntervalColumn(
        low.take(order[first]),
        high.take(order[by_end[latest[last]]]),
        np.ones(len(first), np.bool_),
        np.ones(len(first), np.bool_),
        np.ones(len(first), np.bool_),
    )
    return with_rest(ListColumn.of_parents(parents[first], merged, len(source), source.valid), undecided)


def _plain(intervals: IntervalColumn, low: TemporalColumn, high: TemporalColumn) -> Mask:
    """Intervals whose start and end are their boundaries, given in full."""
    end = LAST_DAY if isinstance(low, DateColumn) else LAST_INSTANT
    return np.asarray(
        low.valid
        & high.valid
        & intervals.low_closed
        & intervals.high_closed
        & (low.precision >= low.exact_from)
        & (low.precision == high.precision)
        & (high.low < end - (1 if isinstance(low, DateColumn) else _MARGIN))
    )


def _mixed(source: ListColumn, low: TemporalColumn, present: Mask) -> Mask:
    """Lists whose intervals are not all of one precision."""
    finest = any_within(present & (low.precision == low.finest), source.parents, len(source))
    return finest & any_within(present & (low.precision != low.finest), source.parents, len(source))
