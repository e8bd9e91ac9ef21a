"""Queries (`elm:10`): frames are opened by sources and conditions, and reduced to one value per outer row."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from ecqm.columns import (
    BooleanColumn,
    ChoiceColumn,
    Column,
    ListColumn,
    Mask,
    NullColumn,
    Rows,
    concat,
    merge,
)
from ecqm.engine.calls import apply
from ecqm.engine.executor import Executor, evaluates, truth
from ecqm.engine.frame import Frame
from ecqm.engine.identity import numbered
from ecqm.engine.ordering import order_within
from ecqm.kernels.segments import (
    any_within,
    combine_keys,
    first_occurrences,
    gather,
    offsets_of_lengths,
    offsets_of_parents,
    parents_of_offsets,
)
from ecqm.plan.nodes import (
    CollectWithin,
    ExistsWithin,
    Filter,
    PlanNode,
    ReduceWithin,
    RowsNode,
    Scan,
    SortWithin,
    WithinNode,
    sources_of,
)

# -- opening frames ---------------------------------------------------------------------------------------------------


def open_rows(executor: Executor, rows: RowsNode, frame: Frame) -> Frame:
    """The frame of `rows` inside `frame`."""
    if isinstance(rows, Scan):
        return _open_scan(executor, rows, frame)
    assert isinstance(rows, Filter)
    opened = open_rows(executor, rows.rows, frame)
    for condition in rows.conditions:
        opened = _narrow(executor, condition, opened)
    return opened


def _narrow(executor: Executor, condition: PlanNode, frame: Frame) -> Frame:
    if frame.n == 0:
        return frame
    keep = truth(executor.value(condition, frame), frame.n)
    return frame if keep.all() else frame.select(np.flatnonzero(keep))


def _open_scan(executor: Executor, scan: Scan, frame: Frame) -> Frame:
    outer = open_rows(executor, scan.of, frame) if scan.of is not None else frame
    home = _home_of_scan(executor, scan, outer)
    base = scan_at_home(executor, scan, home)
    if home is outer:
        return base
    offsets = offsets_of_parents(base.rows_in(home), home.n)
    new_offsets, elements = gather(offsets, outer.rows_in(home))
    return outer.product(base, parents_of_offsets(new_offsets), elements, frozenset((scan.variable,)))


def _home_of_scan(executor: Executor, scan: Scan, frame: Frame) -> Frame:
    """The frame to scan a list on: the one on which it is evaluated, if its conditions can be evaluated there."""
    home = executor.home_of(scan.source, frame)
    needs_patients = any(condition.patient for condition in scan.keep)
    return frame if needs_patients and not home.is_of_patients else home


def scan_at_home(executor: Executor, scan: Scan, home: Frame) -> Frame:
    """The frame of a scan on its home, with only the elements that meet its conditions."""
    key = (scan.source, scan.variable)
    frame = home.scans.get(key)
    if frame is None:
        column = as_list(executor.value(scan.source, home).broadcast(home.n))
        frame = Frame(len(column.values), home, column.parents)
        frame.bind(scan.variable, column.values)
        home.scans[key] = frame
    for condition in scan.keep:
        frame = _narrow(executor, condition, frame)
    return frame


def as_list(column: Column) -> ListColumn:
    """A column as lists: single values become lists of one element, nulls the empty list."""
    if isinstance(column, ListColumn):
        return column
    if isinstance(column, NullColumn):
        return ListColumn(np.zeros(len(column) + 1, np.int64), NullColumn(0))
    if isinstance(column, ChoiceColumn) and any(isinstance(part, ListColumn) for part in column.alternatives):
        lists = [as_list(part) for part in column.alternatives]
        values = concat([part.values for part in lists])
        # A row has elements in at most one alternative, so sorting by row keeps its elements in order.
        parents = np.concatenate([part.parents for part in lists])
        order = np.argsort(parents, kind="stable")
        return ListColumn.of_parents(parents[order], values.take(order), len(column), column.valid)
    valid = column.valid
    return ListColumn(offsets_of_lengths(valid.astype(np.int64)), column.take(np.flatnonzero(valid)), valid)


# -- values of queries ------------------------------------------------------------------------------------------------


def _pairs_per_row(executor: Executor, rows: RowsNode, frame: Frame) -> npt.NDArray[np.float64] | None:
    """An upper bound for the rows that a query has for each row of `frame`: the product of the lengths of its sources,
    in floats, which do not overflow. None if no source is repeated for several rows."""
    pairs: npt.NDArray[np.float64] | None = None
    for scan in sources_of(rows):
        if not scan.source.free <= frame.scope:
            continue
        home = _home_of_scan(executor, scan, frame)
        if home is frame:
            continue
        base = scan_at_home(executor, scan, home)
        lengths = np.bincount(base.rows_in(home), minlength=home.n)[frame.rows_in(home)].astype(np.float64)
        pairs = lengths if pairs is None else pairs * lengths
    return pairs


_W = TypeVar("_W", bound=WithinNode)


def _in_chunks(evaluate: Callable[[Executor, _W, Frame], Column]) -> Callable[[Executor, _W, Frame], Column]:
    """Evaluate a reduction on consecutive parts of the frame, so that each has at most `executor.pair_limit` pairs."""

    def evaluate_in_chunks(executor: Executor, node: _W, frame: Frame) -> Column:
        pairs = _pairs_per_row(executor, node.rows, frame)
        if pairs is None or pairs.sum() <= executor.pair_limit or frame.n <= 1:
            return evaluate(executor, node, frame)
        chunk = np.cumsum(pairs) // executor.pair_limit
        starts = np.flatnonzero(np.concatenate([[True], chunk[1:] != chunk[:-1]]))
        pieces = []
        for start, end in zip(starts, [*starts[1:], frame.n], strict=True):
            part = frame.select(np.arange(start, end))
            pieces.append(evaluate(executor, node, part).broadcast(part.n))
        return concat(pieces)

    return evaluate_in_chunks


@evaluates(CollectWithin)
@_in_chunks
def collect_within(executor: Executor, node: CollectWithin, frame: Frame) -> Column:
    opened = open_rows(executor, node.rows, frame)
    values = executor.value(node.value, opened).broadcast(opened.n)
    parents = opened.rows_in(frame)
    valid, single = _source_shape(executor, node.rows, frame)
    if single:
        return merge(frame.n, [(parents, values)])
    lists = ListColumn.of_parents(parents, values, frame.n, valid)
    return apply(executor, "Distinct", [lists], frame) if node.distinct else lists


def _source_shape(executor: Executor, rows: RowsNode, frame: Frame) -> tuple[Mask, bool]:
    """Where a query has a value, and whether all of its sources are single values rather than lists.

    A query is null if all of its sources are (Developer's Guide, Non-Retrieve Queries).
    """
    valid, single = np.zeros(frame.n, np.bool_), True
    for scan in sources_of(rows):
        if not scan.source.free <= frame.scope:
            continue  # a source that depends on an earlier one has no value per outer row
        column = executor.value(scan.source, frame)
        single = single and not _is_list(column)
        valid = valid | (column.valid if len(column) == frame.n else np.broadcast_to(column.valid, (frame.n,)))
    return valid, single


def _is_list(column: Column) -> bool:
    if isinstance(column, ChoiceColumn):
        return any(isinstance(part, ListColumn) for part in column.alternatives)
    return isinstance(column, ListColumn)


@evaluates(ExistsWithin)
@_in_chunks
def exists_within(executor: Executor, node: ExistsWithin, frame: Frame) -> Column:
    opened = open_rows(executor, node.rows, frame)
    found = np.zeros(frame.n, np.bool_)
    parents = opened.rows_in(frame)
    if opened.n:
        values = executor.value(node.value, opened)
        present = values.valid
        if isinstance(values, ListColumn) and _source_shape(executor, node.rows, frame)[1]:
            # A query over a single value returns its value and not a list of it: here that value is itself a list.
            present = any_within(values.values.valid, values.parents, len(values))
        if not present.all():
            parents = parents[np.broadcast_to(present, (opened.n,))]
    found[parents] = True
    return BooleanColumn.of(found)


@evaluates(ReduceWithin)
@_in_chunks
def reduce_within(executor: Executor, node: ReduceWithin, frame: Frame) -> Column:
    opened = open_rows(executor, node.rows, frame)
    if node.distinct:
        opened = _distinct_rows(executor, node.rows, opened, frame)
    parents = opened.rows_in(frame)
    offsets = offsets_of_parents(parents, frame.n)
    lengths = np.diff(offsets)
    # The first step is taken for all outer rows at once, then the second for those that have more rows, and so on.
    active = np.arange(frame.n)
    result = executor.value(node.starting, frame).broadcast(frame.n)
    finished: list[tuple[Rows, Column]] = []
    position = 0
    while len(active):
        ends = lengths[active] == position
        finished.append((active[ends], result.take(np.flatnonzero(ends))))
        active, result = active[~ends], result.take(np.flatnonzero(~ends))
        if len(active):
            step = opened.select(offsets[active] + position)
            step.bind(node.accumulator, result)
            result = executor.value(node.step, step).broadcast(step.n)
        position += 1
    return merge(frame.n, finished)


def _distinct_rows(executor: Executor, rows: RowsNode, opened: Frame, frame: Frame) -> Frame:
    """The rows without those whose elements (of all sources) are equal to those of an earlier row of the same outer
    row."""
    if opened.n == 0:
        return opened
    elements = [executor.value(scan.variable, opened).broadcast(opened.n) for scan in sources_of(rows)]
    keys = combine_keys(opened.rows_in(frame), *(numbered([column])[0] for column in elements))
    return opened.select(np.flatnonzero(first_occurrences(keys)))


@evaluates(SortWithin)
def sort_within(executor: Executor, node: SortWithin, frame: Frame) -> Column:
    column = executor.value(node.source, frame).broadcast(frame.n)
    if not isinstance(column, ListColumn):
        return column
    scan = Frame(len(column.values), frame, column.parents)
    scan.bind(node.element, column.values)
    keys = [(executor.value(key, scan).broadcast(scan.n), descending) for key, descending in node.keys]
    order = order_within(column.parents, keys)
    return column.with_values(column.values.take(order), column.type)
