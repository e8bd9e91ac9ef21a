"""Values too rare for a layout of their own (ratios, value sets, uncertainties), as Python objects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ecqm.columns.base import Column
from ecqm.kernels.arrays import Mask, Rows
from ecqm.types import ANY, CqlType


class ScalarColumn(Column):
    """`values`: an object array (n) of scalars of `ecqm.values`, None for null."""

    def __init__(self, values: npt.NDArray[np.object_], type_: CqlType = ANY) -> None:
        self.values = values
        self.type = type_

    @classmethod
    def of(cls, values: Sequence[Any], type_: CqlType = ANY) -> ScalarColumn:
        """A column of these objects, sequences among them included (numpy would unpack those)."""
        array = np.empty(len(values), object)
        for row, value in enumerate(values):
            array[row] = value
        return cls(array, type_)

    def __len__(self) -> int:
        return len(self.values)

    @property
    def valid(self) -> Mask:
        return np.fromiter((value is not None for value in self.values), np.bool_, len(self.values))

    def take(self, rows: Rows) -> ScalarColumn:
        return ScalarColumn(self.values[rows], self.type)

    def where(self, keep: Mask) -> ScalarColumn:
        values = self.values.copy()
        values[~keep] = None
        return ScalarColumn(values, self.type)

    def nulls(self, n: int) -> ScalarColumn:
        return ScalarColumn(np.full(n, None, object), self.type)

    def concat(self, others: Sequence[ScalarColumn]) -> ScalarColumn:
        return ScalarColumn(np.concatenate([self.values, *(other.values for other in others)]), self.type)

    def keys(self) -> Rows:
        numbers: dict[Any, int] = {None: -1}
        return np.fromiter((numbers.setdefault(v, len(numbers)) for v in self.values), np.int64, len(self.values))
