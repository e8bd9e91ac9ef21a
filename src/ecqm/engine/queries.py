"""Queries (`elm:10`): frames are opened by sources and conditions, and reduced to one value per outer row."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

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
    sources_of,
)

# -- opening frames ---------------------------------------------------------------------------------------------------


def open_rows(executor: Executor, rows: RowsNode, frame: Frame) -> Frame:
    """The frame of `rows` inside `frame`, however many rows it has."""
    (opened,) = _parts_of_rows(executor, rows, frame, None)
    return opened


def _parts_of_rows(executor: Executor, rows: RowsNode, frame: Frame, limit: int | None) -> Iterator[Frame]:
    """The frame of `rows` inside `frame` in consecutive parts, one after the other: the elements of a list are repeated
    for other rows in about `limit` pairs at a time (more for a row with more). There is at least one part."""
    if isinstance(rows, Scan):
        yield from _parts_of_scan(executor, rows, frame, limit)
        return
    assert isinstance(rows, Filter)
    for part in _parts_of_rows(executor, rows.rows, frame, limit):
        opened = part
        for condition in rows.conditions:
            opened = _narrow(executor, condition, opened)
        yield opened


def _narrow(executor: Executor, condition: PlanNode, frame: Frame) -> Frame:
    if frame.n == 0:
        return frame
    keep = truth(executor.value(condition, frame), frame.n)
    return frame if keep.all() else frame.select(np.flatnonzero(keep))


def _parts_of_scan(executor: Executor, scan: Scan, frame: Frame, limit: int | None) -> Iterator[Frame]:
    outer_parts = _parts_of_rows(executor, scan.of, frame, limit) if scan.of is not None else (frame,)
    for outer in outer_parts:
        home = _home_of_scan(executor, scan, outer)
        base = scan_at_home(executor, scan, home)
        if home is outer:
            yield base
            continue
        offsets = offsets_of_parents(base.rows_in(home), home.n)
        for part in _with_few_pairs(outer, np.diff(offsets)[outer.rows_in(home)], limit):
            new_offsets, elements = gather(offsets, part.rows_in(home))
            yield part.product(base, parents_of_offsets(new_offsets), elements, frozenset((scan.variable,)))


def _with_few_pairs(frame: Frame, pairs: Rows, limit: int | None) -> Iterator[Frame]:
    """A frame in consecutive parts with about `limit` pairs each, given the number of pairs of each row."""
    ends = np.cumsum(pairs)
    if limit is None or not len(ends) or ends[-1] <= limit:
        yield frame
        return
    number = np.maximum(ends - 1, 0) // limit
    starts = np.flatnonzero(np.append(True, number[1:] != number[:-1]))
    for start, end in pairwise([*starts.tolist(), frame.n]):
        yield frame.select(np.arange(start, end))


def _home_of_scan(executor: Executor, scan: Scan, frame: Frame) -> Frame:
    """The frame to scan a list on: the one on which it is evaluated, if its conditions can be evaluated there."""
    source = scan.source
    home = executor.home_of(source, frame)
    if home is frame and frame.n > 1 and not source.patient and not source.free:
        # A list that is the same in all rows is evaluated on the rows that need it only because of its errors.
        column = executor.value(source, frame)
        if len(column) == 1 and source not in frame.raised:
            home = executor.once
            home.memo[source] = column
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


@evaluates(CollectWithin)
def collect_within(executor: Executor, node: CollectWithin, frame: Frame) -> Column:
    parents: list[Rows] = []
    pieces: list[Column] = []
    for opened in _parts_of_rows(executor, node.rows, frame, executor.pair_limit):
        parents.append(opened.rows_in(frame))
        pieces.append(executor.value(node.value, opened).broadcast(opened.n))
    valid, single = _source_shape(executor, node.rows, frame)
    if single:
        return merge(frame.n, list(zip(parents, pieces, strict=True)))
    lists = ListColumn.of_parents(np.concatenate(parents), concat(pieces), frame.n, valid)
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
def exists_within(executor: Executor, node: ExistsWithin, frame: Frame) -> Column:
    found = np.zeros(frame.n, np.bool_)
    for opened in _parts_of_rows(executor, node.rows, frame, executor.pair_limit):
        if opened.n:
            present = np.broadcast_to(_is_present(executor, node, opened, frame), (opened.n,))
            found[opened.rows_in(frame)[present]] = True
    return BooleanColumn.of(found)


def _is_present(executor: Executor, node: ExistsWithin, opened: Frame, frame: Frame) -> Mask:
    values = executor.value(node.value, opened)
    if isinstance(values, ListColumn) and _source_shape(executor, node.rows, frame)[1]:
        # A query over a single value returns its value and not a list of it: here that value is itself a list.
        return any_within(values.values.valid, values.parents, len(values))
    return values.valid


@evaluates(ReduceWithin)
def reduce_within(executor: Executor, node: ReduceWithin, frame: Frame) -> Column:
    result = executor.value(node.starting, frame).broadcast(frame.n)
    if node.distinct:
        opened = open_rows(executor, node.rows, frame)
        return _reduced(executor, node, _distinct_rows(executor, node.rows, opened, frame), frame, result)
    for opened in _parts_of_rows(executor, node.rows, frame, executor.pair_limit):
        result = _reduced(executor, node, opened, frame, result)
    return result


def _reduced(executor: Executor, node: ReduceWithin, opened: Frame, frame: Frame, result: Column) -> Column:
    """The results for the rows of `frame` after the rows of `opened`, given the results before them."""
    offsets = offsets_of_parents(opened.rows_in(frame), frame.n)
    lengths = np.diff(offsets)
    # The first step is taken for all outer rows at once, then the second for those that have more rows, and so on.
    active = np.arange(frame.n)
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
