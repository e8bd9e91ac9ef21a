"""If and Case: each branch is evaluated on the rows that take it."""

from __future__ import annotations

import numpy as np

from ecqm.columns import Column, Rows, merge
from ecqm.engine.executor import Executor, evaluates, truth
from ecqm.engine.frame import Frame
from ecqm.plan.nodes import Conditional, PlanNode


@evaluates(Conditional)
def conditional(executor: Executor, node: Conditional, frame: Frame) -> Column:
    undecided = np.arange(frame.n)
    pieces: list[tuple[Rows, Column]] = []
    rest = frame
    for condition, value in node.branches:
        if len(undecided) == 0:
            break
        holds = truth(executor.value(condition, rest), rest.n)
        if holds.all():
            pieces.append((undecided, _of_all(executor, value, rest)))
            undecided = undecided[:0]
        elif holds.any():
            taken = np.flatnonzero(holds)
            pieces.append((undecided[taken], executor.value(value, rest.select(taken, conditional=True))))
            left = np.flatnonzero(~holds)
            undecided = undecided[left]
            rest = rest.select(left, conditional=True)
    if len(undecided):
        pieces.append((undecided, _of_all(executor, node.otherwise, rest)))
    if len(pieces) == 1:
        return pieces[0][1]
    return merge(frame.n, pieces)


def _of_all(executor: Executor, value: PlanNode, frame: Frame) -> Column:
    """The value of a branch that every row of a frame takes; if it may raise an error, it is evaluated on this frame
    and not further out, where there may be other rows."""
    inside = frame.select(np.arange(frame.n), conditional=True) if value.may_raise else frame
    return executor.value(value, inside)
