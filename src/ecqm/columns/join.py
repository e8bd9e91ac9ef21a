"""Joining columns whose layouts may differ: end to end, and row by row."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ecqm.columns.base import Column, Mask, Rows
from ecqm.columns.choice import ChoiceColumn
from ecqm.columns.code import CodeColumn, ConceptColumn
from ecqm.columns.interval import IntervalColumn
from ecqm.columns.null import NullColumn
from ecqm.columns.ragged import ListColumn
from ecqm.columns.record import RecordColumn, ResourceColumn
from ecqm.types import choice_of


def _alternatives(column: Column) -> tuple[Column, ...]:
    return column.alternatives if isinstance(column, ChoiceColumn) else (column,)


def _layout(column: Column) -> tuple[object, ...]:
    """Columns of one layout can be laid end to end as they are."""
    if isinstance(column, ResourceColumn):
        return (ResourceColumn, id(column.table))
    if isinstance(column, (CodeColumn, ConceptColumn, RecordColumn)):
        return (type(column), column.type)
    return (type(column), "" if isinstance(column, (ListColumn, IntervalColumn)) else str(column.type))


def concat(columns: Sequence[Column]) -> Column:
    """The columns end to end. Untyped nulls take the others' layout; different layouts make a choice."""
    if len(columns) == 1:
        return columns[0]
    layouts: dict[tuple[object, ...], Column] = {}
    for column in columns:
        for part in _alternatives(column):
            if not isinstance(part, NullColumn):
                layouts.setdefault(_layout(part), part)
    if not layouts:
        return columns[0].concat(columns[1:])
    joined = [_concat_layout(columns, layout, model) for layout, model in layouts.items()]
    if len(joined) == 1:
        return joined[0]
    return ChoiceColumn.of(joined, choice_of(column.type for column in joined))


def _concat_layout(columns: Sequence[Column], layout: tuple[object, ...], model: Column) -> Column:
    parts = []
    for column in columns:
        of_layout = [part for part in _alternatives(column) if _layout(part) == layout]
        if not of_layout:
            parts.append(model.nulls(len(column)))
        elif len(of_layout) == 1:
            parts.append(of_layout[0])
        else:
            parts.append(coalesce_rows(of_layout))
    return parts[0].concat(parts[1:])


def coalesce_rows(columns: Sequence[Column]) -> Column:
    """Row by row the value of whichever column has one (at most one does), in the layout of the columns."""
    n = len(columns[0])
    pieces = [(np.flatnonzero(column.valid), column.take(np.flatnonzero(column.valid))) for column in columns]
    # Of nothing but empty pieces `merge` makes nulls without a layout.
    return merge(n, pieces) if any(len(rows) for rows, _ in pieces) else columns[0].nulls(n)


def merge(n: int, pieces: Sequence[tuple[Rows, Column]]) -> Column:
    """A column of n rows from pieces that each give the values of some rows; null in the rows of no piece."""
    if len(pieces) == 1 and len(pieces[0][0]) == n:
        return pieces[0][1].broadcast(n)
    source = np.full(n, -1, np.int64)
    start = 0
    columns = []
    for rows, column in pieces:
        if len(rows) == 0:
            continue
        source[rows] = start + np.arange(len(rows))
        columns.append(column.broadcast(len(rows)))
        start += len(rows)
    return concat(columns).pick(source) if columns else NullColumn(n)


def choose(mask: Mask, when_true: Column, when_false: Column) -> Column:
    """Row by row one of two columns."""
    n = len(mask)
    yes, no = np.flatnonzero(mask), np.flatnonzero(~mask)
    return merge(n, [(yes, when_true.broadcast(n).take(yes)), (no, when_false.broadcast(n).take(no))])
