"""Quantities: decimals with units."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ecqm.columns.base import Column
from ecqm.columns.number import DecimalColumn
from ecqm.columns.text import StringColumn
from ecqm.kernels.arrays import Mask, Rows
from ecqm.kernels.segments import combine_keys
from ecqm.types import QUANTITY, CqlType


class QuantityColumn(Column):
    """`value` (decimals, n; null where the quantity is null) and `unit` (strings, n): UCUM codes or the keywords of
    calendar durations."""

    def __init__(self, value: DecimalColumn, unit: StringColumn, type_: CqlType = QUANTITY) -> None:
        self.value = value
        self.unit = unit
        self.type = type_

    def __len__(self) -> int:
        return len(self.value)

    @property
    def valid(self) -> Mask:
        return self.value.valid

    def take(self, rows: Rows) -> QuantityColumn:
        return QuantityColumn(self.value.take(rows), self.unit.take(rows), self.type)

    def where(self, keep: Mask) -> QuantityColumn:
        return QuantityColumn(self.value.where(keep), self.unit, self.type)

    def nulls(self, n: int) -> QuantityColumn:
        return QuantityColumn(self.value.nulls(n), self.unit.nulls(n), self.type)

    def concat(self, others: Sequence[QuantityColumn]) -> QuantityColumn:
        return QuantityColumn(
            self.value.concat([other.value for other in others]),
            self.unit.concat([other.unit for other in others]),
            self.type,
        )

    def keys(self) -> Rows:
        return np.where(self.valid, combine_keys(self.value.keys(), self.unit.keys()), -1)
