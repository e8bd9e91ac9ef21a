"""Conditions sink to the list that they are about.

`where` and `such that` hold conditions on one alias beside conditions on several. Each is asked as soon as the sources
that it depends on are scanned, so that pairs are made of what is left of each list, and not of all there is.
"""

from __future__ import annotations

from ecqm.plan.builder import PlanBuilder
from ecqm.plan.nodes import Call, Filter, PlanNode, RowsNode, Scan


def filtered(builder: PlanBuilder, rows: RowsNode, condition: PlanNode) -> RowsNode:
    """The rows for which `condition` is true, its conjuncts asked where they cost least.

    Only true matters to a filter, so a conjunction is the same as one condition after another. Those on one element
    alone are asked in its scan; those that could raise an error, of the rows that pass all others.
    """
    late: list[PlanNode] = []
    for conjunct in _conjuncts(condition):
        narrowed = None if conjunct.may_raise else _sunk(builder, rows, conjunct)
        if narrowed is None:
            late.append(conjunct)
        else:
            rows = narrowed
    late.sort(key=lambda conjunct: conjunct.may_raise)
    return builder.make(Filter, rows, tuple(late)) if late else rows


def _conjuncts(condition: PlanNode) -> list[PlanNode]:
    if isinstance(condition, Call) and condition.operator == "And":
        return [part for operand in condition.operands for part in _conjuncts(operand)]
    return [condition]


def _sunk(builder: PlanBuilder, rows: RowsNode, condition: PlanNode) -> RowsNode | None:
    """The rows with a condition asked inside of them; None if it needs all of their sources."""
    if isinstance(rows, Filter):
        inside = _sunk(builder, rows.rows, condition)
        return None if inside is None else builder.make(Filter, inside, rows.conditions)
    assert isinstance(rows, Scan)
    if rows.of is not None and rows.variable not in condition.free:
        earlier = _sunk(builder, rows.of, condition) or _asked_last(builder, rows.of, condition)
        return builder.make(Scan, rows.source, rows.variable, rows.keep, earlier)
    if condition.free <= frozenset((rows.variable,)):
        return builder.make(Scan, rows.source, rows.variable, (*rows.keep, condition), rows.of)
    return None


def _asked_last(builder: PlanBuilder, rows: RowsNode, condition: PlanNode) -> RowsNode:
    if isinstance(rows, Filter):
        return builder.make(Filter, rows.rows, (*rows.conditions, condition))
    return builder.make(Filter, rows, (condition,))
