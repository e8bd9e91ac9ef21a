"""Places of elements in their lists, and projections repeated on what they gave (ELM, Iteration; `elm:20.24`)."""

from __future__ import annotations

import numpy as np

from ecqm.columns import Column, ListColumn, NullColumn
from ecqm.columns.number import IntegerColumn
from ecqm.engine.calls import apply
from ecqm.engine.executor import Executor, evaluates
from ecqm.engine.frame import Frame
from ecqm.engine.queries import as_list
from ecqm.kernels.segments import offsets_of_parents
from ecqm.plan.nodes import Position, Repeat

_MOST_ROUNDS = 1_000


@evaluates(Position)
def position(executor: Executor, node: Position, frame: Frame) -> Column:
    home = frame.binding(node.element)
    assert home.parent is not None and home.up is not None
    starts = offsets_of_parents(home.up, home.parent.n)[:-1]
    places = np.arange(home.n) - starts[home.up]
    return IntegerColumn(places[frame.rows_in(home)], np.ones(frame.n, np.bool_))


@evaluates(Repeat)
def repeat(executor: Executor, node: Repeat, frame: Frame) -> Column:
    source = executor.value(node.source, frame).broadcast(frame.n)
    if isinstance(source, NullColumn):
        return source
    first = _projected(executor, node, as_list(source), frame)
    found = level = as_list(apply(executor, "Distinct", [first], {}, frame))
    for _ in range(_MOST_ROUNDS):
        if not len(level.values):
            return found.where(source.valid)
        given = _projected(executor, node, level, frame)
        level = as_list(apply(executor, "Except", [given, found], {}, frame))
        found = as_list(apply(executor, "Union", [found, level], {}, frame))
    endless = np.bincount(level.parents, minlength=frame.n) > 0
    executor.fail(endless, frame, f"repeat finds something new even after {_MOST_ROUNDS:,} rounds")
    return found


def _projected(executor: Executor, node: Repeat, level: ListColumn, frame: Frame) -> ListColumn:
    """What the projection gives for each element of `level`, flattened."""
    elements = Frame(len(level.values), frame, level.parents)
    elements.bind(node.current, level.values)
    given = as_list(executor.value(node.projection, elements).broadcast(elements.n))
    return ListColumn.of_parents(level.parents[given.parents], given.values, frame.n, level.valid)
