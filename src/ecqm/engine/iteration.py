"""Iteration, the position of an element in its list, and Repeat (`elm:20.24`)."""

from __future__ import annotations

import numpy as np

from ecqm.columns import Column, IntegerColumn, ListColumn, NullColumn
from ecqm.engine.calls import apply
from ecqm.engine.executor import Executor, evaluates
from ecqm.engine.frame import Frame
from ecqm.engine.queries import as_list
from ecqm.kernels.segments import positions_within
from ecqm.plan.nodes import Position, Repeat

_MOST_ROUNDS = 1_000


@evaluates(Position)
def position(executor: Executor, node: Position, frame: Frame) -> Column:
    home = frame.binding(node.element)
    assert home.parent is not None and home.up is not None
    places = positions_within(home.up, home.parent.n)
    return IntegerColumn(places[frame.rows_in(home)], np.ones(frame.n, np.bool_))


@evaluates(Repeat)
def repeat(executor: Executor, node: Repeat, frame: Frame) -> Column:
    source = executor.value(node.source, frame).broadcast(frame.n)
    if isinstance(source, NullColumn):
        return source
    first = _projected(executor, node, as_list(source), frame)
    found = level = as_list(apply(executor, "Distinct", [first], frame))
    for _ in range(_MOST_ROUNDS):
        if not len(level.values):
            return found.where(source.valid)
        given = _projected(executor, node, level, frame)
        level = as_list(apply(executor, "Except", [given, found], frame))
        found = as_list(apply(executor, "Union", [found, level], frame))
    executor.fail(level.lengths > 0, frame, f"repeat still finds new elements after {_MOST_ROUNDS:,} rounds")
    return found


def _projected(executor: Executor, node: Repeat, level: ListColumn, frame: Frame) -> ListColumn:
    """The results of the projection for each element of `level`, flattened."""
    elements = Frame(len(level.values), frame, level.parents)
    elements.bind(node.current, level.values)
    given = as_list(executor.value(node.projection, elements).broadcast(elements.n))
    return ListColumn.of_parents(level.parents[given.parents], given.values, frame.n, level.valid)
