"""Calendar arithmetic on dates and times, and the time between two of them (`elm:16` and `elm:18`; as in
`ecqm.values.calendar`)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ecqm.columns import (
    POOL,
    Column,
    DateColumn,
    DateTimeColumn,
    IntegerColumn,
    Mask,
    NullColumn,
    QuantityColumn,
    Rows,
    TemporalColumn,
    TimeColumn,
    broadcast_length,
)
from ecqm.columns.temporal import EPOCH_DAY
from ecqm.kernels.calendar import (
    DAY,
    HOUR,
    MONTH,
    MS_PER_DAY,
    MS_PER_UNIT,
    SECOND,
    YEAR,
    whole_months_between,
)
from ecqm.kernels.segments import densify
from ecqm.operators.vectors import Result, vector
from ecqm.operators.vectors.answers import either, with_rest
from ecqm.operators.vectors.order import alike, at_the_end, local_shifts, shifts
from ecqm.operators.vectors.steps import moved_by, outside, with_local
from ecqm.values import CqlError
from ecqm.values.calendar import DAYS_PER_YEAR, PER_COARSER, time_unit
from ecqm.values.temporal import precision_index

_DAYS_PER_WEEK = 7


# -- arithmetic -------------------------------------------------------------------------------------------------------


def moved(points: TemporalColumn, amounts: QuantityColumn, sign: int) -> Result:
    """Points plus (`sign` 1) or minus (-1) durations, as `ecqm.values.calendar.add` has it."""
    n = broadcast_length(points, amounts)
    points, amounts = points.broadcast(n), amounts.broadcast(n)
    valid = points.valid & amounts.valid
    undecided = np.zeros(n, np.bool_)
    local = points.local if isinstance(points, DateTimeColumn) else points.low
    result = local.copy()
    units, count = densify(amounts.unit.ids.astype(np.int64))
    for number in range(count):
        rows = np.flatnonzero((units == number) & valid)
        if len(rows) == 0:
            continue
        unit = POOL.strings[int(amounts.unit.ids[rows[0]])]
        move = _move(points, amounts, unit, rows, sign)
        if move is None:
            undecided[rows] = True
            continue
        rank, steps, far = move
        undecided[rows[far]] = True
        # Precisions are unsigned, which numpy does not mix with -1 by itself.
        reached = np.where(far, np.int8(-1), np.minimum(points.precision[rows], rank))
        for target in range(rank + 1):
            at = np.flatnonzero(reached == target)
            if len(at):
                result[rows[at]] = moved_by(points, local[rows[at]], target, _coarsened(steps[at], rank, target))
    if isinstance(points, TimeColumn):
        result = result % MS_PER_DAY
    undecided |= valid & outside(points, result)
    result = np.where(undecided, local, result)
    return with_rest(with_local(points, result).where(valid), undecided)


def _move(
    points: TemporalColumn, amounts: QuantityColumn, unit: str, rows: Rows, sign: int
) -> tuple[int, Rows, Mask] | None:
    """How to move `rows` by amounts that have one unit: the rank of the precision, the steps for each of the rows, and
    the mask of those that would go far beyond the calendar, which are left to the scalars; None if all are."""
    try:
        name = time_unit(unit)
    except CqlError:
        return None
    rank = DAY if name == "week" else precision_index(name)
    unscaled = amounts.value.unscaled[rows]
    if unscaled.dtype == object or (isinstance(points, TimeColumn) and rank < HOUR):
        return None
    scale: int = 10**amounts.value.scale
    whole = unscaled // scale
    exact = whole * scale == unscaled
    if rank == SECOND and not exact.all():
        return None  # fractions of seconds count as milliseconds
    steps = whole + ((whole < 0) & ~exact)
    # Steps beyond these limits would overflow further on.
    far = np.abs(steps) > _FAR[min(rank, DAY)] * (MS_PER_DAY if rank > DAY else 1)
    return rank, np.where(far, 0, sign * steps) * (_DAYS_PER_WEEK if name == "week" else 1), far


def _coarsened(steps: Rows, rank: int, target: int) -> Rows:
    """Steps of one precision as whole steps of a coarser one, truncated."""
    while rank > target:
        if rank == DAY and target == YEAR:
            return _truncated(steps, DAYS_PER_YEAR)
        steps, rank = _truncated(steps, PER_COARSER[rank]), rank - 1
    return steps


def _truncated(counts: Rows, size: int) -> Rows:
    """Quotients truncated towards zero."""
    return np.asarray(np.sign(counts) * (np.abs(counts) // size))


# The numbers of years, months and days after which any point has left the calendar.
_FAR = {YEAR: 10_000, MONTH: 120_000, DAY: 4_000_000}


# -- the time between two ---------------------------------------------------------------------------------------------

# Counts units between local points (start, end) of a column's layout.
Count = Callable[[TemporalColumn, Rows, Rows, str], Rows]


@vector("DurationBetween")
def duration_between(start: Column, end: Column, precision: str) -> Result:
    return _between(start, end, precision.lower(), _whole_periods, as_written=False)


@vector("CalculateAgeAt")
def calculate_age_at(start: Column, end: Column, precision: str = "year") -> Result:
    return duration_between(start, end, precision)


@vector("DifferenceBetween")
def difference_between(start: Column, end: Column, precision: str) -> Result:
    name = time_unit(precision.lower())
    coarse = name == "week" or precision_index(name) <= DAY
    return _between(start, end, name, _boundaries_crossed, as_written=coarse)


def _between(left: Column, right: Column, precision: str, count: Count, as_written: bool) -> Result:
    """The count of units; rows in which the precision of the operands leaves it uncertain are left to the scalars.
    Local times are compared `as_written`, or else at one offset (`ecqm.operators.vectors.order.shifts`)."""
    if isinstance(left, NullColumn) or isinstance(right, NullColumn):
        n = broadcast_length(left, right)
        return IntegerColumn(np.zeros(n, np.int64), np.zeros(n, np.bool_))
    left, right = alike(left, right)
    if not isinstance(left, TemporalColumn) or not isinstance(right, TemporalColumn) or type(left) is not type(right):
        return None
    unit = time_unit(precision)
    rank = DAY if unit == "week" else precision_index(unit)
    if rank > left.finest or (isinstance(left, TimeColumn) and rank < HOUR):
        return None
    undecided = None if as_written else at_the_end(left, right)
    to_left, to_right = local_shifts(left, right) if as_written else shifts(left, right)
    known = left.valid & right.valid
    least = count(left, left.high + to_left, right.low + to_right, unit)
    if left.exact and right.exact:
        return with_rest(IntegerColumn(least, known), undecided)
    most = count(left, left.low + to_left, right.high + to_right, unit)
    vague = (least != most) & known
    return with_rest(IntegerColumn(least, known), either(undecided, vague))


def _whole_periods(column: TemporalColumn, start: Rows, end: Rows, unit: str) -> Rows:
    if unit not in ("year", "month"):
        return _truncated(end - start, _size(column, unit))
    if isinstance(column, DateColumn):
        none = np.zeros(1, np.int64)
        months = whole_months_between(start, end, none, none)
    else:
        start_days, end_days = np.floor_divide(start, MS_PER_DAY), np.floor_divide(end, MS_PER_DAY)
        months = whole_months_between(
            start_days, end_days, start - start_days * MS_PER_DAY, end - end_days * MS_PER_DAY
        )
    return months if unit == "month" else _truncated(months, PER_COARSER[MONTH])


def _boundaries_crossed(column: TemporalColumn, start: Rows, end: Rows, unit: str) -> Rows:
    if unit == "week":
        days_start, days_end = (
            points if isinstance(column, DateColumn) else np.floor_divide(points, MS_PER_DAY) for points in (start, end)
        )
        # Weeks begin on Sundays, as does the count of ordinals.
        return (days_end + EPOCH_DAY) // _DAYS_PER_WEEK - (days_start + EPOCH_DAY) // _DAYS_PER_WEEK
    rank = precision_index(unit)
    return column.floor(end, rank) - column.floor(start, rank)


def _size(column: TemporalColumn, unit: str) -> int:
    """The length of a unit of definite length, in the unit of the column's points."""
    day = 1 if isinstance(column, DateColumn) else MS_PER_DAY
    if unit == "week":
        return _DAYS_PER_WEEK * day
    return day if unit == "day" else MS_PER_UNIT[precision_index(unit)]
