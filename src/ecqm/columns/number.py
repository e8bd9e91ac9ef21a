"""Exact numbers: integers, and decimals as scaled integers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ecqm.columns.base import MaskedColumn
from ecqm.kernels.arrays import Mask, Rows
from ecqm.kernels.segments import combine_keys, densify
from ecqm.types import DECIMAL, INTEGER, LONG, CqlType
from ecqm.values.numbers import MAX_INTEGER, MAX_LONG, MIN_INTEGER, MIN_LONG

# Unscaled values are int64 if their magnitudes are below this, otherwise Python integers in an object array.
INT64_LIMIT = 1 << 62
Unscaled = npt.NDArray[Any]


class IntegerColumn(MaskedColumn):
    """Integer and Long: `values` int64 (n), arbitrary where not `valid` (mask, n)."""

    def __init__(self, values: Rows, valid: Mask, type_: CqlType = INTEGER) -> None:
        self.values = values
        self._valid = valid
        self.type = type_

    @property
    def type_range(self) -> tuple[int, int]:
        """The least and the greatest value of the column's type."""
        return (MIN_LONG, MAX_LONG) if self.type == LONG else (MIN_INTEGER, MAX_INTEGER)

    def take(self, rows: Rows) -> IntegerColumn:
        return IntegerColumn(self.values[rows], self._valid[rows], self.type)

    def where(self, keep: Mask) -> IntegerColumn:
        return IntegerColumn(self.values, self._valid & keep, self.type)

    def nulls(self, n: int) -> IntegerColumn:
        return IntegerColumn(np.zeros(n, np.int64), np.zeros(n, np.bool_), self.type)

    def concat(self, others: Sequence[IntegerColumn]) -> IntegerColumn:
        parts = (self, *others)
        return IntegerColumn(
            np.concatenate([part.values for part in parts]),
            np.concatenate([part.valid for part in parts]),
            self.type,
        )

    def keys(self) -> Rows:
        dense, _ = densify(self.values)
        return np.where(self._valid, dense, -1)


class DecimalColumn(MaskedColumn):
    """Decimals: `unscaled` × 10 ** -`scale`. `unscaled` (n) is int64, or Python integers if those would overflow.

    `digits` int8 (n): the decimal places that each value was written with, for Precision, LowBoundary and HighBoundary;
    NEEDED means no more than the value needs, as does None for all. `scale` is only large enough for every value.
    """

    NEEDED = -1

    def __init__(
        self,
        unscaled: Unscaled,
        scale: int,
        valid: Mask,
        type_: CqlType = DECIMAL,
        digits: npt.NDArray[np.int8] | None = None,
    ) -> None:
        self.unscaled = unscaled
        self.scale = scale
        self._valid = valid
        self.type = type_
        self.digits = digits

    def at_scale(self, scale: int) -> Unscaled:
        """The unscaled values at another scale, at least this column's; widened if int64 could overflow."""
        if scale == self.scale:
            return self.unscaled
        return multiply_exact(self.unscaled, 10 ** (scale - self.scale))

    def take(self, rows: Rows) -> DecimalColumn:
        digits = None if self.digits is None else self.digits[rows]
        return DecimalColumn(self.unscaled[rows], self.scale, self._valid[rows], self.type, digits)

    def where(self, keep: Mask) -> DecimalColumn:
        return DecimalColumn(self.unscaled, self.scale, self._valid & keep, self.type, self.digits)

    def nulls(self, n: int) -> DecimalColumn:
        return DecimalColumn(np.zeros(n, np.int64), self.scale, np.zeros(n, np.bool_), self.type)

    def concat(self, others: Sequence[DecimalColumn]) -> DecimalColumn:
        parts = (self, *others)
        scale = max(part.scale for part in parts)
        return DecimalColumn(
            np.concatenate([part.at_scale(scale) for part in parts]),
            scale,
            np.concatenate([part.valid for part in parts]),
            self.type,
            None if all(part.digits is None for part in parts) else np.concatenate([part._written for part in parts]),
        )

    @property
    def _written(self) -> npt.NDArray[np.int8]:
        return np.full(len(self), self.NEEDED, np.int8) if self.digits is None else self.digits

    def keys(self) -> Rows:
        dense = self.number_keys()
        if self.digits is None:
            return dense
        return np.where(self._valid, combine_keys(dense, self.digits.astype(np.int64)), -1)

    def number_keys(self) -> Rows:
        """Like `keys`, but the same for equal numbers with different `digits`."""
        if self.unscaled.dtype == object:
            numbers: dict[int, int] = {}
            dense = np.fromiter((numbers.setdefault(v, len(numbers)) for v in self.unscaled), np.int64, len(self))
        else:
            dense, _ = densify(self.unscaled)
        return np.where(self._valid, dense, -1)


def _magnitude(values: Unscaled) -> int:
    return max(abs(int(values.max())), abs(int(values.min()))) if len(values) else 0


def multiply_exact(a: Unscaled, b: Unscaled | int) -> Unscaled:
    """a × b, as int64 if no product can overflow, as Python integers otherwise."""
    bound = _magnitude(a) * (abs(b) if isinstance(b, int) else _magnitude(b))
    if bound < INT64_LIMIT and a.dtype != object:
        return a * b
    return narrow(a.astype(object) * (b if isinstance(b, int) else b.astype(object)))


def add_exact(a: Unscaled, b: Unscaled) -> Unscaled:
    """a + b, as int64 if no sum can overflow, as Python integers otherwise."""
    if a.dtype != object and b.dtype != object and _magnitude(a) + _magnitude(b) < INT64_LIMIT:
        return a + b
    return narrow(a.astype(object) + b.astype(object))


def absolute(values: Unscaled) -> Unscaled:
    """|values|, as Python integers if int64 could not hold them: its minimum has no positive counterpart."""
    return np.asarray(np.abs(values if _magnitude(values) < INT64_LIMIT else values.astype(object)))


def narrow(values: Unscaled) -> Unscaled:
    """int64 if all of the integers fit, otherwise the array as it is."""
    return values.astype(np.int64) if _magnitude(values) < INT64_LIMIT else values


def as_decimal(column: IntegerColumn | DecimalColumn) -> DecimalColumn:
    """An integer column as decimals of scale 0; a decimal column as it is."""
    return column if isinstance(column, DecimalColumn) else DecimalColumn(column.values, 0, column.valid)
