"""Dates, date-times and times of day, each with its precision."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Self

import numpy as np
import numpy.typing as npt

from ecqm.columns.base import MaskedColumn
from ecqm.kernels.arrays import Mask, Rows
from ecqm.kernels.calendar import (
    DAY,
    HOUR,
    MILLISECOND,
    MS_PER_DAY,
    MS_PER_MINUTE,
    MS_PER_UNIT,
    SECOND,
    YEAR,
    days_of_months,
    floor_days,
    floor_instants,
    months_of_days,
)
from ecqm.kernels.segments import combine_keys
from ecqm.types import DATE, DATETIME, TIME, CqlType
from ecqm.values.temporal import MAX_DATE, MAX_DATETIME, MIN_DATE, MIN_DATETIME, Date

Precisions = npt.NDArray[np.uint8]

# Columns count from 1970-01-01, the ordinals of `ecqm.values` from the day before 0001-01-01.
EPOCH_DAY = Date(1970, 1, 1).ordinal()
EPOCH_INSTANT = EPOCH_DAY * MS_PER_DAY
# The range of Date and of DateTime (local time), as columns count.
FIRST_DAY, LAST_DAY = MIN_DATE.ordinal() - EPOCH_DAY, MAX_DATE.ordinal() - EPOCH_DAY
FIRST_INSTANT, LAST_INSTANT = MIN_DATETIME.ordinal() - EPOCH_INSTANT, MAX_DATETIME.ordinal() - EPOCH_INSTANT


class TemporalColumn(MaskedColumn):
    """`low` and `high` int64 (n): the earliest and latest point that each value may stand for, in days for dates and in
    milliseconds otherwise; `precision` uint8 (n): the ranks of `ecqm.kernels.calendar`.

    Seconds and milliseconds are one precision (CQL Author's Guide, "Date, DateTime, and Time"): missing milliseconds
    are zero, so that a value given to the second is exact.
    """

    finest = MILLISECOND
    # The coarsest precision at which a value is exact.
    exact_from = SECOND
    default_type: CqlType

    def __init__(self, low: Rows, precision: Precisions, valid: Mask, type_: CqlType | None = None) -> None:
        self.low = low
        self.precision = precision
        self._valid = valid
        self.type = type_ or self.default_type

    @cached_property
    def exact(self) -> bool:
        """Whether every value is given to the second (a date to the day), so that `high` is `low`."""
        return bool((self.precision >= self.exact_from).all())

    @cached_property
    def high(self) -> Rows:
        """The latest point that each value may stand for (n)."""
        if self.exact:
            return self.low
        high = self.low.copy()
        for precision in range(self.exact_from):
            at = np.flatnonzero(self.precision == precision)
            if len(at):
                high[at] = self._last_within(self.low[at], precision)
        return high

    def _last_within(self, low: Rows, precision: int) -> Rows:
        """The last points of the years, months … (`precision`) that begin at `low`."""
        raise NotImplementedError

    def floor(self, points: Rows, precision: int) -> Rows:
        """Whole units of `precision` before each of `points`, which are in this column's unit."""
        return floor_instants(points, precision)

    def take(self, rows: Rows) -> Self:
        return type(self)(self.low[rows], self.precision[rows], self._valid[rows], self.type)

    def where(self, keep: Mask) -> Self:
        return type(self)(self.low, self.precision, self._valid & keep, self.type)

    def nulls(self, n: int) -> Self:
        precision = np.full(n, self.finest, np.uint8)
        return type(self)(np.zeros(n, np.int64), precision, np.zeros(n, np.bool_), self.type)

    def concat(self, others: Sequence[Self]) -> Self:
        parts = (self, *others)
        return type(self)(
            np.concatenate([part.low for part in parts]),
            np.concatenate([part.precision for part in parts]),
            np.concatenate([part.valid for part in parts]),
            self.type,
        )

    def keys(self) -> Rows:
        if self._valid.all() and (self.precision == self.finest).all():
            return self.low
        return np.where(self._valid, combine_keys(self.low, self.precision.astype(np.int64)), -1)


class DateTimeColumn(TemporalColumn):
    """`low` in milliseconds since 1970-01-01 UTC; `offset` int16 (n): the timezone offset, in minutes east of UTC."""

    default_type = DATETIME

    def __init__(
        self,
        low: Rows,
        precision: Precisions,
        offset: npt.NDArray[np.int16],
        valid: Mask,
        type_: CqlType | None = None,
    ) -> None:
        super().__init__(low, precision, valid, type_)
        self.offset = offset

    @property
    def local(self) -> Rows:
        """The earliest points as local times, in milliseconds since 1970-01-01."""
        return self.low + self.offset_milliseconds

    @property
    def offset_milliseconds(self) -> Rows:
        """The timezone offsets in milliseconds (n)."""
        return self.offset.astype(np.int64) * MS_PER_MINUTE

    def _last_within(self, low: Rows, precision: int) -> Rows:
        if precision >= DAY:
            return low + (MS_PER_UNIT[precision] - 1)
        # `low` is a local midnight in UTC, at most 14 hours off: find its day, and keep the difference.
        days = np.floor_divide(low + MS_PER_DAY // 2, MS_PER_DAY)
        rest = low - days * MS_PER_DAY
        months = months_of_days(days) + (12 if precision == YEAR else 1)
        return np.asarray(days_of_months(months) * MS_PER_DAY + rest - 1)

    def take(self, rows: Rows) -> DateTimeColumn:
        return DateTimeColumn(self.low[rows], self.precision[rows], self.offset[rows], self._valid[rows], self.type)

    def where(self, keep: Mask) -> DateTimeColumn:
        return DateTimeColumn(self.low, self.precision, self.offset, self._valid & keep, self.type)

    def nulls(self, n: int) -> DateTimeColumn:
        precision, offset = np.full(n, self.finest, np.uint8), np.zeros(n, np.int16)
        return DateTimeColumn(np.zeros(n, np.int64), precision, offset, np.zeros(n, np.bool_), self.type)

    def concat(self, others: Sequence[DateTimeColumn]) -> DateTimeColumn:
        parts = (self, *others)
        return DateTimeColumn(
            np.concatenate([part.low for part in parts]),
            np.concatenate([part.precision for part in parts]),
            np.concatenate([part.offset for part in parts]),
            np.concatenate([part.valid for part in parts]),
            self.type,
        )

    def keys(self) -> Rows:
        keys = super().keys()
        if len(keys) == 0 or (self.offset == self.offset[0]).all():
            return keys
        return np.where(self._valid, combine_keys(keys, self.offset.astype(np.int64)), -1)


class DateColumn(TemporalColumn):
    """`low` in days since 1970-01-01."""

    finest = exact_from = DAY
    default_type = DATE

    def _last_within(self, low: Rows, precision: int) -> Rows:
        return days_of_months(months_of_days(low) + (12 if precision == YEAR else 1)) - 1

    def floor(self, points: Rows, precision: int) -> Rows:
        return floor_days(points, precision)


class TimeColumn(TemporalColumn):
    """`low` in milliseconds since midnight."""

    default_type = TIME

    def _last_within(self, low: Rows, precision: int) -> Rows:
        return low + (MS_PER_UNIT[precision] - 1) if precision >= HOUR else low
