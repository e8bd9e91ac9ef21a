"""Branches that no value can take are left out.

Functions of shared libraries test for every type that an element may have in any resource. If the plan shows the type
of the operand (`ecqm.plan.static_types`), the answer is known: a DateTime is not a Timing.
"""

from __future__ import annotations

from ecqm.plan.builder import PlanBuilder
from ecqm.plan.nodes import Conditional, PlanNode, TypeTest
from ecqm.plan.static_types import is_never
from ecqm.types import CqlType


def type_test(builder: PlanBuilder, operand: PlanNode, type_: CqlType) -> PlanNode:
    """Is (`elm:22.18`); the constant false if no data can make it true."""
    return builder.false() if is_never(operand, type_) else builder.make(TypeTest, operand, type_)


def conditional(builder: PlanBuilder, branches: tuple[tuple[PlanNode, PlanNode], ...], otherwise: PlanNode) -> PlanNode:
    """If and Case (`elm:15`), without the branches whose condition is the constant false."""
    taken = tuple(branch for branch in branches if branch[0] is not builder.false())
    return builder.make(Conditional, taken, otherwise) if taken else otherwise
