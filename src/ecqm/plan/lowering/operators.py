"""Operators: ELM nodes that become a Call of the operator with their name in the registry, and those that do not."""

from __future__ import annotations

from typing import Any

from ecqm.elm import nodes as elm
from ecqm.elm.nodes.base import child_fields, fields
from ecqm.operators import registry
from ecqm.plan.lowering.core import Lowering, PlanError, Scope, lowers
from ecqm.plan.lowering.queries import element_variable
from ecqm.plan.lowering.types import named_type
from ecqm.plan.lowering.values import element_of
from ecqm.plan.nodes import Call, CollectWithin, InValueSet, PlanNode, Scan
from ecqm.plan.rewrites import existence, unions


@lowers(elm.Exists)
def exists(lowering: Lowering, node: elm.Exists, scope: Scope) -> PlanNode:
    return existence.exists(lowering.builder, lowering.lower(node.operand, scope))


@lowers(elm.InValueSet, elm.AnyInValueSet)
def in_value_set(lowering: Lowering, node: elm.InValueSet | elm.AnyInValueSet, scope: Scope) -> PlanNode:
    codes = node.code if isinstance(node, elm.InValueSet) else node.codes
    value_set = node.valueset if node.valueset is not None else node.valuesetExpression
    operand = lowering.lower(codes, scope)
    return lowering.builder.make(InValueSet, operand, lowering.lower_optional(value_set, scope))


@lowers(elm.MinValue, elm.MaxValue)
def extreme(lowering: Lowering, node: elm.MinValue | elm.MaxValue, scope: Scope) -> PlanNode:
    attributes = (("of", named_type(node.valueType)),)
    return lowering.builder.make(Call, type(node).__name__, (), attributes)


@lowers(elm.Message)
def message(lowering: Lowering, node: elm.Message, scope: Scope) -> PlanNode:
    parts = (node.source, node.condition, node.code, node.severity, node.message)
    return lowering.builder.make(Call, "Message", tuple(lowering.lower_optional(part, scope) for part in parts))


@lowers(elm.Union)
def union(lowering: Lowering, node: elm.Union, scope: Scope) -> PlanNode:
    return unions.union(lowering.builder, [lowering.lower(operand, scope) for operand in node.operand])


# Attributes of operator nodes that are not keyword arguments of the operator.
_NOT_ATTRIBUTES = {field.name for field in fields(elm.OperatorExpression)} | {"orderBy", "path"}


@lowers(elm.OperatorExpression)
def operator(lowering: Lowering, node: elm.OperatorExpression, scope: Scope) -> PlanNode:
    """Any other operator: the children of the node are its operands, in the order of the schema."""
    given: list[PlanNode | None] = []
    for name, is_list in child_fields(type(node)):
        if name == "signature":
            continue
        child = getattr(node, name)
        if is_list:
            given += [lowering.lower(part, scope) for part in child]
        else:
            given.append(None if child is None else lowering.lower(child, scope))
    while given and given[-1] is None:
        given.pop()
    operands = [lowering.null() if operand is None else operand for operand in given]
    name = type(node).__name__
    if registry.find(name) is None:
        raise PlanError(f"{lowering.place(node, scope)}: operator {name} is not supported")
    path = getattr(node, "path", None)
    if path:
        operands[0] = _at_path(lowering, operands[0], path, scope)
    return lowering.builder.make(Call, name, tuple(operands), _attributes(node))


def _attributes(node: elm.OperatorExpression) -> tuple[tuple[str, Any], ...]:
    attributes = []
    for field in fields(type(node)):
        if field.kind in ("node", "nodes", "defs", "raw") or field.name in _NOT_ATTRIBUTES:
            continue
        value = getattr(node, field.name)
        if value is not None:
            attributes.append((field.name, value.lower() if field.name == "precision" else value))
    return tuple(attributes)


def _at_path(lowering: Lowering, source: PlanNode, path: str, scope: Scope) -> PlanNode:
    """The source of an aggregate that has a `path`: the list of that element of the source's elements."""
    variable = element_variable(lowering, source, scope)
    scan = lowering.builder.make(Scan, source, variable, (), None)
    return lowering.builder.make(CollectWithin, scan, element_of(lowering, variable, path, scope), False)
