"""Unions of unions are one union of all their operands, so that duplicates are searched for once."""

from __future__ import annotations

from collections.abc import Sequence

from ecqm.plan.builder import PlanBuilder
from ecqm.plan.nodes import Call, PlanNode
from ecqm.plan.static_types import Shape, shape_of


def union(builder: PlanBuilder, operands: Sequence[PlanNode]) -> PlanNode:
    """Union (`elm:20.29`, `elm:19.31`) of any number of operands.

    A union that is not the first operand is opened only if it is known to be of lists: for intervals,
    `a union (b union c)` may be an interval where `(a union b) union c` is null."""
    flat: list[PlanNode] = []
    for operand in operands:
        if isinstance(operand, Call) and operand.operator == "Union" and (not flat or shape_of(operand) is Shape.LIST):
            flat += operand.operands
        else:
            flat.append(operand)
    return builder.make(Call, "Union", tuple(flat))
