"""Three-valued logic on pairs of masks (`elm:13`), and nulls (`elm:14`)."""

from __future__ import annotations

import numpy as np

from ecqm.columns import BooleanColumn, Column, NullColumn, broadcast_length, merge
from ecqm.operators.vectors import Result, vector


def booleans(*columns: Column) -> list[BooleanColumn] | None:
    """Operands as Boolean columns, untyped nulls included; None if one has another type."""
    found = []
    for column in columns:
        if isinstance(column, NullColumn):
            none = np.zeros(len(column), np.bool_)
            found.append(BooleanColumn(none, none))
        elif isinstance(column, BooleanColumn):
            found.append(column)
        else:
            return None
    return found


@vector("And")
def and_(*operands: Column) -> Result:
    parts = booleans(*operands)
    if parts is None:
        return None
    result = parts[0]
    for part in parts[1:]:
        result = BooleanColumn(result.is_true & part.is_true, result.is_false | part.is_false)
    return result


@vector("Or")
def or_(*operands: Column) -> Result:
    parts = booleans(*operands)
    if parts is None:
        return None
    result = parts[0]
    for part in parts[1:]:
        result = BooleanColumn(result.is_true | part.is_true, result.is_false & part.is_false)
    return result


@vector("Not")
def not_(operand: Column) -> Result:
    parts = booleans(operand)
    return None if parts is None else BooleanColumn(parts[0].is_false, parts[0].is_true)


@vector("Xor")
def xor(left: Column, right: Column) -> Result:
    parts = booleans(left, right)
    if parts is None:
        return None
    a, b = parts
    differ = (a.is_true & b.is_false) | (a.is_false & b.is_true)
    agree = (a.is_true & b.is_true) | (a.is_false & b.is_false)
    return BooleanColumn(differ, agree)


@vector("Implies")
def implies(left: Column, right: Column) -> Result:
    parts = booleans(left, right)
    if parts is None:
        return None
    a, b = parts
    return BooleanColumn(a.is_false | b.is_true, a.is_true & b.is_false)


@vector("IsTrue")
def is_true(operand: Column) -> Result:
    parts = booleans(operand)
    return None if parts is None else BooleanColumn.of(parts[0].is_true)


@vector("IsFalse")
def is_false(operand: Column) -> Result:
    parts = booleans(operand)
    return None if parts is None else BooleanColumn.of(parts[0].is_false)


@vector("IsNull", choices=True)
def is_null(operand: Column) -> Column:
    return BooleanColumn.of(~operand.valid)


@vector("Coalesce", choices=True)
def coalesce(*operands: Column) -> Result:
    if len(operands) == 1:
        return None  # of a list: its first element that is not null
    n = broadcast_length(*operands)
    open_rows = np.ones(n, np.bool_)
    pieces = []
    for operand in operands:
        full = operand.broadcast(n)
        here = np.flatnonzero(open_rows & full.valid)
        if len(here) == n:
            return full
        if len(here):
            pieces.append((here, full.take(here)))
            open_rows[here] = False
    return merge(n, pieces) if pieces else operands[0].broadcast(n)
