"""Joining columns of any layouts: end to end, and row by row."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np

from ecqm.columns.base import Column
from ecqm.columns.choice import ChoiceColumn
from ecqm.columns.null import NullColumn
from ecqm.kernels.arrays import Mask, Rows
from ecqm.types import choice_of


def _alternatives(column: Column) -> tuple[Column, ...]:
    return column.alternatives if isinstance(column, ChoiceColumn) else (column,)


def concat(columns: Sequence[Column]) -> Column:
    """The columns end to end. Untyped nulls take the layout of the others; different layouts give a choice."""
    if len(columns) == 1:
        return columns[0]
    layouts: dict[Hashable, Column] = {}
    for column in columns:
        for part in _alternatives(column):
            if not isinstance(part, NullColumn):
                layouts.setdefault(part.layout(), part)
    if not layouts:
        return columns[0].concat(columns[1:])
    joined = [_concat_layout(columns, layout, example) for layout, example in layouts.items()]
    if len(joined) == 1:
        return joined[0]
    return ChoiceColumn.of(joined, choice_of(column.type for column in joined))


def _concat_layout(columns: Sequence[Column], layout: Hashable, example: Column) -> Column:
    """The columns end to end, with only the values of one layout; null in all other rows."""
    parts = []
    for column in columns:
        of_layout = [part for part in _alternatives(column) if part.layout() == layout]
        if not of_layout:
            parts.append(example.nulls(len(column)))
        elif len(of_layout) == 1:
            parts.append(of_layout[0])
        else:
            parts.append(coalesce_rows(of_layout))
    return parts[0].concat(parts[1:])


def coalesce_rows(columns: Sequence[Column]) -> Column:
    """In each row the value of the one column that has a value there, if any."""
    known = [column for column in columns if not isinstance(column, NullColumn)]
    if len(known) <= 1:
        return known[0] if known else columns[0]
    rows = [np.flatnonzero(column.valid) for column in known]
    pieces = [(here, column.take(here)) for here, column in zip(rows, known, strict=True) if len(here)]
    # From no pieces `merge` would make untyped nulls.
    return merge(len(columns[0]), pieces) if pieces else known[0]


def merge(n: int, pieces: Sequence[tuple[Rows, Column]]) -> Column:
    """A column of n rows from pieces (rows, their values); null in the rows of no piece. A piece with a single value
    gives it to all of its rows."""
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
    """The rows of `when_true` where `mask` (n) holds, those of `when_false` elsewhere; both may have a single row."""
    n = len(mask)
    yes, no = np.flatnonzero(mask), np.flatnonzero(~mask)
    return merge(n, [(yes, when_true.broadcast(n).take(yes)), (no, when_false.broadcast(n).take(no))])
