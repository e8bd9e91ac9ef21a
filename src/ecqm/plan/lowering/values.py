"""Literals, selectors of structured values, and Property (`elm:2`, `elm:3`)."""

from __future__ import annotations

from decimal import Decimal

from ecqm.elm import nodes as elm
from ecqm.models import load_model
from ecqm.plan.lowering.core import Lowering, PlanError, Scope, lowers
from ecqm.plan.lowering.types import named_type, specified_type
from ecqm.plan.nodes import (
    Call,
    CollectWithin,
    Constant,
    Element,
    MakeInterval,
    MakeList,
    MakeRecord,
    PlanNode,
    Property,
    Retrieve,
    SortWithin,
)
from ecqm.plan.static_types import point_type_of
from ecqm.types import BOOLEAN, QUANTITY, RATIO, VALUE_SET, CqlType, ListType
from ecqm.values import Long, Quantity, Ratio, ValueSet


@lowers(elm.Literal)
def literal(lowering: Lowering, node: elm.Literal, scope: Scope) -> PlanNode:
    type_ = named_type(node.valueType)
    text = node.value or ""
    if type_.name == "Boolean":
        return lowering.constant(text == "true", type_)
    if type_.name == "String":
        return lowering.constant(text, type_)
    try:
        if type_.name == "Integer":
            return lowering.constant(int(text), type_)
        if type_.name == "Long":
            return lowering.constant(Long(text.rstrip("L")), type_)
        if type_.name == "Decimal":
            return lowering.constant(Decimal(text), type_)
    except (ValueError, ArithmeticError) as error:
        raise PlanError(f"{lowering.place(node, scope)}: {text!r} is not a literal of {type_}") from error
    raise PlanError(f"{lowering.place(node, scope)}: literals of type {type_} are not supported")


@lowers(elm.Null)
def null(lowering: Lowering, node: elm.Null, scope: Scope) -> PlanNode:
    return lowering.null()


@lowers(elm.Quantity)
def quantity(lowering: Lowering, node: elm.Quantity, scope: Scope) -> PlanNode:
    return lowering.constant(_quantity(node), QUANTITY)


def _quantity(node: elm.Quantity) -> Quantity:
    return Quantity(node.value, node.unit or "1")


@lowers(elm.Ratio)
def ratio(lowering: Lowering, node: elm.Ratio, scope: Scope) -> PlanNode:
    return lowering.constant(Ratio(_quantity(node.numerator), _quantity(node.denominator)), RATIO)


@lowers(elm.Tuple)
def tuple_(lowering: Lowering, node: elm.Tuple, scope: Scope) -> PlanNode:
    elements = tuple((part.name, lowering.lower(part.value, scope)) for part in node.element)
    return lowering.builder.make(MakeRecord, None, elements)


@lowers(elm.Instance)
def instance(lowering: Lowering, node: elm.Instance, scope: Scope) -> PlanNode:
    elements = tuple((part.name, lowering.lower(part.value, scope)) for part in node.element)
    type_ = named_type(node.classType)
    return _value_set(lowering, type_, elements) or lowering.builder.make(MakeRecord, type_, elements)


def _value_set(lowering: Lowering, type_: CqlType, elements: tuple[tuple[str, PlanNode], ...]) -> PlanNode | None:
    """An instance of ValueSet of which the plan shows all elements, as a constant like a declared value set: if it is
    missing, that is reported before a run."""
    given = {name: part.value for name, part in elements if isinstance(part, Constant)}
    if type_ != VALUE_SET or len(given) < len(elements) or not isinstance(given.get("id"), str):
        return None
    if not given.keys() <= {"id", "version", "name"}:
        return None
    return lowering.constant(ValueSet(**given), VALUE_SET)


@lowers(elm.List)
def list_(lowering: Lowering, node: elm.List, scope: Scope) -> PlanNode:
    elements = tuple(lowering.lower(part, scope) for part in node.element)
    given = specified_type(node.typeSpecifier) if node.typeSpecifier is not None else None
    # The specifier is that of the list.
    element = given.element if isinstance(given, ListType) else None
    return lowering.builder.make(MakeList, elements, element)


@lowers(elm.Interval)
def interval(lowering: Lowering, node: elm.Interval, scope: Scope) -> PlanNode:
    def closed(expression: elm.Expression | None, otherwise: bool) -> PlanNode:
        return lowering.constant(otherwise, BOOLEAN) if expression is None else lowering.lower(expression, scope)

    low, high = lowering.lower_optional(node.low, scope), lowering.lower_optional(node.high, scope)
    return lowering.builder.make(
        MakeInterval,
        low,
        high,
        closed(node.lowClosedExpression, node.lowClosed),
        closed(node.highClosedExpression, node.highClosed),
        point_type_of(low, high),
    )


@lowers(elm.Property)
def property_(lowering: Lowering, node: elm.Property, scope: Scope) -> PlanNode:
    if node.source is not None:
        source = lowering.lower(node.source, scope)
    elif node.scope is not None:
        source = lowering.named(node.scope, node, scope)
    else:
        source = _implied(lowering, node, scope)
    return element_of(lowering, source, node.path)


def element_of(lowering: Lowering, source: PlanNode, path: str) -> PlanNode:
    """The element of `source` at a path of names separated by dots."""
    for name in path.split("."):
        source = lowering.builder.make(Property, source, name)
    return source


def _implied(lowering: Lowering, node: elm.Property, scope: Scope) -> PlanNode:
    """The source of a property that has neither a source nor a scope, as older translators write it: in a sort clause
    the element; otherwise the innermost alias whose elements are known to have the property, or else the innermost."""
    if scope.element is not None:
        return scope.element
    aliases = [alias for alias in reversed(list(scope.names.values())) if isinstance(alias, Element)]
    if not aliases:
        raise PlanError(f"{lowering.place(node, scope)}: property {node.path!r} has neither a source nor a scope")
    name = node.path.partition(".")[0]
    return next((alias for alias in aliases if _has_element(alias, name)), aliases[0])


def _has_element(alias: Element, name: str) -> bool:
    retrieve = retrieve_behind(alias)
    if retrieve is None or retrieve.resource_type.model != "FHIR":
        return False
    return load_model("FHIR").element(retrieve.resource_type, name) is not None


def retrieve_behind(node: PlanNode) -> Retrieve | None:
    """The retrieve that gives a list, or the list of an element; None if the plan does not show it."""
    if isinstance(node, Retrieve):
        return node
    if isinstance(node, (Element, SortWithin)):
        return retrieve_behind(node.source)
    if isinstance(node, CollectWithin):
        return retrieve_behind(node.value)
    if isinstance(node, Call) and node.operator in ("Union", "Intersect", "Except", "Distinct"):
        return retrieve_behind(node.operands[0])
    return None
