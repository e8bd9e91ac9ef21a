"""A query with one source that returns every element unchanged is its source."""

from __future__ import annotations

from ecqm.plan.builder import PlanBuilder
from ecqm.plan.nodes import CollectWithin, PlanNode, RowsNode, Scan


def collected(builder: PlanBuilder, rows: RowsNode, value: PlanNode, distinct: bool) -> PlanNode:
    """The value of each row, as a list per outer row (`elm:10.11`)."""
    if isinstance(rows, Scan) and rows.of is None and not rows.keep and value is rows.variable and not distinct:
        return rows.source
    return builder.make(CollectWithin, rows, value, distinct)
