"""Literals, selectors of structured values, and Property (`elm:2`, `elm:3`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, TypeVar

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
from ecqm.plan.rewrites.extensions import EXTENSION, extension_of
from ecqm.plan.static_types import point_type_of
from ecqm.types import BOOLEAN, QUANTITY, RATIO, VALUE_SET, CqlType, ListType
from ecqm.values import Long, Quantity, Ratio, ValueSet
from ecqm.values.numbers import MAX_DECIMAL, MIN_INTEGER, MIN_LONG, places_of

_Number = TypeVar("_Number", int, Decimal)
# How much of a wrong literal a message shows.
_SHOWN = 40
_TRUTH = {"true": True, "false": False}
# A Decimal has 8 decimal places, but published quantities are written with more. Each place costs memory and time.
_MOST_PLACES = 28


@lowers(elm.Literal)
def literal(lowering: Lowering, node: elm.Literal, scope: Scope) -> PlanNode:
    type_ = named_type(node.valueType)
    text = node.value or ""
    if type_.name == "String":
        return lowering.constant(text, type_)
    read = _READ.get(type_.name)
    if read is None:
        raise PlanError(f"{lowering.place(node, scope)}: literals of type {type_} are not supported")
    try:
        return lowering.constant(read(text), type_)
    except (KeyError, ValueError, ArithmeticError) as error:
        shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
        raise PlanError(f"{lowering.place(node, scope)}: {shown!r} is not a literal of {type_}") from error


def _integer(text: str) -> int:
    # The smallest one is written as the negation of a literal that is larger than the largest one.
    return _within(int(text), -MIN_INTEGER)


def _long(text: str) -> Long:
    return Long(_within(int(text.rstrip("L")), -MIN_LONG))


def _decimal(number: Decimal) -> Decimal:
    """A Decimal of ELM. Raises ValueError if it is outside of the range of Decimal, or has too many decimal places."""
    if not number.is_finite() or places_of(number) > _MOST_PLACES:
        raise ValueError(number)
    return _within(number, MAX_DECIMAL)


def _within(number: _Number, largest: _Number) -> _Number:
    if not -largest <= number <= largest:
        raise ValueError(number)
    return number


_READ: Mapping[str, Callable[[str], Any]] = {
    "Boolean": _TRUTH.__getitem__,
    "Integer": _integer,
    "Long": _long,
    "Decimal": lambda text: _decimal(Decimal(text)),
}


@lowers(elm.Null)
def null(lowering: Lowering, node: elm.Null, scope: Scope) -> PlanNode:
    return lowering.null()


@lowers(elm.Quantity)
def quantity(lowering: Lowering, node: elm.Quantity, scope: Scope) -> PlanNode:
    return lowering.constant(_quantity(lowering, node, scope), QUANTITY)


def _quantity(lowering: Lowering, node: elm.Quantity, scope: Scope) -> Quantity:
    try:
        return Quantity(_decimal(node.value), node.unit or "1")
    except ValueError as error:
        raise PlanError(f"{lowering.place(node, scope)}: {node.value} is not the value of a Quantity") from error


@lowers(elm.Ratio)
def ratio(lowering: Lowering, node: elm.Ratio, scope: Scope) -> PlanNode:
    numerator, denominator = (_quantity(lowering, part, scope) for part in (node.numerator, node.denominator))
    return lowering.constant(Ratio(numerator, denominator), RATIO)


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
    return element_of(lowering, source, node.path, scope)


def element_of(lowering: Lowering, source: PlanNode, path: str, scope: Scope) -> PlanNode:
    """The element of `source` at a path of names separated by dots."""
    builder = lowering.builder
    for name in path.split("."):
        if name == EXTENSION:
            source = extension_of(builder, source, scope.variables)
        else:
            source = builder.make(Property, source, name)
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
