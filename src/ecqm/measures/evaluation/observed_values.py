"""Values of observations as floating-point numbers, and their units."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ecqm.columns import (
    BooleanColumn,
    ChoiceColumn,
    Column,
    DecimalColumn,
    IntegerColumn,
    NullColumn,
    QuantityColumn,
    as_decimal,
)
from ecqm.engine import EvaluationError
from ecqm.kernels.segments import representatives
from ecqm.measures.scoring.criteria import Episodes, Observed
from ecqm.measures.scoring.observed_units import ONE, ObservedUnits
from ecqm.types import NamedType

_NUMERIC = (NullColumn, BooleanColumn, IntegerColumn, DecimalColumn, QuantityColumn)
# The type of numbers of which only the bounds are known (a duration between imprecise dates); none can be observed.
_UNCERTAIN = NamedType("System", "Uncertainty")


def observed(values: Column, name: str, episodes: Episodes | None = None) -> Observed:
    """The values of an observation, one for each patient, or for each of the episodes. Raises EvaluationError, with the
    name of the observation, if they are not numbers."""
    for part in _alternatives(values):
        if not isinstance(part, _NUMERIC) and part.type != _UNCERTAIN and part.valid.any():
            raise EvaluationError(f"{name} has values of type {part.type}, which are not numbers")
    return Observed(_as_floats(values), episodes, _units(values))


def _alternatives(column: Column) -> Sequence[Column]:
    return column.alternatives if isinstance(column, ChoiceColumn) else (column,)


def _as_floats(column: Column) -> NDArray[np.float64]:
    """Values as floating-point numbers for statistics; NaN where they are null or not numeric."""
    if isinstance(column, ChoiceColumn):
        parts = [_as_floats(part) for part in column.alternatives]
        return np.select([column.tag == i for i in range(len(parts))], parts, np.nan)
    if isinstance(column, BooleanColumn):
        return np.where(column.valid, column.is_true.astype(np.float64), np.nan)
    if isinstance(column, QuantityColumn):
        column = column.value
    if isinstance(column, (IntegerColumn, DecimalColumn)):
        decimal = as_decimal(column)
        return np.where(decimal.valid, decimal.unscaled.astype(np.float64) / 10**decimal.scale, np.nan)
    return np.full(len(column), np.nan)


def _units(column: Column) -> ObservedUnits | None:
    """The units of the values of an observation; None if none of them has any."""
    names = {ONE: 0}
    codes = np.zeros(len(column), np.int32)
    for part in _alternatives(column):
        if isinstance(part, QuantityColumn) and part.valid.any():
            rows, place = representatives(part.unit.where(part.valid).keys())
            of_rows = [names.setdefault(unit or ONE, len(names)) for unit in part.unit.take(rows).texts()]
            codes = np.where(part.valid, np.array(of_rows, np.int32)[place], codes)
    return None if len(names) == 1 else ObservedUnits(codes, tuple(names))
