"""Points in time with their precision: dates, date-times and times of day."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Self

import numpy as np
import numpy.typing as npt

from ecqm.columns.base import Column, Mask, Rows
from ecqm.kernels.calendar import (
    DAY,
    HOUR,
    MILLISECOND,
    MS_PER_DAY,
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

Precisions = npt.NDArray[np.uint8]


class TemporalColumn(Column):
    """`low` int64 (n): the earliest point that a value can mean; `precision` (n): see `ecqm.kernels.calendar`.

    `high` is the latest such point. The unit is the subclass's: days for dates, milliseconds for the others.
    Seconds and milliseconds count as one precision (CQL author's guide, "Date, DateTime, and Time"): a value without
    milliseconds has none, and is `exact`.
    """

    finest = MILLISECOND
    sharp = SECOND
    default_type: CqlType

    def __init__(self, low: Rows, precision: Precisions, valid: Mask, type_: CqlType | None = None) -> None:
        self.low = low
        self.precision = precision
        self._valid = valid
        self.type = type_ or self.default_type

    def __len__(self) -> int:
        return len(self.low)

    @property
    def valid(self) -> Mask:
        return self._valid

    @cached_property
    def exact(self) -> bool:
        """Is every value given to the second (a date to the day), so that low is high?"""
        return bool((self.precision >= self.sharp).all())

    @cached_property
    def high(self) -> Rows:
        if self.exact:
            return self.low
        high = self.low.copy()
        for precision in range(self.sharp):
            at = np.flatnonzero(self.precision == precision)
            if len(at):
                high[at] = self._last_within(self.low[at], precision)
        return high

    def _last_within(self, low: Rows, precision: int) -> Rows:
        raise NotImplementedError

    def floor(self, points: Rows, precision: int) -> Rows:
        """Whole units of `precision` in `points` of this column's unit."""
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
    """`low` is milliseconds since 1970 UTC; `offset` int16 (n): minutes east of UTC that the value was written in."""

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
        """Milliseconds since 1970 on the clock that the value was written by."""
        return self.low + self.offset.astype(np.int64) * 60_000

    def _last_within(self, low: Rows, precision: int) -> Rows:
        if precision >= DAY:
            return low + (MS_PER_UNIT[precision] - 1)
        # The offset of a value without a time is a fraction of a day: work on its calendar, then shift back.
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
    """`low` is days since 1970-01-01."""

    finest = sharp = DAY
    default_type = DATE

    def _last_within(self, low: Rows, precision: int) -> Rows:
        return days_of_months(months_of_days(low) + (12 if precision == YEAR else 1)) - 1

    def floor(self, points: Rows, precision: int) -> Rows:
        return floor_days(points, precision)


class TimeColumn(TemporalColumn):
    """`low` is milliseconds since midnight."""

    default_type = TIME

    def _last_within(self, low: Rows, precision: int) -> Rows:
        return low + (MS_PER_UNIT[precision] - 1) if precision >= HOUR else low
