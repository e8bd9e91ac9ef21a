"""Lists: offsets into a column of elements."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from copy import copy
from functools import cached_property

import numpy as np

from ecqm.columns.base import Column, MaskedColumn
from ecqm.columns.join import concat
from ecqm.kernels.arrays import Mask, Rows
from ecqm.kernels.segments import (
    gather,
    offsets_of_lengths,
    offsets_of_parents,
    parents_of_offsets,
    segment_keys,
)
from ecqm.types import CqlType, ListType


class ListColumn(MaskedColumn):
    """Row i has the `values` at offsets[i]:offsets[i + 1]; null where not `valid` (its segment is then empty).

    `parents` has for each element the row of its list. A column is made from `offsets` or `parents`; the other is
    computed when first used.
    """

    def __init__(self, offsets: Rows, values: Column, valid: Mask | None = None, type_: CqlType | None = None) -> None:
        self._of(len(offsets) - 1, values, valid, type_)
        self.offsets = offsets

    @classmethod
    def of_parents(
        cls, parents: Rows, values: Column, n: int, valid: Mask | None = None, type_: CqlType | None = None
    ) -> ListColumn:
        """n lists from their elements and `parents`: for each element the row of its list, non-decreasing."""
        lists = cls.__new__(cls)
        lists._of(n, values, valid, type_)
        lists.parents = parents
        return lists

    def _of(self, n: int, values: Column, valid: Mask | None, type_: CqlType | None) -> None:
        self.values = values
        self._valid = np.ones(n, np.bool_) if valid is None else valid
        self.type = type_ or ListType(values.type)

    @cached_property
    def offsets(self) -> Rows:
        """Where in `values` the lists start and end (n + 1)."""
        return offsets_of_parents(self.parents, len(self))

    @cached_property
    def parents(self) -> Rows:
        """For each element the row of its list."""
        return parents_of_offsets(self.offsets)

    @property
    def lengths(self) -> Rows:
        """The number of elements of each list (n)."""
        return np.diff(self.offsets)

    def layout(self) -> Hashable:
        # Lists of different elements are lists of a choice.
        return ListColumn

    def with_values(self, values: Column, type_: CqlType | None = None) -> ListColumn:
        """Lists of the same lengths with other elements, as many as there are in `values`."""
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
        """The lists with only those elements for which `keep` (mask, one per element) holds."""
        chosen = np.flatnonzero(keep)
        return self.of_parents(self.parents[chosen], self.values.take(chosen), len(self), self._valid, self.type)

    def nulls(self, n: int) -> ListColumn:
        return ListColumn(np.zeros(n + 1, np.int64), self.values.nulls(0), np.zeros(n, np.bool_), self.type)

    def concat(self, others: Sequence[ListColumn]) -> ListColumn:
        parts = (self, *others)
        return ListColumn(
            offsets_of_lengths(np.concatenate([part.lengths for part in parts])),
            concat([part.values for part in parts]),
            np.concatenate([part.valid for part in parts]),
        )

    def keys(self) -> Rows:
        return np.where(self._valid, segment_keys(self.offsets, self.values.keys()), -1)
