"""Lists: offsets into a column of elements."""

from __future__ import annotations

from collections.abc import Sequence
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
    """Row i holds the `values` at offsets[i]:offsets[i + 1]; null where not `valid` (its segment is then empty)."""

    def __init__(self, offsets: Rows, values: Column, valid: Mask | None = None, type_: CqlType | None = None) -> None:
        self.offsets = offsets
        self.values = values
        self._valid = np.ones(len(offsets) - 1, np.bool_) if valid is None else valid
        self.type = type_ or ListType(values.type)

    @classmethod
    def of_parents(cls, parents: Rows, values: Column, n: int, valid: Mask | None = None) -> ListColumn:
        """n lists from elements and, for each, the row (non-decreasing) whose list it is in."""
        return cls(offsets_of_parents(parents, n), values, valid)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def valid(self) -> Mask:
        return self._valid

    @property
    def lengths(self) -> Rows:
        return np.diff(self.offsets)

    @cached_property
    def parents(self) -> Rows:
        """For each element the row whose list it is in."""
        return parents_of_offsets(self.offsets)

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
        offsets = offsets_of_parents(self.parents[chosen], len(self))
        return ListColumn(offsets, self.values.take(chosen), self._valid, self.type)

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
