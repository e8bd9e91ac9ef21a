"""Sources that an existence does not count become conditions.

Four doses of a vaccine, each a day after the one before, are three questions between two lists and not a list of
quadruples.
"""

from __future__ import annotations

from ecqm.plan.builder import PlanBuilder
from ecqm.plan.nodes import Call, CollectWithin, ExistsWithin, Filter, MakeRecord, PlanNode, RowsNode, Scan, Variable
from ecqm.plan.rewrites.conditions import filtered


def exists(builder: PlanBuilder, operand: PlanNode) -> PlanNode:
    """Exists (`elm:20.8`); over a query it needs neither the list nor its order."""
    if isinstance(operand, CollectWithin):
        rows = _without_last_sources(builder, operand.rows, operand.value)
        return builder.make(ExistsWithin, rows, operand.value)
    return builder.make(Call, "Exists", (operand,))


def _without_last_sources(builder: PlanBuilder, rows: RowsNode, value: PlanNode) -> RowsNode:
    """Rows of which at least one is wanted, and not how many: a last source that the value does not ask for turns
    into a condition that there is such an element. It is asked of the sources that its own conditions are about,
    once for each of their elements and not for each row of all sources before.
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
        return rows  # where all sources are single values it matters whether it is a list, which is not known here
    alone: RowsNode = builder.make(Scan, scan.source, scan.variable, scan.keep, None)
    if conditions:
        alone = builder.make(Filter, alone, conditions)
    found = builder.make(ExistsWithin, alone, builder.true())
    return _without_last_sources(builder, filtered(builder, scan.of, found), value)
