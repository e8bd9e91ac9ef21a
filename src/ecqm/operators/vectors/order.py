"""Comparison of columns of points: numbers, quantities, dates and times (as in `ecqm.values.ordering`)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ecqm.columns import (
    Column,
    DateColumn,
    DateTimeColumn,
    DecimalColumn,
    IntegerColumn,
    Mask,
    NullColumn,
    QuantityColumn,
    Rows,
    TemporalColumn,
    TimeColumn,
    as_decimal,
    broadcast_length,
)
from ecqm.columns.number import Unscaled
from ecqm.columns.temporal import FIRST_INSTANT, LAST_INSTANT
from ecqm.kernels.calendar import DAY, HOUR, MILLISECOND, MS_PER_DAY, MS_PER_MINUTE
from ecqm.operators.vectors.amounts import amounts
from ecqm.operators.vectors.answers import Answer, either
from ecqm.types import LONG
from ecqm.values import request_offset
from ecqm.values.numbers import MAX_DECIMAL
from ecqm.values.temporal import precision_index


class Order(NamedTuple):
    """Masks (n) of the rows in which the left value is less, the same, or greater. None of them holds where the order
    is unknown, and in the `undecided` rows, which are left to the scalars (None means no rows)."""

    less: Mask
    same: Mask
    greater: Mask
    undecided: Mask | None = None

    @property
    def is_less(self) -> Answer:
        return Answer(self.less, self.same | self.greater, self.undecided)

    @property
    def is_at_most(self) -> Answer:
        return Answer(self.less | self.same, self.greater, self.undecided)

    @property
    def is_same(self) -> Answer:
        return Answer(self.same, self.less | self.greater, self.undecided)


def order(left: Column, right: Column, precision: str | None = None) -> Order | None:
    """Compare two columns of points, down to `precision` if they are dates or times (by default as they are written);
    None for layouts that are left to the scalars."""
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


def _order_of(a: Unscaled, b: Unscaled, known: Mask, undecided: Mask | None = None) -> Order:
    if undecided is not None:
        known = known & ~undecided
    less, same = (a < b).astype(np.bool_) & known, (a == b).astype(np.bool_) & known
    return Order(less, same, known & ~(less | same), undecided)


def _number_order(left: IntegerColumn | DecimalColumn, right: IntegerColumn | DecimalColumn) -> Order:
    known = left.valid & right.valid
    if isinstance(left, IntegerColumn) and isinstance(right, IntegerColumn):
        return _order_of(left.values, right.values, known)
    a, b = as_decimal(left), as_decimal(right)
    scale = max(a.scale, b.scale)
    return _order_of(a.at_scale(scale), b.at_scale(scale), known)


def _quantity_order(left: QuantityColumn, right: QuantityColumn) -> Order:
    known = left.valid & right.valid
    compared = _number_order(left.value, right.value)
    other_unit = (left.unit.ids != right.unit.ids) & known
    if not other_unit.any():
        return compared
    a, b = amounts(left, right)
    found = _order_of(a.number, b.number, known & (a.kind == b.kind))
    # The minimum and maximum Quantity are the same in every unit (docs/clarifications.md).
    extreme = other_unit & _extreme(left) & _extreme(right)
    if not extreme.any():
        return found
    return Order(found.less & ~extreme, found.same & ~extreme, found.greater & ~extreme, extreme)


def _extreme(column: QuantityColumn) -> Mask:
    """Where the number is the minimum or maximum Decimal."""
    number = column.value.unscaled
    if number.dtype != object:
        return np.zeros(1, np.bool_)
    return np.asarray(np.abs(number) >= int(MAX_DECIMAL) * 10**column.value.scale, np.bool_)


# -- dates and times --------------------------------------------------------------------------------------------------


def date_time_of(column: DateColumn) -> DateTimeColumn:
    """Dates as date-times of the same precision, at the offset of the request."""
    offset = request_offset()
    low = column.low * MS_PER_DAY - offset * MS_PER_MINUTE
    return DateTimeColumn(low, column.precision, np.full(len(column), offset, np.int16), column.valid)


def alike(left: Column, right: Column) -> tuple[Column, Column]:
    """Two columns of points after implicit conversion: Date to DateTime, Integer and Long to Decimal, Integer to Long,
    where the other column has that type."""
    if isinstance(left, DateColumn) and isinstance(right, DateTimeColumn):
        return date_time_of(left), right
    if isinstance(left, DateTimeColumn) and isinstance(right, DateColumn):
        return left, date_time_of(right)
    if isinstance(left, IntegerColumn) and isinstance(right, DecimalColumn):
        return as_decimal(left), right
    if isinstance(left, DecimalColumn) and isinstance(right, IntegerColumn):
        return left, as_decimal(right)
    if isinstance(left, IntegerColumn) and isinstance(right, IntegerColumn) and left.type != right.type:
        return left.retype(LONG), right.retype(LONG)
    return left, right


def shifts(left: TemporalColumn, right: TemporalColumn) -> tuple[Rows, Rows]:
    """Milliseconds to add to each column's points for local times that can be compared: at their own offset where both
    have the same, otherwise at the offset of the request. A value without a time of day keeps its own offset."""
    none = np.zeros(1, np.int64)
    if not isinstance(left, DateTimeColumn) or not isinstance(right, DateTimeColumn):
        return none, none
    differ = left.offset != right.offset
    own_left, own_right = left.offset_milliseconds, right.offset_milliseconds
    if not differ.any():
        return own_left, own_right
    request = request_offset() * MS_PER_MINUTE
    return (
        np.where(differ & (left.precision >= HOUR), request, own_left),
        np.where(differ & (right.precision >= HOUR), request, own_right),
    )


def local_shifts(left: TemporalColumn, right: TemporalColumn) -> tuple[Rows, Rows]:
    """Milliseconds to add to each column's points for local times as they are written."""
    none = np.zeros(1, np.int64)
    if not isinstance(left, DateTimeColumn) or not isinstance(right, DateTimeColumn):
        return none, none
    return left.offset_milliseconds, right.offset_milliseconds


def at_the_end(left: TemporalColumn, right: TemporalColumn) -> Mask | None:
    """The rows with different offsets in which conversion to the offset of the request could leave the calendar; they
    are left to the scalars. None for no rows."""
    if not isinstance(left, DateTimeColumn) or not isinstance(right, DateTimeColumn):
        return None
    request = request_offset() * MS_PER_MINUTE
    found: Mask | None = None
    for column in (left, right):
        if len(column) and (
            int(column.high.max()) + request > LAST_INSTANT or int(column.low.min()) + request < FIRST_INSTANT
        ):
            beyond = (column.high + request > LAST_INSTANT) | (column.low + request < FIRST_INSTANT)
            found = either(found, beyond & column.valid)
    if found is None:
        return None
    found = found & (left.offset != right.offset) & left.valid & right.valid
    return found if found.any() else None


def _temporal_order(left: TemporalColumn, right: TemporalColumn, precision: str | None) -> Order | None:
    one, other = alike(left, right)
    if not isinstance(one, TemporalColumn) or not isinstance(other, TemporalColumn) or type(one) is not type(other):
        return None
    left, right = one, other
    rank = left.finest if precision is None else precision_index(precision)
    undecided = at_the_end(left, right) if rank >= HOUR else None
    known = left.valid & right.valid
    if precision is not None and rank == MILLISECOND and left.finest == MILLISECOND:
        # Compared to the millisecond, as opposed to as they are written, values without milliseconds are uncertain.
        vague = ((left.precision < MILLISECOND) | (right.precision < MILLISECOND)) & known
        undecided = either(undecided, vague if vague.any() else None)
    if rank > left.finest or (rank < HOUR and isinstance(left, TimeColumn)):
        return None
    if (_reaches(left, rank) & _reaches(right, rank)).all():
        if rank == MILLISECOND:
            return _order_of(left.low, right.low, known, undecided)
        to_left, to_right = local_shifts(left, right) if rank <= DAY else shifts(left, right)
        a, b = left.floor(left.low + to_left, rank), right.floor(right.low + to_right, rank)
        return _order_of(a, b, known, undecided)
    return _uncertain_order(left, right, rank, precision is None, known, undecided)


def _reaches(column: TemporalColumn, rank: int) -> Mask:
    """Where values are known to a precision; seconds count as milliseconds."""
    return np.asarray(column.precision >= min(rank, column.exact_from))


def _uncertain_order(
    left: TemporalColumn, right: TemporalColumn, rank: int, as_written: bool, known: Mask, undecided: Mask | None
) -> Order:
    """Values that lack components are less or greater if everything they may stand for is. They are the same if they
    agree down to `rank`, or, compared `as_written`, if they have the same components."""
    to_left, to_right = local_shifts(left, right) if rank <= DAY else shifts(left, right)
    left_low, left_high = (left.floor(points + to_left, rank) for points in (left.low, left.high))
    right_low, right_high = (right.floor(points + to_right, rank) for points in (right.low, right.high))
    finest = min(rank, left.exact_from)
    reached_left, reached_right = np.minimum(left.precision, finest), np.minimum(right.precision, finest)
    comparable = reached_left == reached_right
    if not as_written:
        comparable = comparable & (reached_left == finest)
    if undecided is not None:
        known = known & ~undecided
    less, greater = left_high < right_low, left_low > right_high
    same = comparable & (left_low == right_low) & (left_high == right_high)
    return Order(less & known, same & known, greater & known, undecided)
