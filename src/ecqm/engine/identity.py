"""Which values are the same."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ecqm.columns import Column, Rows, concat
from ecqm.engine.executor import EvaluationError
from ecqm.operators.vectors.equality import equality_keys


def numbered(columns: Sequence[Column]) -> list[Rows]:
    """For each column a number per value, the same for values of any of the columns exactly if they are equal.

    Raises EvaluationError for values of which this cannot be told.
    """
    if not columns:
        return []
    together = concat(columns)
    keys = equality_keys(together)
    if keys is None:
        raise EvaluationError(f"it cannot be told which values of type {together.type} are the same")
    return list(np.split(keys, np.cumsum([len(column) for column in columns])[:-1]))
