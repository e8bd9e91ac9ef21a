"""Dates and times (`elm:18`): their components, and their selectors."""

from __future__ import annotations

import numpy as np

from ecqm.columns import (
    Column,
    DateColumn,
    DateTimeColumn,
    IntegerColumn,
    Mask,
    NullColumn,
    Rows,
    TemporalColumn,
    TimeColumn,
    broadcast_length,
)
from ecqm.columns.temporal import Precisions
from ecqm.kernels.calendar import (
    DAY,
    HOUR,
    MILLISECOND,
    MINUTE,
    MONTH,
    MS_PER_DAY,
    MS_PER_MINUTE,
    MS_PER_UNIT,
    SECOND,
    YEAR,
    days_of_months,
    floor_days,
    months_of_days,
)
from ecqm.operators.vectors import Result, vector
from ecqm.operators.vectors.answers import with_rest
from ecqm.operators.vectors.order import at_the_end
from ecqm.types import DATE, TIME
from ecqm.values import request_offset
from ecqm.values.temporal import MAXIMA, MINIMA, precision_index

# The number of units in the next coarser one, after which a component starts again from 0.
_CYCLE = {HOUR: 24, MINUTE: 60, SECOND: 60, MILLISECOND: 1000}


# -- components -------------------------------------------------------------------------------------------------------


@vector("DateFrom", "ToDate")
def date_from(operand: Column) -> Result:
    if isinstance(operand, (DateColumn, NullColumn)):
        return operand
    if not isinstance(operand, DateTimeColumn):
        return None
    days = np.floor_divide(operand.local, MS_PER_DAY)
    return DateColumn(days, np.minimum(operand.precision, DAY).astype(np.uint8), operand.valid, DATE)


@vector("TimeFrom")
def time_from(operand: Column) -> Result:
    if not isinstance(operand, DateTimeColumn):
        return None
    local = operand.low + request_offset() * MS_PER_MINUTE
    valid = operand.valid & (operand.precision >= HOUR)
    times = TimeColumn(local % MS_PER_DAY, np.maximum(operand.precision, HOUR).astype(np.uint8), valid, TIME)
    at_request = DateTimeColumn(operand.low, operand.precision, np.full(1, request_offset(), np.int16), operand.valid)
    return with_rest(times, at_the_end(operand, at_request))


@vector("DateTimeComponentFrom")
def component_from(operand: Column, precision: str) -> Result:
    if not isinstance(operand, TemporalColumn):
        return None
    rank = precision_index(precision)
    known = operand.valid & (operand.precision >= rank)
    local = operand.local if isinstance(operand, DateTimeColumn) else operand.low
    if (isinstance(operand, TimeColumn) and rank < HOUR) or (isinstance(operand, DateColumn) and rank > DAY):
        return IntegerColumn(np.zeros(len(operand), np.int64), np.zeros(len(operand), np.bool_))
    return IntegerColumn(_component(local, rank, isinstance(operand, DateColumn)), known)


def _component(local: Rows, rank: int, of_days: bool) -> Rows:
    if rank >= HOUR:
        return np.floor_divide(local, MS_PER_UNIT[rank]) % _CYCLE[rank]
    days = local if of_days else np.floor_divide(local, MS_PER_DAY)
    months = months_of_days(days)
    if rank == YEAR:
        return floor_days(days, YEAR) + 1970
    return months % 12 + 1 if rank == MONTH else days - days_of_months(months) + 1


# -- selectors --------------------------------------------------------------------------------------------------------


@vector("Date")
def date_selector(*components: Column) -> Result:
    found = _point_of_parts(components, DAY)
    if found is None:
        return None
    local, precision, valid, undecided = found
    return with_rest(DateColumn(np.floor_divide(local, MS_PER_DAY), precision, valid), undecided)


@vector("DateTime")
def date_time_selector(*components: Column) -> Result:
    found = _point_of_parts(components, MILLISECOND)
    if found is None:
        return None
    local, precision, valid, undecided = found
    offset = np.full(len(local), request_offset(), np.int16)
    return with_rest(DateTimeColumn(local - request_offset() * MS_PER_MINUTE, precision, offset, valid), undecided)


def _point_of_parts(components: tuple[Column, ...], finest: int) -> tuple[Rows, Precisions, Mask, Mask | None] | None:
    """Points from their components: local milliseconds, precision and validity (n), and the mask of the rows with an
    invalid component, or with one after a null, which are left to the scalars. None for other layouts."""
    if len(components) > finest + 1 or not all(isinstance(part, (IntegerColumn, NullColumn)) for part in components):
        return None
    n = broadcast_length(*components)
    parts = [part.broadcast(n) for part in components]
    precision = np.zeros(n, np.uint8)
    given = np.ones(n, np.bool_)
    wrong = np.zeros(n, np.bool_)
    values = []
    for rank, part in enumerate(parts):
        valid = part.valid
        wrong |= valid & ~given
        given = given & valid
        precision[given] = rank
        given_values = part.values if isinstance(part, IntegerColumn) else np.zeros(n, np.int64)
        value = np.where(valid, given_values, MINIMA[rank])
        wrong |= (value < MINIMA[rank]) | (value > MAXIMA[rank])
        values.append(np.clip(value, MINIMA[rank], MAXIMA[rank]))
    year, month, day = (values[rank] if rank < len(values) else np.ones(n, np.int64) for rank in range(3))
    months = (year - 1970) * 12 + month - 1
    first = days_of_months(months)
    wrong |= first + day - 1 >= days_of_months(months + 1)
    local = (first + day - 1) * MS_PER_DAY
    for rank, value in enumerate(values[HOUR:], HOUR):
        local = local + value * MS_PER_UNIT[rank]
    wrong &= parts[0].valid
    return local, precision, parts[0].valid, wrong if wrong.any() else None
