"""Branches that no value can take are left out, and with them the errors that they could have raised.

Whether a date is a Timing is answered by the plan alone (`ecqm.plan.static_types`): functions of shared libraries ask
for every type that an element may have in any resource.
"""

from __future__ import annotations

from ecqm.plan.builder import PlanBuilder
from ecqm.plan.nodes import Conditional, PlanNode, TypeTest
from ecqm.plan.static_types import is_never
from ecqm.types import CqlType


def type_test(builder: PlanBuilder, operand: PlanNode, type_: CqlType) -> PlanNode:
    """Is (`elm:22.18`), already answered where no data could make it true."""
    return builder.false() if is_never(operand, type_) else builder.make(TypeTest, operand, type_)


def conditional(builder: PlanBuilder, branches: tuple[tuple[PlanNode, PlanNode], ...], otherwise: PlanNode) -> PlanNode:
    """If and Case (`elm:15`), without the branches whose condition is plainly false."""
    taken = tuple(branch for branch in branches if branch[0] is not builder.false())
    return builder.make(Conditional, taken, otherwise) if taken else otherwise
