"""Three-valued answers of relations, with the rows that a kernel leaves to the scalars."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ecqm.columns import BooleanColumn, Column, Mask
from ecqm.operators.vectors import Rest, Result


class Answer(NamedTuple):
    """Masks of where a relation is true and where it is false (elsewhere it is null), and of the `undecided` rows,
    which are left to the scalars. A mask has n rows, or one row that stands for all; None means no rows.
    """

    is_true: Mask
    is_false: Mask
    undecided: Mask | None = None

    @classmethod
    def null(cls, n: int) -> Answer:
        """Null in n rows."""
        none = np.zeros(n, np.bool_)
        return cls(none, none)

    def __invert__(self) -> Answer:
        return Answer(self.is_false, self.is_true, self.undecided)

    def __and__(self, other: Answer) -> Answer:
        return Answer(
            self.is_true & other.is_true, self.is_false | other.is_false, either(self.undecided, other.undecided)
        )

    def where(self, known: Mask) -> Answer:
        """The answer with null where the mask `known` does not hold."""
        undecided = None if self.undecided is None else self.undecided & known
        return Answer(self.is_true & known, self.is_false & known, undecided)

    def column(self) -> BooleanColumn | Rest:
        """The answer as the result of a kernel."""
        column = BooleanColumn(self.is_true, self.is_false)
        if self.undecided is None or not self.undecided.any():
            return column
        open_rows = np.broadcast_to(self.undecided, (len(column),))
        return Rest(column.where(~open_rows), open_rows)


def both(one: Answer | None, other: Answer | None) -> Answer | None:
    """Whether two relations hold; None stands for a relation that is left to the scalars in all rows."""
    return None if one is None or other is None else one & other


def as_result(answer: Answer | None) -> Result:
    """The answer as the result of a kernel; None, if it is left to the scalars in all rows."""
    return None if answer is None else answer.column()


def either(one: Mask | None, other: Mask | None) -> Mask | None:
    """The rows of either mask; None stands for no rows."""
    if one is None or other is None:
        return other if one is None else one
    return one | other


def with_rest(column: Column, undecided: Mask | None) -> Result:
    """The result of a kernel that leaves the rows of the mask `undecided` (n, one for all, or None) to the scalars."""
    if undecided is None or not undecided.any():
        return column
    open_rows = np.broadcast_to(undecided, (len(column),))
    return None if open_rows.all() else Rest(column.where(~open_rows), open_rows)
