"""Nulls without a type of their own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ecqm.columns.base import Column
from ecqm.kernels.arrays import Mask, Rows
from ecqm.types import ANY, CqlType


class NullColumn(Column):
    """n nulls; joined with another column they take its layout."""

    def __init__(self, n: int, type_: CqlType = ANY) -> None:
        self.n = n
        self.type = type_

    def __len__(self) -> int:
        return self.n

    @property
    def valid(self) -> Mask:
        return np.zeros(self.n, np.bool_)

    def take(self, rows: Rows) -> NullColumn:
        return NullColumn(len(rows), self.type)

    def where(self, keep: Mask) -> NullColumn:
        # As masks of numpy do, a single row stands for all.
        return NullColumn(max(self.n, len(keep)), self.type)

    def nulls(self, n: int) -> NullColumn:
        return NullColumn(n, self.type)

    def concat(self, others: Sequence[Column]) -> NullColumn:
        return NullColumn(self.n + sum(map(len, others)), self.type)

    def keys(self) -> Rows:
        return np.zeros(self.n, np.int64)
