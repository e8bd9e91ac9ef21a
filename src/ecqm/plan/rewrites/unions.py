"""Nested unions are one union of all their operands, so that duplicates are searched for once."""

from __future__ import annotations

from collections.abc import Sequence

from ecqm.plan.builder import PlanBuilder
from ecqm.plan.nodes import Call, PlanNode


def union(builder: PlanBuilder, operands: Sequence[PlanNode]) -> PlanNode:
    """Union (`elm:20.29`) of any number of lists."""
    flat: list[PlanNode] = []
    for operand in operands:
        if isinstance(operand, Call) and operand.operator == "Union":
            flat += operand.operands
        else:
            flat.append(operand)
    return builder.make(Call, "Union", tuple(flat))
