"""Points one step further on, and the ends of the range of a type (`ecqm.values.steps` says what is meant)."""

from __future__ import annotations

import numpy as np

from ecqm.columns import (
    Column,
    DateColumn,
    DateTimeColumn,
    DecimalColumn,
    IntegerColumn,
    Mask,
    Rows,
    TemporalColumn,
    TimeColumn,
)
from ecqm.columns.number import add_exact
from ecqm.kernels.calendar import MONTH, MS_PER_DAY, MS_PER_UNIT, YEAR, add_months_to_days
from ecqm.operators.vectors.order import EPOCH_ORDINAL, FIRST_INSTANT, LAST_INSTANT
from ecqm.types import LONG
from ecqm.values import request_offset
from ecqm.values.numbers import MAX_INTEGER, MAX_LONG, MIN_INTEGER, MIN_LONG
from ecqm.values.temporal import MAX_DATE, MIN_DATE

_EPOCH_DAY = EPOCH_ORDINAL // MS_PER_DAY
FIRST_DAY, LAST_DAY = MIN_DATE.ordinal() - _EPOCH_DAY, MAX_DATE.ordinal() - _EPOCH_DAY
_DECIMAL_PLACES = 8


def stepped(column: Column, direction: int, where: Mask) -> tuple[Column, Mask] | None:
    """The points of `where` (n) moved by one step of their type, and where that could leave the type's range; None for
    layouts that are left to the scalars."""
    if isinstance(column, IntegerColumn):
        least, most = (MIN_LONG, MAX_LONG) if column.type == LONG else (MIN_INTEGER, MAX_INTEGER)
        beyond = where & column.valid & (column.values == (most if direction > 0 else least))
        moved = np.where(where & ~beyond, column.values + direction, column.values)
        return IntegerColumn(moved, column.valid, column.type), beyond
    if isinstance(column, DecimalColumn) and column.scale <= _DECIMAL_PLACES:
        unscaled = column.at_scale(_DECIMAL_PLACES)
        if unscaled.dtype == object:
            return None
        steps = np.where(where, direction, 0)
        return DecimalColumn(add_exact(unscaled, steps), _DECIMAL_PLACES, column.valid, column.type), where & False
    if isinstance(column, TemporalColumn):
        return _stepped_temporal(column, direction, where)
    return None


def _stepped_temporal(column: TemporalColumn, direction: int, where: Mask) -> tuple[Column, Mask]:
    local = column.local if isinstance(column, DateTimeColumn) else column.low
    moved = local.copy()
    for precision in range(column.finest + 1):
        at = np.flatnonzero(where & (column.precision == precision))
        if len(at):
            moved[at] = moved_by(column, local[at], precision, np.full(len(at), direction, np.int64))
    beyond = where & column.valid & outside(column, moved)
    return with_local(column, np.where(beyond, local, moved)), beyond


def moved_by(column: TemporalColumn, local: Rows, precision: int, counts: Rows) -> Rows:
    """Local points (in the unit of the column's layout) moved by whole units of a precision."""
    if precision <= MONTH:
        months = counts * 12 if precision == YEAR else counts
        if isinstance(column, DateColumn):
            return add_months_to_days(local, months)
        days = np.floor_divide(local, MS_PER_DAY)
        return np.asarray(add_months_to_days(days, months) * MS_PER_DAY + (local - days * MS_PER_DAY))
    if isinstance(column, DateColumn):
        return local + counts
    return local + counts * MS_PER_UNIT[precision]


def outside(column: TemporalColumn, local: Rows) -> Mask:
    """Which local points are outside of the calendar, or of the day for times of day."""
    if isinstance(column, DateColumn):
        return (local < FIRST_DAY) | (local > LAST_DAY)
    if isinstance(column, TimeColumn):
        return (local < 0) | (local >= MS_PER_DAY)
    return (local < FIRST_INSTANT) | (local > LAST_INSTANT)


def with_local(column: TemporalColumn, local: Rows) -> TemporalColumn:
    """The column with other local points, of the same precisions and offsets."""
    if isinstance(column, DateTimeColumn):
        low = local - column.offset.astype(np.int64) * 60_000
        return DateTimeColumn(low, column.precision, column.offset, column.valid, column.type)
    return type(column)(local, column.precision, column.valid, column.type)


def filled(column: Column, end: int, where: Mask) -> Column | None:
    """The column with the least (`end` 0) or greatest (1) value of its type in the rows of `where` (n); None for types
    whose ends are left to the scalars."""
    valid = column.valid | where
    if isinstance(column, IntegerColumn):
        value = ((MIN_LONG, MAX_LONG) if column.type == LONG else (MIN_INTEGER, MAX_INTEGER))[end]
        return IntegerColumn(np.where(where, value, column.values), valid, column.type)
    if not isinstance(column, TemporalColumn):
        return None
    precision = np.where(where, column.finest, column.precision).astype(np.uint8)
    if isinstance(column, DateTimeColumn):
        request = request_offset()
        value = (FIRST_INSTANT, LAST_INSTANT)[end] - request * 60_000
        offset = np.where(where, request, column.offset).astype(np.int16)
        return DateTimeColumn(np.where(where, value, column.low), precision, offset, valid, column.type)
    ends = (FIRST_DAY, LAST_DAY) if isinstance(column, DateColumn) else (0, MS_PER_DAY - 1)
    return type(column)(np.where(where, ends[end], column.low), precision, valid, column.type)
