"""Order and equality, row by row (`elm:12` comparison operators; CQL reference, "Comparison Operators")."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ecqm.columns import (
    BooleanColumn,
    CodeColumn,
    Column,
    ConceptColumn,
    DateColumn,
    DateTimeColumn,
    DecimalColumn,
    IntegerColumn,
    Mask,
    NullColumn,
    QuantityColumn,
    ResourceColumn,
    Rows,
    StringColumn,
    TemporalColumn,
    as_decimal,
    broadcast_length,
)
from ecqm.kernels.calendar import DAY, HOUR, MILLISECOND, MS_PER_DAY, PRECISIONS, SECOND
from ecqm.kernels.segments import any_within, parents_of_offsets
from ecqm.operators.vectors import vector
from ecqm.values import request_offset


class Order(NamedTuple):
    """Row by row: is the left value less, the same, greater? All three false where that is not known."""

    less: Mask
    same: Mask
    greater: Mask

    def known_only(self, known: Mask) -> Order:
        return Order(self.less & known, self.same & known, self.greater & known)


def order(left: Column, right: Column, precision: str | None = None) -> Order | None:
    """How two columns of points compare; None for layouts that only the scalars know how to compare."""
    if isinstance(left, NullColumn) or isinstance(right, NullColumn):
        none = np.zeros(broadcast_length(left, right), np.bool_)
        return Order(none, none, none)
    if isinstance(left, TemporalColumn) and isinstance(right, TemporalColumn):
        return _temporal_order(left, right, precision)
    if isinstance(left, (IntegerColumn, DecimalColumn)) and isinstance(right, (IntegerColumn, DecimalColumn)):
        return _number_order(left, right)
    if isinstance(left, QuantityColumn) and isinstance(right, QuantityColumn):
        return _quantity_order(left, right)
    return None


def _order_of(a: Any, b: Any, known: Mask) -> Order:
    return Order((a < b) & known, (a == b) & known, (a > b) & known)


def _number_order(left: IntegerColumn | DecimalColumn, right: IntegerColumn | DecimalColumn) -> Order:
    known = left.valid & right.valid
    if isinstance(left, IntegerColumn) and isinstance(right, IntegerColumn):
        return _order_of(left.values, right.values, known)
    a, b = as_decimal(left), as_decimal(right)
    scale = max(a.scale, b.scale)
    return _order_of(a.at_scale(scale), b.at_scale(scale), known)


def _quantity_order(left: QuantityColumn, right: QuantityColumn) -> Order | None:
    known = left.valid & right.valid
    if not ((left.unit.ids == right.unit.ids) | ~known).all():
        return None
    return _number_order(left.value, right.value)


def date_time_of(column: DateColumn) -> DateTimeColumn:
    """Dates as date-times of the same precision, on the clock of the request."""
    offset = request_offset()
    low = column.low * MS_PER_DAY - offset * 60_000
    return DateTimeColumn(low, column.precision, np.full(len(column), offset, np.int16), column.valid)


def alike(left: TemporalColumn, right: TemporalColumn) -> tuple[TemporalColumn, TemporalColumn] | None:
    """Two columns of one kind of time, a date made a date-time if need be."""
    if isinstance(left, DateColumn) and isinstance(right, DateTimeColumn):
        left = date_time_of(left)
    elif isinstance(left, DateTimeColumn) and isinstance(right, DateColumn):
        right = date_time_of(right)
    return (left, right) if type(left) is type(right) else None


def clock(left: TemporalColumn, right: TemporalColumn, precision: int) -> tuple[Rows, Rows]:
    """What to add to each column's points to compare them at a precision: for date-times, the way to one local clock.

    Down to days the local dates count as they are written, at finer precisions the instants (on the clock of the
    request if the offsets differ).
    """
    none = np.zeros(1, np.int64)
    if not isinstance(left, DateTimeColumn) or not isinstance(right, DateTimeColumn) or precision == MILLISECOND:
        return none, none
    if precision <= DAY:
        return left.offset.astype(np.int64) * 60_000, right.offset.astype(np.int64) * 60_000
    shift = np.where(left.offset == right.offset, left.offset, request_offset()).astype(np.int64) * 60_000
    return shift, shift


def _temporal_order(left: TemporalColumn, right: TemporalColumn, precision: str | None) -> Order | None:
    pair = alike(left, right)
    if pair is None:
        return None
    left, right = pair
    rank = left.finest if precision is None else PRECISIONS.index(precision)
    coarse = ~_sharp(left, rank) | ~_sharp(right, rank)
    if precision == "millisecond" and (coarse | (left.precision == SECOND) | (right.precision == SECOND)).any():
        return None
    known = left.valid & right.valid
    if not coarse.any():
        shift_left, shift_right = clock(left, right, rank)
        return _order_of(left.floor(left.low + shift_left, rank), right.floor(right.low + shift_right, rank), known)
    return _uncertain_order(left, right, rank, known)


def _sharp(column: TemporalColumn, rank: int) -> Mask:
    """Where values are known to a precision."""
    return np.asarray(column.precision >= min(rank, column.sharp))


def _uncertain_order(left: TemporalColumn, right: TemporalColumn, rank: int, known: Mask) -> Order | None:
    """Values that lack components are ordered where all they can mean is; where both stop short alike, they are the
    same if what is written is. Local dates decide where a value has no time."""
    if isinstance(left, DateTimeColumn) and isinstance(right, DateTimeColumn) and rank >= HOUR:
        timed = (left.precision >= HOUR) & (right.precision >= HOUR)
        if not (timed | (left.offset == right.offset) | ~known).all():
            return None
    shift_left, shift_right = clock(left, right, rank)
    left_low, left_high = (left.floor(points + shift_left, rank) for points in (left.low, left.high))
    right_low, right_high = (right.floor(points + shift_right, rank) for points in (right.low, right.high))
    finest = np.minimum(rank, left.sharp)
    alike_precise = np.minimum(left.precision, finest) == np.minimum(right.precision, finest)
    less, greater = left_high < right_low, left_low > right_high
    same = alike_precise & (left_low == right_low) & (left_high == right_high)
    return Order(less & known, same & known, greater & known)


# -- operators --------------------------------------------------------------------------------------------------------


def _comparison(answer: Callable[[Order], tuple[Mask, Mask]]) -> Callable[..., Any]:
    def kernel(left: Column, right: Column, precision: str | None = None) -> Any:
        found = order(left, right, precision)
        return NotImplemented if found is None else BooleanColumn(*answer(found))

    return kernel


less = vector("Less")(_comparison(lambda o: (o.less, o.same | o.greater)))
greater = vector("Greater")(_comparison(lambda o: (o.greater, o.same | o.less)))
less_or_equal = vector("LessOrEqual")(_comparison(lambda o: (o.less | o.same, o.greater)))
greater_or_equal = vector("GreaterOrEqual")(_comparison(lambda o: (o.greater | o.same, o.less)))


@vector("Equal")
def equal(left: Column, right: Column) -> Any:
    if isinstance(left, StringColumn) and isinstance(right, StringColumn):
        return BooleanColumn.of(left.ids == right.ids, left.valid & right.valid)
    if isinstance(left, BooleanColumn) and isinstance(right, BooleanColumn):
        return BooleanColumn.of(left.is_true == right.is_true, left.valid & right.valid)
    if isinstance(left, ResourceColumn) and isinstance(right, ResourceColumn):
        same = left.rows == right.rows if left.table is right.table else np.zeros(1, np.bool_)
        return BooleanColumn.of(same, left.valid & right.valid)
    found = order(left, right)
    return NotImplemented if found is None else BooleanColumn(found.same, found.less | found.greater)


@vector("NotEqual")
def not_equal(left: Column, right: Column) -> Any:
    found = equal(left, right)
    return found if found is NotImplemented else BooleanColumn(found.is_false, found.is_true)


@vector("Equivalent")
def equivalent(left: Column, right: Column) -> Any:
    left_codes, right_codes = (isinstance(column, (CodeColumn, ConceptColumn)) for column in (left, right))
    if left_codes and right_codes:
        return _codes_equivalent(left, right)
    if (left_codes and isinstance(right, NullColumn)) or (right_codes and isinstance(left, NullColumn)):
        return BooleanColumn.of(~left.valid & ~right.valid)
    return NotImplemented


def _codes_equivalent(left: Column, right: Column) -> Any:
    if isinstance(right, ConceptColumn) and not isinstance(left, ConceptColumn):
        left, right = right, left
    both_null = ~left.valid & ~right.valid
    if isinstance(left, CodeColumn) and isinstance(right, CodeColumn):
        return BooleanColumn.of(((left.ids == right.ids) & left.valid) | both_null)
    if not isinstance(left, ConceptColumn) or not isinstance(right, CodeColumn):
        return NotImplemented
    n = broadcast_length(left, right)
    left = left.broadcast(n)
    parents = parents_of_offsets(left.offsets)
    wanted = right.ids if len(right) == 1 else right.ids[parents]
    matched = any_within((left.codes.ids == wanted) & (wanted >= 0), parents, n) & left.valid
    return BooleanColumn.of(matched | both_null)
