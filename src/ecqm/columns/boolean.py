"""Booleans in three-valued logic: a pair of masks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ecqm.columns.base import Column
from ecqm.kernels.arrays import Mask, Rows
from ecqm.types import BOOLEAN, CqlType


class BooleanColumn(Column):
    """`is_true` and `is_false`, each a mask (n), never both true in a row; a row with neither is null."""

    def __init__(self, is_true: Mask, is_false: Mask, type_: CqlType = BOOLEAN) -> None:
        self.is_true = is_true
        self.is_false = is_false
        self.type = type_

    @classmethod
    def of(cls, truth: Mask, known: Mask | None = None) -> BooleanColumn:
        """`truth` (mask, n) as booleans, null where `known` (mask, n) does not hold."""
        if known is None:
            return cls(truth, ~truth)
        return cls(truth & known, ~truth & known)

    def __len__(self) -> int:
        return len(self.is_true)

    @property
    def valid(self) -> Mask:
        return self.is_true | self.is_false

    def take(self, rows: Rows) -> BooleanColumn:
        return BooleanColumn(self.is_true[rows], self.is_false[rows], self.type)

    def where(self, keep: Mask) -> BooleanColumn:
        return BooleanColumn(self.is_true & keep, self.is_false & keep, self.type)

    def nulls(self, n: int) -> BooleanColumn:
        none = np.zeros(n, np.bool_)
        return BooleanColumn(none, none, self.type)

    def concat(self, others: Sequence[BooleanColumn]) -> BooleanColumn:
        parts = (self, *others)
        return BooleanColumn(
            np.concatenate([part.is_true for part in parts]),
            np.concatenate([part.is_false for part in parts]),
            self.type,
        )

    def keys(self) -> Rows:
        return self.is_true.astype(np.int64) - self.is_false
