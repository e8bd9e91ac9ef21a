"""The last sources of an `exists` become conditions.

Whether there are four doses of a vaccine, each at least a day after the one before, is then decided by three relations
between two lists, and not by forming all combinations of four doses.
"""

from __future__ import annotations

from ecqm.plan.builder import PlanBuilder
from ecqm.plan.nodes import Call, CollectWithin, ExistsWithin, Filter, MakeRecord, PlanNode, RowsNode, Scan, Variable
from ecqm.plan.rewrites.conditions import filtered


def exists(builder: PlanBuilder, operand: PlanNode) -> PlanNode:
    """Exists (`elm:20.8`); of a query, without making its list."""
    if isinstance(operand, CollectWithin):
        rows = _without_last_sources(builder, operand.rows, operand.value)
        return builder.make(ExistsWithin, rows, operand.value)
    return builder.make(Call, "Exists", (operand,))


def _without_last_sources(builder: PlanBuilder, rows: RowsNode, value: PlanNode) -> RowsNode:
    """`rows` without the last sources, as far as possible, for a caller that needs only whether there is any row.

    A last source that `value` does not depend on becomes the condition that an element of it exists. That condition is
    evaluated for the elements of the sources that it depends on, and not for every combination of all earlier sources.
    """
    scan = rows
    conditions: tuple[PlanNode, ...] = ()
    while isinstance(scan, Filter):
        conditions = (*scan.conditions, *conditions)
        scan = scan.rows
    assert isinstance(scan, Scan)
    needed = (scan.source, *scan.keep, *conditions)
    if scan.of is None or scan.variable in value.free or any(node.may_raise for node in needed):
        return rows
    if not isinstance(value, (Variable, MakeRecord)):
        return rows  # if all sources are single values and `value` is a list, its elements decide
    alone: RowsNode = builder.make(Scan, scan.source, scan.variable, scan.keep, None)
    if conditions:
        alone = builder.make(Filter, alone, conditions)
    found = builder.make(ExistsWithin, alone, builder.true())
    return _without_last_sources(builder, filtered(builder, scan.of, found), value)
