"""Three-valued answers row by row, some of which a kernel leaves to the scalars."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ecqm.columns import BooleanColumn, Mask
from ecqm.operators.vectors import Rest


class Answer(NamedTuple):
    """Where a relation holds and where it does not (neither: it is not known), and where only the scalars can tell.

    Masks of n rows or of one for all; `undecided` is None where there are no such rows.
    """

    is_true: Mask
    is_false: Mask
    undecided: Mask | None = None

    def __invert__(self) -> Answer:
        return Answer(self.is_false, self.is_true, self.undecided)

    def __and__(self, other: Answer) -> Answer:
        return Answer(
            self.is_true & other.is_true, self.is_false | other.is_false, either(self.undecided, other.undecided)
        )

    def __or__(self, other: Answer) -> Answer:
        return ~(~self & ~other)

    def where(self, known: Mask) -> Answer:
        """Null where not `known`."""
        undecided = None if self.undecided is None else self.undecided & known
        return Answer(self.is_true & known, self.is_false & known, undecided)

    def column(self) -> BooleanColumn | Rest:
        """The answers as what a kernel gives."""
        column = BooleanColumn(self.is_true, self.is_false)
        if self.undecided is None or not self.undecided.any():
            return column
        open_rows = np.broadcast_to(self.undecided, (len(column),))
        return Rest(column.where(~open_rows), open_rows)


def either(one: Mask | None, other: Mask | None) -> Mask | None:
    """Rows of one mask or the other, None for no rows."""
    if one is None or other is None:
        return other if one is None else one
    return one | other


def with_rest(column: Any, undecided: Mask | None) -> Any:
    """A column as what a kernel gives that leaves the rows of `undecided` (n, or one for all) to the scalars."""
    if undecided is None or not undecided.any():
        return column
    open_rows = np.broadcast_to(undecided, (len(column),))
    return NotImplemented if open_rows.all() else Rest(column.where(~open_rows), open_rows)
