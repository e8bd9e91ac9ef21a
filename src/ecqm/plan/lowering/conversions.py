"""Type operators and conditionals (`elm:22`, `elm:15`)."""

from __future__ import annotations

from ecqm.elm import nodes as elm
from ecqm.plan.lowering.core import Lowering, Scope, lowers
from ecqm.plan.lowering.types import specified_type
from ecqm.plan.nodes import Call, Cast, PlanNode, Property
from ecqm.plan.rewrites.branches import conditional, type_test
from ecqm.types import DECIMAL, INTEGER


@lowers(elm.As)
def as_(lowering: Lowering, node: elm.As, scope: Scope) -> PlanNode:
    type_ = specified_type(node.asTypeSpecifier, node.asType)
    make, operand = lowering.builder.make, lowering.lower(node.operand, scope)
    cast = make(Cast, operand, type_, node.strict)
    if type_ == DECIMAL and isinstance(operand, Property) and _reads_qdm(scope):
        whole = make(Cast, operand, INTEGER, False)
        return make(Call, "Coalesce", (cast, make(Call, "ToDecimal", (whole,))))
    return cast


def _reads_qdm(scope: Scope) -> bool:
    """Whether the library reads QDM data, where a whole number may stand for an Integer or a Decimal."""
    return any(using.localIdentifier == "QDM" for using in scope.library.usings)


@lowers(elm.Is)
def is_(lowering: Lowering, node: elm.Is, scope: Scope) -> PlanNode:
    type_ = specified_type(node.isTypeSpecifier, node.isType)
    return type_test(lowering.builder, lowering.lower(node.operand, scope), type_)


@lowers(elm.Convert, elm.CanConvert)
def convert(lowering: Lowering, node: elm.Convert | elm.CanConvert, scope: Scope) -> PlanNode:
    type_ = specified_type(node.toTypeSpecifier, node.toType)
    operand = lowering.lower(node.operand, scope)
    return lowering.builder.make(Call, type(node).__name__, (operand,), (("to", type_),))


@lowers(elm.If)
def if_(lowering: Lowering, node: elm.If, scope: Scope) -> PlanNode:
    condition = lowering.lower(node.condition, scope)
    branches = ((condition, lowering.lower(node.then, scope)),)
    return conditional(lowering.builder, branches, lowering.lower_optional(node.else_, scope))


@lowers(elm.Case)
def case(lowering: Lowering, node: elm.Case, scope: Scope) -> PlanNode:
    branches = []
    comparand = None if node.comparand is None else lowering.lower(node.comparand, scope)
    for item in node.caseItem:
        condition = lowering.lower(item.when, scope)
        if comparand is not None:
            condition = lowering.builder.make(Call, "Equal", (comparand, condition))
        branches.append((condition, lowering.lower(item.then, scope)))
    return conditional(lowering.builder, tuple(branches), lowering.lower_optional(node.else_, scope))
