"""Values of choice types: a tag and one column per alternative."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ecqm.columns.base import Column
from ecqm.kernels.arrays import Mask, Rows
from ecqm.kernels.segments import combine_keys
from ecqm.types import CqlType, choice_of

Tags = npt.NDArray[np.int8]


class ChoiceColumn(Column):
    """`tag` int8 (n): the number of the alternative that holds the row's value; -1 is null.

    `alternatives` are columns of n rows, none of them a choice, each null where the tag is not its number.
    """

    def __init__(self, tag: Tags, alternatives: Sequence[Column], type_: CqlType | None = None) -> None:
        self.tag = tag
        self.alternatives = tuple(alternatives)
        self.type = type_ or choice_of(column.type for column in alternatives)

    @classmethod
    def of(cls, alternatives: Sequence[Column], type_: CqlType | None = None) -> ChoiceColumn:
        """A choice from columns of which at most one has a value in each row."""
        tag = np.full(len(alternatives[0]), -1, np.int8)
        for number, column in enumerate(alternatives):
            tag[column.valid] = number
        return cls(tag, alternatives, type_)

    def __len__(self) -> int:
        return len(self.tag)

    @property
    def valid(self) -> Mask:
        return self.tag >= 0

    def take(self, rows: Rows) -> ChoiceColumn:
        return ChoiceColumn(self.tag[rows], [column.take(rows) for column in self.alternatives], self.type)

    def where(self, keep: Mask) -> ChoiceColumn:
        return ChoiceColumn(
            np.where(keep, self.tag, np.int8(-1)),
            [column.where(keep) for column in self.alternatives],
            self.type,
        )

    def nulls(self, n: int) -> ChoiceColumn:
        alternatives = [column.nulls(n) for column in self.alternatives]
        return ChoiceColumn(np.full(n, -1, np.int8), alternatives, self.type)

    def concat(self, others: Sequence[ChoiceColumn]) -> ChoiceColumn:
        raise TypeError("choices are joined by ecqm.columns.concat, which unifies their alternatives")

    def keys(self) -> Rows:
        parts = [np.where(self.tag == i, column.keys(), -1) for i, column in enumerate(self.alternatives)]
        return np.where(self.valid, combine_keys(self.tag.astype(np.int64), *parts), -1)
