"""Intervals of any point type."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np

from ecqm.columns.base import Column, MaskedColumn
from ecqm.columns.join import concat
from ecqm.kernels.arrays import Mask, Rows
from ecqm.kernels.segments import combine_keys
from ecqm.types import CqlType, IntervalType


class IntervalColumn(MaskedColumn):
    """Boundaries `low` and `high` (columns of n points), `low_closed` and `high_closed` (masks, n); null where not
    `valid` (mask, n), with any boundaries."""

    def __init__(
        self,
        low: Column,
        high: Column,
        low_closed: Mask,
        high_closed: Mask,
        valid: Mask,
        type_: CqlType | None = None,
    ) -> None:
        self.low = low
        self.high = high
        self.low_closed = low_closed
        self.high_closed = high_closed
        self._valid = valid
        self.type = type_ or IntervalType(low.type)

    def layout(self) -> Hashable:
        # Intervals of different points are intervals of a choice.
        return IntervalColumn

    def take(self, rows: Rows) -> IntervalColumn:
        return IntervalColumn(
            self.low.take(rows),
            self.high.take(rows),
            self.low_closed[rows],
            self.high_closed[rows],
            self._valid[rows],
            self.type,
        )

    def where(self, keep: Mask) -> IntervalColumn:
        return IntervalColumn(self.low, self.high, self.low_closed, self.high_closed, self._valid & keep, self.type)

    def nulls(self, n: int) -> IntervalColumn:
        none = np.zeros(n, np.bool_)
        return IntervalColumn(self.low.nulls(n), self.high.nulls(n), none, none, none, self.type)

    def concat(self, others: Sequence[IntervalColumn]) -> IntervalColumn:
        parts = (self, *others)
        return IntervalColumn(
            concat([part.low for part in parts]),
            concat([part.high for part in parts]),
            np.concatenate([part.low_closed for part in parts]),
            np.concatenate([part.high_closed for part in parts]),
            np.concatenate([part.valid for part in parts]),
            self.type if all(part.type == self.type for part in others) else None,
        )

    def keys(self) -> Rows:
        closed = self.low_closed.astype(np.int64) * 2 + self.high_closed
        return np.where(self._valid, combine_keys(self.low.keys(), self.high.keys(), closed), -1)
