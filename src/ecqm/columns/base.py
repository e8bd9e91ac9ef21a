"""The base class of columns: n CQL values of one type, any of them null."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Hashable, Sequence
from copy import copy
from typing import Self

import numpy as np

from ecqm.kernels.arrays import Mask, Rows
from ecqm.types import CqlType


class Column:
    """n CQL values of one `type`, as arrays of length n; immutable.

    A column of length 1 may stand for the same value in every row: kernels broadcast it as numpy does.
    """

    # No ABC: whether a column is of a layout is asked many times per node, and of ABCs Python asks it slowly.

    type: CqlType

    @abstractmethod
    def __len__(self) -> int: ...

    @property
    @abstractmethod
    def valid(self) -> Mask:
        """Mask (n) of the rows that are not null."""

    @abstractmethod
    def take(self, rows: Rows) -> Self:
        """The values at `rows` (each in 0..n-1), in that order."""

    @abstractmethod
    def where(self, keep: Mask) -> Self:
        """The same column with nulls where the mask `keep` (n) does not hold."""

    @abstractmethod
    def nulls(self, n: int) -> Self:
        """n nulls in this layout."""

    @abstractmethod
    def concat(self, others: Sequence[Self]) -> Self:
        """This column followed by others of the same `layout`; `ecqm.columns.concat` unifies layouts first."""

    @abstractmethod
    def keys(self) -> Rows:
        """An integer per row, the same for two rows exactly if their values are identical; nulls are identical.

        Values that are equal but not identical (one instant at two offsets, 1.5 and 1.50) have different keys; see
        `ecqm.operators.vectors.equality.equality_keys`.
        """

    def layout(self) -> Hashable:
        """A key that columns have in common if `concat` can join them."""
        return type(self), self.type

    def pick(self, rows: Rows) -> Self:
        """The values at `rows`, null where a row is negative."""
        inside = rows >= 0
        if inside.all():
            return self.take(rows)
        if len(self) == 0:
            return self.nulls(len(rows))
        return self.take(np.where(inside, rows, 0)).where(inside)

    def broadcast(self, n: int) -> Self:
        """This column repeated to n rows if it has a single row that stands for all of them."""
        return self if len(self) == n else self.take(np.zeros(n, np.int64))

    def retype(self, type_: CqlType) -> Self:
        """The same values with another type that has the same layout."""
        other = copy(self)
        other.type = type_
        return other

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.type} × {len(self)}>"


class MaskedColumn(Column):
    """A column that is null where its mask `valid` (n) does not hold, whatever its arrays have there."""

    _valid: Mask

    def __len__(self) -> int:
        return len(self._valid)

    @property
    def valid(self) -> Mask:
        return self._valid


def broadcast_length(*columns: Column) -> int:
    """The number of rows of the result of an operator with these operands."""
    length = 1
    for column in columns:
        if len(column) != 1:
            length = len(column)
    return length
