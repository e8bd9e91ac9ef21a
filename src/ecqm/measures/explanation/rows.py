"""The rows of the queries that a clause is in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ecqm.engine import Executor
from ecqm.engine.frame import Frame
from ecqm.engine.queries import open_rows
from ecqm.plan.nodes import Element, Scan, Variable
from ecqm.values import evaluating


def rows_of(executor: Executor, variables: Iterable[Variable], patients: Frame) -> Frame | None:
    """The rows of the queries that bind some variables, for the patients of a frame; None if a variable is not bound by
    a query."""
    ordered = _outermost_first(variables)
    if ordered is None:
        return None
    frame = patients
    with evaluating(executor.context):
        for variable in ordered:
            frame = open_rows(executor, Scan(variable.source, variable), frame)
    return frame


def _outermost_first(variables: Iterable[Variable]) -> Sequence[Element] | None:
    """The variables in order of nesting, outermost first; None if one of them is not an element of a query."""
    found: dict[Element, None] = {}
    for variable in variables:
        if not isinstance(variable, Element):
            return None
        before = _outermost_first(variable.source.free)
        if before is None:
            return None
        found |= dict.fromkeys((*before, variable))
    return list(found)
