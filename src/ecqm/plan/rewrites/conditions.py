"""Conditions move to the source that they depend on.

`where` and `such that` combine conditions on one alias with conditions on several. Each condition is evaluated as soon
as the sources that it depends on are scanned, so that pairs are formed only of the elements that remain.
"""

from __future__ import annotations

from ecqm.plan.builder import PlanBuilder
from ecqm.plan.nodes import Call, Filter, PlanNode, RowsNode, Scan


def filtered(builder: PlanBuilder, rows: RowsNode, condition: PlanNode) -> RowsNode:
    """The rows for which `condition` is true, with each of its conjuncts evaluated on as few rows as possible.

    For a filter a conjunction is the same as its conjuncts one after the other, because false and null both drop a row.
    A condition on one element alone becomes part of its scan; one that may raise an error is evaluated last, on the
    rows that pass all others.
    """
    late: list[PlanNode] = []
    for conjunct in _conjuncts(condition):
        narrowed = None if conjunct.may_raise else _pushed_down(builder, rows, conjunct)
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


def _pushed_down(builder: PlanBuilder, rows: RowsNode, condition: PlanNode) -> RowsNode | None:
    """`rows` with a condition on some of their sources; None if it depends on all of them."""
    if isinstance(rows, Filter):
        inside = _pushed_down(builder, rows.rows, condition)
        return None if inside is None else builder.make(Filter, inside, rows.conditions)
    assert isinstance(rows, Scan)
    if rows.of is not None and rows.variable not in condition.free:
        earlier = _pushed_down(builder, rows.of, condition) or _with_condition(builder, rows.of, condition)
        return builder.make(Scan, rows.source, rows.variable, rows.keep, earlier)
    if condition.free <= frozenset((rows.variable,)):
        return builder.make(Scan, rows.source, rows.variable, (*rows.keep, condition), rows.of)
    return None


def _with_condition(builder: PlanBuilder, rows: RowsNode, condition: PlanNode) -> RowsNode:
    if isinstance(rows, Filter):
        return builder.make(Filter, rows.rows, (*rows.conditions, condition))
    return builder.make(Filter, rows, (condition,))
