"""Lists: offsets into a column of elements."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from functools import cached_property

import numpy as np

from ecqm.columns.base import Column, Mask, Rows
from ecqm.kernels.segments import (
    densify,
    gather,
    offsets_of_lengths,
    offsets_of_parents,
    parents_of_offsets,
)
from ecqm.types import CqlType, ListType


class ListColumn(Column):
    """Row i holds the `values` at offsets[i]:offsets[i + 1]; null where not `valid` (its segment is then empty).

    `parents` says the same of the elements: for each the row whose list it is in. Whichever of the two a column was
    not made of follows from the other when it is asked for.
    """

    def __init__(self, offsets: Rows, values: Column, valid: Mask | None = None, type_: CqlType | None = None) -> None:
        self._of(len(offsets) - 1, values, valid, type_)
        self.offsets = offsets

    @classmethod
    def of_parents(
        cls, parents: Rows, values: Column, n: int, valid: Mask | None = None, type_: CqlType | None = None
    ) -> ListColumn:
        """n lists from elements and, for each, the row (non-decreasing) whose list it is in."""
        lists = cls.__new__(cls)
        lists._of(n, values, valid, type_)
        lists.parents = parents
        return lists

    def _of(self, n: int, values: Column, valid: Mask | None, type_: CqlType | None) -> None:
        self._n = n
        self.values = values
        self._valid = np.ones(n, np.bool_) if valid is None else valid
        self.type = type_ or ListType(values.type)

    def __len__(self) -> int:
        return self._n

    @property
    def valid(self) -> Mask:
        return self._valid

    @cached_property
    def offsets(self) -> Rows:
        """Where in `values` each list starts, and at last their number (n + 1)."""
        return offsets_of_parents(self.parents, self._n)

    @cached_property
    def parents(self) -> Rows:
        """For each element the row whose list it is in."""
        return parents_of_offsets(self.offsets)

    @property
    def lengths(self) -> Rows:
        return np.diff(self.offsets)

    def with_values(self, values: Column, type_: CqlType | None = None) -> ListColumn:
        """The same lists of other values, as many."""
        lists = copy(self)
        lists.values = values
        lists.type = type_ or ListType(values.type)
        return lists

    def take(self, rows: Rows) -> ListColumn:
        offsets, elements = gather(self.offsets, rows)
        return ListColumn(offsets, self.values.take(elements), self._valid[rows], self.type)

    def where(self, keep: Mask) -> ListColumn:
        if keep.all():
            return self
        offsets, elements = gather(self.offsets, np.where(keep, np.arange(len(self)), -1))
        return ListColumn(offsets, self.values.take(elements), self._valid & keep, self.type)

    def select(self, keep: Mask) -> ListColumn:
        """The lists with only the elements for which `keep` (one per element) holds."""
        chosen = np.flatnonzero(keep)
        return self.of_parents(self.parents[chosen], self.values.take(chosen), len(self), self._valid, self.type)

    def nulls(self, n: int) -> ListColumn:
        return ListColumn(np.zeros(n + 1, np.int64), self.values.nulls(0), np.zeros(n, np.bool_), self.type)

    def concat(self, others: Sequence[ListColumn]) -> ListColumn:
        from ecqm.columns.join import concat

        parts = (self, *others)
        return ListColumn(
            offsets_of_lengths(np.concatenate([part.lengths for part in parts])),
            concat([part.values for part in parts]),
            np.concatenate([part.valid for part in parts]),
        )

    def keys(self) -> Rows:
        return np.where(self._valid, ragged_keys(self.offsets, self.values.keys()), -1)


def ragged_keys(offsets: Rows, keys: Rows) -> Rows:
    """Keys of lists from the keys of their elements: lists are the same if they agree element by element."""
    lengths = np.diff(offsets)
    combined = densify(lengths)[0]
    dense, radix = densify(keys)
    for position in range(int(lengths.max(initial=0))):
        longer = np.flatnonzero(lengths > position)
        step = np.zeros(len(lengths), np.int64)
        step[longer] = dense[offsets[:-1][longer] + position] + 1
        combined = densify(combined * (radix + 1) + step)[0]
    return combined
