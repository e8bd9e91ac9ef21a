"""Lists: picking, counting, and set operations (`elm:20`)."""

from __future__ import annotations

import numpy as np

from ecqm.columns import (
    BooleanColumn,
    Column,
    DecimalColumn,
    IntegerColumn,
    ListColumn,
    Mask,
    NullColumn,
    RecordColumn,
    ResourceColumn,
    TemporalColumn,
    broadcast_length,
    concat,
)
from ecqm.kernels.segments import (
    any_within,
    combine_keys,
    count_within,
    first_occurrences,
    interleave,
    occurs_in,
    offsets_of_lengths,
)
from ecqm.operators.vectors import Partial, Result, vector
from ecqm.operators.vectors.answers import with_rest
from ecqm.operators.vectors.equality import equality_keys


@vector("First", choices=True)
def first(source: Column) -> Result:
    if not isinstance(source, ListColumn):
        return None
    return source.values.pick(np.where(source.lengths > 0, source.offsets[:-1], -1))


@vector("Last", choices=True)
def last(source: Column) -> Result:
    if not isinstance(source, ListColumn):
        return None
    return source.values.pick(np.where(source.lengths > 0, source.offsets[1:] - 1, -1))


@vector("SingletonFrom")
def singleton_from(source: Column) -> Result:
    if not isinstance(source, ListColumn):
        return None
    several = source.lengths > 1
    only = source.values.pick(np.where(source.lengths == 1, source.offsets[:-1], -1))
    return Partial(only, several, "the list has more than one element") if several.any() else only


@vector("Exists", choices=True)
def exists(source: Column) -> Result:
    if isinstance(source, NullColumn):
        return BooleanColumn.of(np.zeros(len(source), np.bool_))
    if not isinstance(source, ListColumn):
        return None
    return BooleanColumn.of(any_within(source.values.valid, source.parents, len(source)))


@vector("Count", choices=True)
def count(source: Column) -> Result:
    if isinstance(source, NullColumn):
        return IntegerColumn(np.zeros(len(source), np.int64), np.ones(len(source), np.bool_))
    if not isinstance(source, ListColumn):
        return None
    return IntegerColumn(count_within(source.values.valid, source.parents, len(source)), np.ones(len(source), np.bool_))


@vector("Indexer")
def indexer(source: Column, index: Column) -> Result:
    if not isinstance(source, ListColumn) or not isinstance(index, IntegerColumn):
        return None
    n = broadcast_length(source, index)
    source, index = source.broadcast(n), index.broadcast(n)
    inside = index.valid & (index.values >= 0) & (index.values < source.lengths)
    return source.values.pick(np.where(inside, source.offsets[:-1] + index.values, -1))


@vector("Distinct", choices=True)
def distinct(source: Column) -> Result:
    if not isinstance(source, ListColumn):
        return None
    if len(source.values) == 0 or _in_table_order(source.values) or _differ_in_one_field(source):
        return source
    if isinstance(source.values, ResourceColumn):
        in_list = source.parents * (len(source.values.table) + 1) + source.values.rows
    else:
        keys = equality_keys(source.values)
        if keys is None:
            return with_rest(source, source.lengths > 1)
        in_list = combine_keys(source.parents, keys)
    kept = first_occurrences(in_list)
    return source if kept.all() else source.select(kept)


def _in_table_order(values: Column) -> bool:
    """Whether these are resources in the order of their table, and therefore without duplicates."""
    return isinstance(values, ResourceColumn) and bool((np.diff(values.rows) > 0).all())


# Layouts of fields that are compared quickly, the quickest first.
_QUICK = (ResourceColumn, IntegerColumn, TemporalColumn, DecimalColumn)


def _differ_in_one_field(source: ListColumn) -> bool:
    """Whether these are lists of tuples that differ in a field that is compared quickly, and are therefore without
    duplicates."""
    values = source.values
    if not isinstance(values, RecordColumn):
        return False
    fields = [values.field(name) for name in values.fields]
    for layout in _QUICK:
        for field in fields:
            keys = equality_keys(field) if isinstance(field, layout) else None
            if keys is not None and first_occurrences(combine_keys(source.parents, keys)).all():
                return True
    return False


@vector("Flatten")
def flatten(source: Column) -> Result:
    if not isinstance(source, ListColumn) or not isinstance(source.values, ListColumn):
        return None
    inner = source.values
    return ListColumn(inner.offsets[source.offsets], inner.values, source.valid)


@vector("ToList", choices=True)
def to_list(operand: Column) -> Column:
    valid = operand.valid
    return ListColumn(offsets_of_lengths(valid.astype(np.int64)), operand.take(np.flatnonzero(valid)))


def both_lists(left: Column, right: Column) -> tuple[ListColumn, ListColumn] | None:
    """Operands as list columns with the same number of rows, where untyped nulls are null lists; None if an operand is
    something else, or both are null."""
    if not isinstance(left, ListColumn) and not isinstance(right, ListColumn):
        return None
    n = broadcast_length(left, right)
    lists = []
    for column in (left, right):
        if isinstance(column, NullColumn):
            lists.append(ListColumn(np.zeros(n + 1, np.int64), NullColumn(0), np.zeros(n, np.bool_)))
        elif isinstance(column, ListColumn):
            lists.append(column.broadcast(n))
        else:
            return None
    return lists[0], lists[1]


def joined(left: ListColumn, right: ListColumn) -> tuple[ListColumn, Mask]:
    """In each row the elements of the left list followed by those of the right, and which come from the left."""
    offsets, to_left, to_right = interleave(left.offsets, right.offsets)
    source = np.empty(offsets[-1], np.int64)
    source[to_left] = np.arange(len(to_left))
    source[to_right] = len(to_left) + np.arange(len(to_right))
    values = concat([left.values, right.values]).take(source) if len(source) else left.values
    return ListColumn(offsets, values, left.valid | right.valid), source < len(to_left)


@vector("Union", choices=True)
def union(*operands: Column) -> Result:
    if not any(isinstance(operand, ListColumn) for operand in operands):
        return None
    n = broadcast_length(*operands)
    lists: list[ListColumn] = []
    for operand in operands:
        if isinstance(operand, ListColumn):
            lists.append(operand.broadcast(n))
        elif not isinstance(operand, NullColumn):
            return None
    lists = [column for column in lists if len(column.values)] or lists[:1]
    if len(lists) == 1:
        return distinct(ListColumn.of_parents(lists[0].parents, lists[0].values, n))
    parents = np.concatenate([column.parents for column in lists])
    order = np.argsort(parents, kind="stable")
    values = concat([column.values for column in lists]).take(order)
    return distinct(ListColumn.of_parents(parents[order], values, n))


@vector("Intersect", choices=True)
def intersect(left: Column, right: Column, *more: Column) -> Result:
    lists = both_lists(left, right)
    if lists is None:
        return None
    kept = _kept_of_left(*lists, found=True)
    if kept is None:
        return None
    both = lists[0].valid & lists[1].valid
    result = ListColumn(kept.offsets, kept.values, both).where(both)
    return intersect(result, *more) if more else result


@vector("Except", choices=True)
def except_(left: Column, right: Column, *more: Column) -> Result:
    lists = both_lists(left, right)
    if lists is None:
        return None
    kept = _kept_of_left(*lists, found=False)
    if kept is None:
        return None
    result = ListColumn(kept.offsets, kept.values, lists[0].valid).where(lists[0].valid)
    return except_(result, *more) if more else result


def _kept_of_left(left: ListColumn, right: ListColumn, found: bool) -> ListColumn | None:
    """The distinct elements of the left lists that are in the right ones (`found`) or that are not; None if that is
    left to the scalars."""
    together, from_left = joined(left, right)
    if len(together.values) == 0:
        return left
    of_values = equality_keys(together.values)
    if of_values is None:
        return None
    keys = combine_keys(together.parents, of_values)
    in_right = occurs_in(keys, keys[~from_left])
    # Elements of the right get keys of their own, so that they are no earlier occurrences of those of the left.
    keep = from_left & (in_right == found) & first_occurrences(np.where(from_left, keys, -1 - keys))
    return together.select(keep)
