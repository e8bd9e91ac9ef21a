"""Aggregates of lists (`elm:21`): null elements are ignored, and the result is null if there are no others."""

from __future__ import annotations

from collections.abc import Callable

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
from ecqm.kernels.calendar import YEAR
from ecqm.kernels.segments import any_within, count_within, first_within
from ecqm.operators.vectors import Result, vector
from ecqm.operators.vectors.answers import with_rest
from ecqm.operators.vectors.arithmetic import decimals, divided, integers
from ecqm.values.numbers import DECIMAL_PLACES
from ecqm.values.temporal import MAXIMA, MINIMA


@vector("AllTrue")
def all_true(source: Column) -> Result:
    if not isinstance(source, ListColumn) or not isinstance(source.values, BooleanColumn):
        return None
    return BooleanColumn.of(~any_within(source.values.is_false, source.parents, len(source)))


@vector("AnyTrue")
def any_true(source: Column) -> Result:
    if not isinstance(source, ListColumn) or not isinstance(source.values, BooleanColumn):
        return None
    return BooleanColumn.of(any_within(source.values.is_true, source.parents, len(source)))


# -- extremes ---------------------------------------------------------------------------------------------------------


@vector("Min")
def least(source: Column) -> Result:
    return _extreme(source, lambda points: points)


@vector("Max")
def greatest(source: Column) -> Result:
    # The complement of an integer reverses the order and, unlike its negative, always fits.
    return _extreme(source, np.invert)


def _extreme(source: Column, to_rank: Callable[[Rows], Rows]) -> Result:
    """The first element of each list whose rank is the least; `to_rank` gives the ranks of points."""
    if isinstance(source, NullColumn):
        return source
    if not isinstance(source, ListColumn):
        return None
    found = _comparable(source.values, source.parents, len(source))
    if found is None:
        return None
    points, undecided = found
    # Sorted by list, then by rank, and stable: the first element of each list that is not null is the one.
    order = np.lexsort((to_rank(points), source.parents))
    first = first_within(source.values.valid[order], source.parents, len(source))
    return with_rest(source.values.pick(np.append(order, -1)[first]), undecided)


def _comparable(values: Column, parents: Rows, n: int) -> tuple[Rows, Mask | None] | None:
    """Integers that compare like the values, and the mask (n) of the lists that are left to the scalars; None for
    layouts that are."""
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
    """Points in the first and the last year, which conversion to another offset could move out of the calendar."""
    if not isinstance(values, DateTimeColumn):
        return np.zeros(len(values), np.bool_)
    years = values.floor(values.local, YEAR) + 1970
    return values.valid & ((years >= MAXIMA[YEAR]) | (years <= MINIMA[YEAR]))


def _of_several_units(values: QuantityColumn, parents: Rows, n: int) -> Mask:
    """Mask (n) of the lists whose quantities have different units."""
    ids = values.unit.ids.astype(np.int64)
    present = values.valid
    least = np.full(n, np.iinfo(np.int64).max)
    most = np.full(n, -1, np.int64)
    np.minimum.at(least, parents[present], ids[present])
    np.maximum.at(most, parents[present], ids[present])
    return np.asarray((most >= 0) & (least != most))


# -- sums -------------------------------------------------------------------------------------------------------------


@vector("Sum")
def total(source: Column) -> Result:
    if not isinstance(source, ListColumn):
        return None
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
    return None


@vector("Avg")
def mean(source: Column) -> Result:
    if not isinstance(source, ListColumn):
        return None
    values = source.values
    number = values.value if isinstance(values, QuantityColumn) else values
    if not isinstance(number, (DecimalColumn, IntegerColumn)):
        return None
    decimal = as_decimal(number)
    if decimal.scale > DECIMAL_PLACES:
        return None
    counts = count_within(decimal.valid, source.parents, len(source))
    sums = multiply_exact(_sums(decimal.unscaled, decimal.valid, source), 10 ** (DECIMAL_PLACES - decimal.scale))
    result = decimals(divided(sums, np.maximum(counts, 1)), DECIMAL_PLACES, counts > 0)
    return _quantities(result, values, source) if isinstance(values, QuantityColumn) else result


def _quantities(value: DecimalColumn, values: QuantityColumn, source: ListColumn) -> Result:
    """Results in the unit of each list's quantities; lists with several units are left to the scalars."""
    n = len(source)
    first = first_within(values.valid, source.parents, n)
    return with_rest(QuantityColumn(value, values.unit.pick(first)), _of_several_units(values, source.parents, n))


def _sums(values: Unscaled, present: Mask, source: ListColumn) -> Unscaled:
    """The exact sum of each list's values that are `present` (mask, one per element)."""
    counted = np.where(present, values, 0)
    if counted.dtype != object and len(counted):
        bound = max(abs(int(counted.max())), abs(int(counted.min()))) * len(counted)
        if bound >= INT64_LIMIT:
            counted = counted.astype(object)
    running = np.concatenate([np.zeros(1, counted.dtype), np.cumsum(counted)])
    return np.asarray(running[source.offsets[1:]] - running[source.offsets[:-1]])
