"""The order of values in sort clauses."""

from __future__ import annotations

from collections.abc import Callable
from functools import cmp_to_key
from itertools import accumulate, pairwise
from typing import Any

import numpy as np

from ecqm.columns import (
    BooleanColumn,
    ChoiceColumn,
    Column,
    DateColumn,
    DateTimeColumn,
    DecimalColumn,
    IntegerColumn,
    QuantityColumn,
    Rows,
    StringColumn,
    TemporalColumn,
    TimeColumn,
    to_values,
)
from ecqm.columns.number import Unscaled
from ecqm.kernels.segments import combine_keys, densify, representatives
from ecqm.operators import registry
from ecqm.operators.vectors.amounts import amounts

_LARGEST = np.iinfo(np.int64).max
# Columns whose values have an order; values of those that are together can be compared.
_ORDERED: tuple[tuple[type[Column], ...], ...] = (
    (BooleanColumn,),
    (IntegerColumn, DecimalColumn),
    (QuantityColumn,),
    (DateColumn, DateTimeColumn),
    (TimeColumn,),
    (StringColumn,),
)


def ranks(column: Column) -> Rows:
    """Integers (n) in the order of the values, the same for equal values; nulls come first (`elm:10.13`)."""
    if isinstance(column, ChoiceColumn):
        return _ranks_of_choice(column)
    rank = _ranks(column)
    low, high = int(rank.min(initial=0)), int(rank.max(initial=0))
    if high - low >= _LARGEST:
        rank, _ = densify(rank)
        low = 0
    return np.where(column.valid, rank - low + 1, 0)


def _ranks_of_choice(column: ChoiceColumn) -> Rows:
    """Ranks by type, then by value. Values without an order, such as periods, come first like nulls, because a choice
    is compared as one of its types that can be compared."""
    ranked = np.zeros(len(column), np.int64)
    for kind in _ORDERED:
        tags = [tag for tag, part in enumerate(column.alternatives) if isinstance(part, kind)]
        here = np.isin(column.tag, tags)
        if not here.any():
            continue
        if len(tags) == 1:
            rank = ranks(column.alternatives[tags[0]])
        else:
            rank = _ranks_of_distinct(column.where(here), cmp_to_key(_compare))
        ranked[here] = densify(rank[here])[0] + ranked.max(initial=0) + 1
    return ranked


def _ranks(column: Column) -> Rows:
    if isinstance(column, IntegerColumn):
        return column.values
    if isinstance(column, TemporalColumn):
        if column.exact:
            return column.low
        # Of two values with the same start the less precise one comes first, as in the reference engines.
        return combine_keys(column.low, column.precision.astype(np.int64))
    if isinstance(column, BooleanColumn):
        return column.is_true.astype(np.int64)
    if isinstance(column, DecimalColumn):
        return _whole(column.unscaled)
    if isinstance(column, QuantityColumn):
        # Quantities that cannot be compared are ordered by kind, which does not depend on the values of other lists.
        (found,) = amounts(column)
        return combine_keys(found.kind, _whole(found.number))
    if isinstance(column, StringColumn):
        return _ranks_of_distinct(column, lambda text: text)
    return _ranks_of_distinct(column, cmp_to_key(_compare))


def _whole(numbers: Unscaled) -> Rows:
    """The numbers, or their ranks if they do not fit into 64 bits."""
    if numbers.dtype != object:
        return numbers
    return np.unique(numbers, return_inverse=True)[1]


def _ranks_of_distinct(column: Column, key: Callable[[Any], Any]) -> Rows:
    rows, place = representatives(column.keys())
    values = to_values(column.take(rows))
    known = [number for number, value in enumerate(values) if value is not None]
    sort_keys = {number: key(values[number]) for number in known}
    known.sort(key=sort_keys.__getitem__)
    rank = np.zeros(len(rows), np.int64)
    # Values with different keys may be equal; those have the same rank.
    rises = (sort_keys[one] < sort_keys[next_] for one, next_ in pairwise(known))
    rank[known] = list(accumulate(rises, initial=0))[: len(known)]
    return rank[place]


def _compare(left: object, right: object) -> int:
    if registry.get("Less").call(left, right):
        return -1
    return 1 if registry.get("Greater").call(left, right) else 0


def order_within(parents: Rows, keys: list[tuple[Column, bool]]) -> Rows:
    """The order of rows that sorts each list (`parents`, non-decreasing) by `keys`, pairs of a column and whether it is
    descending; the sort is stable."""
    packed, _ = densify(parents)
    for column, descending in keys:
        rank, count = densify(ranks(column))
        packed, _ = densify(packed * count + (count - 1 - rank if descending else rank))
    return np.argsort(packed, kind="stable")
