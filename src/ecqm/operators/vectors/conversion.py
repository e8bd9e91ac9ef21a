"""Conversions between System types (`elm:22`)."""

from __future__ import annotations

import numpy as np

from ecqm.columns import (
    CodeColumn,
    Column,
    ConceptColumn,
    DateColumn,
    DecimalColumn,
    IntegerColumn,
    ListColumn,
    NullColumn,
    QuantityColumn,
    StringColumn,
    as_decimal,
    broadcast_length,
)
from ecqm.kernels.segments import offsets_of_lengths
from ecqm.operators.vectors import Result, vector
from ecqm.operators.vectors.answers import with_rest
from ecqm.operators.vectors.order import date_time_of
from ecqm.types import CONCEPT


@vector("ToDateTime")
def to_date_time(operand: Column) -> Result:
    return date_time_of(operand) if isinstance(operand, DateColumn) else None


@vector("ToDecimal")
def to_decimal(operand: Column) -> Result:
    return as_decimal(operand) if isinstance(operand, (IntegerColumn, DecimalColumn)) else None


@vector("ToQuantity")
def to_quantity(operand: Column) -> Result:
    if not isinstance(operand, (IntegerColumn, DecimalColumn)):
        return None
    return QuantityColumn(as_decimal(operand), StringColumn.of(["1"]).broadcast(len(operand)))


@vector("ConvertQuantity")
def convert_quantity(operand: Column, unit: Column) -> Result:
    """Quantities that have the unit already; all others are left to the scalars."""
    if not isinstance(operand, QuantityColumn) or not isinstance(unit, StringColumn):
        return None
    n = broadcast_length(operand, unit)
    operand = operand.broadcast(n)
    differ = (operand.unit.ids != unit.ids) & operand.valid & unit.valid
    known = operand if unit.valid.all() else operand.where(np.broadcast_to(unit.valid, (n,)))
    return with_rest(known, differ)


@vector("ToConcept")
def to_concept(operand: Column) -> Result:
    if isinstance(operand, CodeColumn):
        present = operand.take(np.flatnonzero(operand.valid))
        offsets = offsets_of_lengths(operand.valid.astype(np.int64))
        display = None if operand.display is None else operand.display.where(operand.valid)
        return ConceptColumn(offsets, present, operand.valid, display, CONCEPT)
    if isinstance(operand, ListColumn) and isinstance(operand.values, CodeColumn):
        return ConceptColumn(operand.offsets, operand.values, operand.valid, None, CONCEPT)
    return None if not isinstance(operand, NullColumn) else operand
