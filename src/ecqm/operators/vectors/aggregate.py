"""Aggregates over the elements of lists (`elm:21`): nulls do not count, and nothing else gives null."""

from __future__ import annotations

from typing import Any

import numpy as np

from ecqm.columns import (
    BooleanColumn,
    Column,
    DateTimeColumn,
    DecimalColumn,
    IntegerColumn,
    ListColumn,
    Mask,
    NullColumn,
    QuantityColumn,
    Rows,
    TemporalColumn,
    as_decimal,
)
from ecqm.columns.number import INT64_LIMIT, Unscaled, multiply_exact
from ecqm.kernels.segments import any_within, count_within
from ecqm.operators.vectors import vector
from ecqm.operators.vectors.answers import with_rest
from ecqm.operators.vectors.arithmetic import PLACES, decimals, divided, integers


@vector("AllTrue")
def all_true(source: Column) -> Any:
    if not isinstance(source, ListColumn) or not isinstance(source.values, BooleanColumn):
        return NotImplemented
    return BooleanColumn.of(~any_within(source.values.is_false, source.parents, len(source)))


@vector("AnyTrue")
def any_true(source: Column) -> Any:
    if not isinstance(source, ListColumn) or not isinstance(source.values, BooleanColumn):
        return NotImplemented
    return BooleanColumn.of(any_within(source.values.is_true, source.parents, len(source)))


# -- extremes ---------------------------------------------------------------------------------------------------------


@vector("Min")
def least(source: Column) -> Any:
    return _extreme(source, 1)


@vector("Max")
def greatest(source: Column) -> Any:
    return _extreme(source, -1)


def _extreme(source: Column, sign: int) -> Any:
    """The first of the least elements (of their negatives for the greatest)."""
    if isinstance(source, NullColumn):
        return source
    found = _comparable(source.values, source.parents, len(source)) if isinstance(source, ListColumn) else None
    if found is None:
        return NotImplemented
    assert isinstance(source, ListColumn)
    points, undecided = found
    present = np.flatnonzero(source.values.valid)
    parents = source.parents[present]
    # Sorted by list and then by value, ties as they were: the first of each list is the one.
    order = np.lexsort((sign * points[present], parents))
    first = np.full(len(source), -1, np.int64)
    first[parents[order][::-1]] = present[order][::-1]
    return with_rest(source.values.pick(first), undecided)


def _comparable(values: Column, parents: Rows, n: int) -> tuple[Rows, Mask | None] | None:
    """Integers in the order of points, and the lists (mask of n) in which only the scalars can compare them."""
    if isinstance(values, IntegerColumn):
        return values.values, None
    if isinstance(values, DecimalColumn):
        return (values.unscaled, None) if values.unscaled.dtype != object else None
    if isinstance(values, QuantityColumn):
        inner = _comparable(values.value, parents, n)
        return None if inner is None else (inner[0], _of_several_units(values, parents, n))
    if isinstance(values, TemporalColumn):
        vague = values.valid & (values.precision < values.exact_from)
        return values.low, any_within(vague | _at_the_end(values), parents, n)
    return None


def _at_the_end(values: TemporalColumn) -> Mask:
    """Points in the last and the first years, which a change of clock could move out of the calendar."""
    if not isinstance(values, DateTimeColumn):
        return np.zeros(len(values), np.bool_)
    local = values.floor(values.local, 0)
    return values.valid & ((local >= 9999 - 1970) | (local <= 1 - 1970))


def _of_several_units(values: QuantityColumn, parents: Rows, n: int) -> Mask:
    """Lists with elements of more than one unit."""
    ids = values.unit.ids.astype(np.int64)
    present = values.valid
    least = np.full(n, np.iinfo(np.int64).max)
    most = np.full(n, -1, np.int64)
    np.minimum.at(least, parents[present], ids[present])
    np.maximum.at(most, parents[present], ids[present])
    return np.asarray((most >= 0) & (least != most))


# -- sums -------------------------------------------------------------------------------------------------------------


@vector("Sum")
def total(source: Column) -> Any:
    if not isinstance(source, ListColumn):
        return NotImplemented
    values = source.values
    n = len(source)
    some = any_within(values.valid, source.parents, n)
    if isinstance(values, IntegerColumn):
        return integers(_sums(values.values, values.valid, source), some, values)
    if isinstance(values, DecimalColumn):
        return decimals(_sums(values.unscaled, values.valid, source), values.scale, some)
    if isinstance(values, QuantityColumn):
        result = decimals(_sums(values.value.unscaled, values.valid, source), values.value.scale, some)
        return _quantities(result, values, source)
    return NotImplemented


@vector("Avg")
def mean(source: Column) -> Any:
    if not isinstance(source, ListColumn):
        return NotImplemented
    values = source.values
    number = values.value if isinstance(values, QuantityColumn) else values
    if not isinstance(number, (DecimalColumn, IntegerColumn)):
        return NotImplemented
    decimal = as_decimal(number)
    counts = count_within(decimal.valid, source.parents, len(source))
    sums = multiply_exact(_sums(decimal.unscaled, decimal.valid, source), 10 ** (PLACES - min(decimal.scale, PLACES)))
    if decimal.scale > PLACES:
        return NotImplemented
    result = decimals(divided(sums, np.maximum(counts, 1)), PLACES, counts > 0)
    return _quantities(result, values, source) if isinstance(values, QuantityColumn) else result


def _quantities(value: DecimalColumn, values: QuantityColumn, source: ListColumn) -> Any:
    """Results in the one unit that a list's quantities have; lists of several units are for the scalars."""
    n = len(source)
    first = np.full(n, -1, np.int64)
    present = np.flatnonzero(values.valid)[::-1]
    first[source.parents[present]] = present
    return with_rest(QuantityColumn(value, values.unit.pick(first)), _of_several_units(values, source.parents, n))


def _sums(values: Unscaled, present: Mask, source: ListColumn) -> Unscaled:
    """The exact sum of each list's present values."""
    counted = np.where(present, values, 0)
    if counted.dtype != object and len(counted):
        bound = max(abs(int(counted.max())), abs(int(counted.min()))) * len(counted)
        if bound >= INT64_LIMIT:
            counted = counted.astype(object)
    running = np.concatenate([np.zeros(1, counted.dtype), np.cumsum(counted)])
    return np.asarray(running[source.offsets[1:]] - running[source.offsets[:-1]])
