"""Comparison operators (CQL reference, "Comparison Operators"; `elm:12`)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ecqm.columns import (
    BooleanColumn,
    CodeColumn,
    Column,
    ConceptColumn,
    DecimalColumn,
    IntegerColumn,
    IntervalColumn,
    Mask,
    NullColumn,
    QuantityColumn,
    ResourceColumn,
    Rows,
    StringColumn,
    TemporalColumn,
    broadcast_length,
)
from ecqm.columns.code import CodeIds
from ecqm.kernels.segments import any_within, combine_keys, occurs_in
from ecqm.operators.vectors import Kernel, Result, vector
from ecqm.operators.vectors.answers import Answer, as_result, either, with_rest
from ecqm.operators.vectors.interval import related, same_as
from ecqm.operators.vectors.order import Order, alike, order
from ecqm.values.equality import normalized

_POINTS = (IntegerColumn, DecimalColumn, QuantityColumn, TemporalColumn)


def _comparison(answer: Callable[[Order], Answer]) -> Kernel:
    def kernel(left: Column, right: Column) -> Result:
        found = order(left, right)
        return as_result(None if found is None else answer(found))

    return kernel


less = vector("Less")(_comparison(lambda o: o.is_less))
greater = vector("Greater")(_comparison(lambda o: ~o.is_at_most))
less_or_equal = vector("LessOrEqual")(_comparison(lambda o: o.is_at_most))
greater_or_equal = vector("GreaterOrEqual")(_comparison(lambda o: ~o.is_less))


@vector("Equal")
def equal(left: Column, right: Column) -> Result:
    return as_result(_equal(left, right))


@vector("NotEqual")
def not_equal(left: Column, right: Column) -> Result:
    answer = _equal(left, right)
    return as_result(None if answer is None else ~answer)


def _equal(left: Column, right: Column) -> Answer | None:
    known = left.valid & right.valid
    if isinstance(left, StringColumn) and isinstance(right, StringColumn):
        return _answer(left.ids == right.ids, known)
    if isinstance(left, BooleanColumn) and isinstance(right, BooleanColumn):
        return _answer(left.is_true == right.is_true, known)
    if isinstance(left, ResourceColumn) and isinstance(right, ResourceColumn):
        return _answer(left.rows == right.rows if left.table is right.table else np.zeros(1, np.bool_), known)
    if isinstance(left, IntervalColumn) and isinstance(right, IntervalColumn):
        return related(same_as, left, right, None)
    found = order(*alike(left, right))
    return None if found is None else found.is_same


def _answer(same: Mask, known: Mask) -> Answer:
    return Answer(same & known, ~same & known)


# -- equivalence ------------------------------------------------------------------------------------------------------


@vector("Equivalent")
def equivalent(left: Column, right: Column) -> Result:
    if isinstance(left, NullColumn) or isinstance(right, NullColumn):
        return BooleanColumn.of(~left.valid & ~right.valid)
    if isinstance(left, (CodeColumn, ConceptColumn)) and isinstance(right, (CodeColumn, ConceptColumn)):
        return _codes_equivalent(left, right)
    if isinstance(left, StringColumn) and isinstance(right, StringColumn):
        return BooleanColumn.of(left.mapped(normalized).ids == right.mapped(normalized).ids)
    if isinstance(left, BooleanColumn) and isinstance(right, BooleanColumn):
        return BooleanColumn.of((left.is_true == right.is_true) & (left.is_false == right.is_false))
    if isinstance(left, ResourceColumn) and isinstance(right, ResourceColumn):
        both_null = ~left.valid & ~right.valid
        return BooleanColumn.of(((left.rows == right.rows) & (left.table is right.table)) | both_null)
    return _points_equivalent(*alike(left, right))


def _points_equivalent(left: Column, right: Column) -> Result:
    """Equal points are equivalent. Decimals and quantities that are not equal may be, depending on their digits and
    units, and are left to the scalars."""
    found = order(left, right) if isinstance(left, _POINTS) and type(left) is type(right) else None
    if found is None:
        return None
    is_true = found.same | (~left.valid & ~right.valid)
    undecided = found.undecided
    if isinstance(left, (DecimalColumn, QuantityColumn)):
        undecided = either(undecided, left.valid & right.valid & ~found.same)
    known = BooleanColumn.of(is_true)
    return known if undecided is None else with_rest(known, undecided)


def _codes_equivalent(left: CodeColumn | ConceptColumn, right: CodeColumn | ConceptColumn) -> BooleanColumn:
    both_null = ~left.valid & ~right.valid
    if isinstance(left, CodeColumn) and isinstance(right, CodeColumn):
        return BooleanColumn.of(((left.ids == right.ids) & left.valid) | both_null)
    n = broadcast_length(left, right)
    ids, parents = _code_ids(left, n)
    others, other_parents = _code_ids(right, n)
    if len(right) == 1 or len(left) == 1:
        if len(left) == 1 and len(right) != 1:
            ids, parents, others = others, other_parents, ids
        matched = np.zeros(len(ids), np.bool_)
        for wanted in set(others.tolist()):
            matched |= ids == wanted
    else:
        codes = np.concatenate([ids, others]).astype(np.int64)
        keys = combine_keys(np.concatenate([parents, other_parents]), codes)
        matched = occurs_in(keys[: len(ids)], keys[len(ids) :])
    return BooleanColumn.of((any_within(matched, parents, n) & left.valid & right.valid) | both_null)


def _code_ids(column: CodeColumn | ConceptColumn, n: int) -> tuple[CodeIds, Rows]:
    """The ids of all codes of a column that are not null, and the row of each."""
    if isinstance(column, CodeColumn):
        rows = np.flatnonzero(column.ids >= 0)
        return column.ids[rows], rows
    ids = column.codes.ids
    present = ids >= 0
    return (ids, column.parents) if present.all() else (ids[present], column.parents[present])
