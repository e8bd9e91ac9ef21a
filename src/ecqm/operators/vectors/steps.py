"""Successors and predecessors of points, and the minimum and maximum of their types (as in `ecqm.values.steps`)."""

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
from ecqm.columns.temporal import FIRST_DAY, FIRST_INSTANT, LAST_DAY, LAST_INSTANT
from ecqm.kernels.calendar import MONTH, MS_PER_DAY, MS_PER_MINUTE, MS_PER_UNIT, YEAR, add_months_to_days
from ecqm.values import request_offset
from ecqm.values.numbers import DECIMAL_PLACES


def stepped(column: Column, direction: int, where: Mask) -> tuple[Column, Mask] | None:
    """The points in the rows of the mask `where` (n) moved by one step of their type (`direction` is 1 or -1), and the
    mask of the rows in which there is no such point. None for layouts that are left to the scalars."""
    if isinstance(column, IntegerColumn):
        least, most = column.type_range
        beyond = where & column.valid & (column.values == (most if direction > 0 else least))
        moved = np.where(where & ~beyond, column.values + direction, column.values)
        return IntegerColumn(moved, column.valid, column.type), beyond
    if isinstance(column, DecimalColumn) and column.scale <= DECIMAL_PLACES:
        unscaled = column.at_scale(DECIMAL_PLACES)
        if unscaled.dtype == object:
            return None
        steps = np.where(where, direction, 0)
        moved_decimals = DecimalColumn(add_exact(unscaled, steps), DECIMAL_PLACES, column.valid, column.type)
        return moved_decimals, np.zeros(len(where), np.bool_)  # int64 does not reach the range of Decimal
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
    """Local points, in the unit of the column, moved by whole units (`counts`) of a precision."""
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
    """Which local points, in the unit of the column, are outside the range of its type."""
    if isinstance(column, DateColumn):
        return (local < FIRST_DAY) | (local > LAST_DAY)
    if isinstance(column, TimeColumn):
        return (local < 0) | (local >= MS_PER_DAY)
    return (local < FIRST_INSTANT) | (local > LAST_INSTANT)


def with_local(column: TemporalColumn, local: Rows) -> TemporalColumn:
    """The column with other local points, and the same precisions and timezone offsets."""
    if isinstance(column, DateTimeColumn):
        low = local - column.offset_milliseconds
        return DateTimeColumn(low, column.precision, column.offset, column.valid, column.type)
    return type(column)(local, column.precision, column.valid, column.type)


def filled(column: Column, end: int, where: Mask) -> Column | None:
    """The column with the minimum (`end` 0) or maximum (1) of its type in the rows of the mask `where` (n); None for
    layouts that are left to the scalars."""
    valid = column.valid | where
    if isinstance(column, IntegerColumn):
        return IntegerColumn(np.where(where, column.type_range[end], column.values), valid, column.type)
    if not isinstance(column, TemporalColumn):
        return None
    precision = np.where(where, column.finest, column.precision).astype(np.uint8)
    if isinstance(column, DateTimeColumn):
        request = request_offset()
        value = (FIRST_INSTANT, LAST_INSTANT)[end] - request * MS_PER_MINUTE
        offset = np.where(where, request, column.offset).astype(np.int16)
        return DateTimeColumn(np.where(where, value, column.low), precision, offset, valid, column.type)
    ends = (FIRST_DAY, LAST_DAY) if isinstance(column, DateColumn) else (0, MS_PER_DAY - 1)
    return type(column)(np.where(where, ends[end], column.low), precision, valid, column.type)
