"""Literals, constructed values, terminology, and access to the parts of values."""

from __future__ import annotations

from decimal import Decimal

from ecqm.elm import nodes as elm
from ecqm.models import load_model
from ecqm.plan.lowering.core import Lowering, PlanError, Scope, lowers
from ecqm.plan.lowering.types import named_type, specified_type
from ecqm.plan.nodes import (
    Call,
    Collect,
    Element,
    MakeInterval,
    MakeList,
    MakeRecord,
    PlanNode,
    Property,
    Retrieve,
    SortWithin,
)
from ecqm.types import BOOLEAN, CODE, CODE_SYSTEM, CONCEPT, QUANTITY, RATIO, VALUE_SET
from ecqm.values import Code, CodeSystem, Concept, Long, Quantity, Ratio, ValueSet


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
        raise PlanError(f"{lowering.place(node, scope)}: {text!r} is no {type_.name}") from error
    raise PlanError(f"{lowering.place(node, scope)}: a literal of type {type_} is not known")


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
    return lowering.builder.make(MakeRecord, named_type(node.classType), elements)


@lowers(elm.List)
def list_(lowering: Lowering, node: elm.List, scope: Scope) -> PlanNode:
    elements = tuple(lowering.lower(part, scope) for part in node.element)
    type_ = specified_type(node.typeSpecifier) if node.typeSpecifier is not None else None
    return lowering.builder.make(MakeList, elements, type_)


@lowers(elm.Interval)
def interval(lowering: Lowering, node: elm.Interval, scope: Scope) -> PlanNode:
    def closed(expression: elm.Expression | None, otherwise: bool) -> PlanNode:
        return lowering.constant(otherwise, BOOLEAN) if expression is None else lowering.lower(expression, scope)

    return lowering.builder.make(
        MakeInterval,
        lowering.lower_optional(node.low, scope),
        lowering.lower_optional(node.high, scope),
        closed(node.lowClosedExpression, node.lowClosed),
        closed(node.highClosedExpression, node.highClosed),
    )


@lowers(elm.Property)
def property_(lowering: Lowering, node: elm.Property, scope: Scope) -> PlanNode:
    if node.source is not None:
        source = lowering.lower(node.source, scope)
    elif node.scope is not None:
        source = _named(lowering, node.scope, node, scope)
    else:
        source = _implied(lowering, node, scope)
    return element_of(lowering, source, node.path)


def element_of(lowering: Lowering, source: PlanNode, path: str) -> PlanNode:
    """The element at a path of names, dots between them."""
    for name in path.split("."):
        source = lowering.builder.make(Property, source, name)
    return source


def _implied(lowering: Lowering, node: elm.Property, scope: Scope) -> PlanNode:
    """What a property with neither source nor scope is of, as older translators write it: the element that is sorted,
    or the innermost alias whose elements have such a property; the innermost if of none that is known."""
    if scope.element is not None:
        return scope.element
    aliases = [alias for alias in reversed(list(scope.names.values())) if isinstance(alias, Element)]
    if not aliases:
        raise PlanError(f"{lowering.place(node, scope)}: property {node.path!r} has neither a source nor a scope")
    name = node.path.partition(".")[0]
    return next((alias for alias in aliases if _has_element(alias, name)), aliases[0])


def _has_element(alias: Element, name: str) -> bool:
    resource_type = _resource_type(alias)
    return resource_type is not None and load_model("FHIR").element(resource_type, name) is not None


def _resource_type(node: PlanNode) -> str | None:
    """The FHIR type of the resources that a list holds, as far as it can be seen from the plan."""
    if isinstance(node, Retrieve):
        model, _, name = node.resource_type.partition(".")
        return name if model == "FHIR" else None
    if isinstance(node, (Element, SortWithin)):
        return _resource_type(node.source)
    if isinstance(node, Collect):
        return _resource_type(node.value)
    if isinstance(node, Call) and node.operator in ("Union", "Intersect", "Except", "Distinct"):
        return _resource_type(node.operands[0])
    return None


def _named(lowering: Lowering, name: str, node: elm.Element, scope: Scope) -> PlanNode:
    found = scope.names.get(name)
    if found is None:
        raise PlanError(f"{lowering.place(node, scope)}: there is no alias {name!r} here")
    return found


# -- terminology ------------------------------------------------------------------------------------------------------


def code_of(lowering: Lowering, definition: elm.CodeDef, scope: Scope) -> Code:
    """A code as it is declared, with the id and version of its code system."""
    if definition.codeSystem is None:
        return Code(definition.id, display=definition.display)
    system = scope.library.code_systems.get(definition.codeSystem.name)
    if definition.codeSystem.libraryName is not None:
        system = lowering.libraries.included(scope.library, definition.codeSystem.libraryName).code_systems.get(
            definition.codeSystem.name
        )
    if system is None:
        raise PlanError(f"{lowering.place(definition, scope)}: no code system {definition.codeSystem.name!r}")
    return Code(definition.id, system.id, system.version, definition.display)


@lowers(elm.Code)
def code(lowering: Lowering, node: elm.Code, scope: Scope) -> PlanNode:
    definition = elm.CodeDef(name=node.code, id=node.code, display=node.display, codeSystem=node.system)
    return lowering.constant(code_of(lowering, definition, scope), CODE)


@lowers(elm.Concept)
def concept(lowering: Lowering, node: elm.Concept, scope: Scope) -> PlanNode:
    codes = (elm.CodeDef(name=c.code, id=c.code, display=c.display, codeSystem=c.system) for c in node.code)
    return lowering.constant(Concept(tuple(code_of(lowering, c, scope) for c in codes), node.display), CONCEPT)


@lowers(elm.CodeRef)
def code_ref(lowering: Lowering, node: elm.CodeRef, scope: Scope) -> PlanNode:
    library = lowering.libraries.included(scope.library, node.libraryName)
    definition = library.codes.get(node.name)
    if definition is None:
        raise PlanError(f"{lowering.place(node, scope)}: library {library.identifier} declares no code {node.name!r}")
    return lowering.constant(code_of(lowering, definition, Scope(library, scope.path)), CODE)


@lowers(elm.ConceptRef)
def concept_ref(lowering: Lowering, node: elm.ConceptRef, scope: Scope) -> PlanNode:
    library = lowering.libraries.included(scope.library, node.libraryName)
    definition = library.concepts.get(node.name)
    if definition is None:
        raise PlanError(
            f"{lowering.place(node, scope)}: library {library.identifier} declares no concept {node.name!r}"
        )
    codes = []
    for part in definition.code:
        home = lowering.libraries.included(library, part.libraryName)
        declared = home.codes.get(part.name)
        if declared is None:
            raise PlanError(f"{lowering.place(node, scope)}: library {home.identifier} declares no code {part.name!r}")
        codes.append(code_of(lowering, declared, Scope(home, scope.path)))
    return lowering.constant(Concept(tuple(codes), definition.display), CONCEPT)


@lowers(elm.ValueSetRef)
def value_set_ref(lowering: Lowering, node: elm.ValueSetRef, scope: Scope) -> PlanNode:
    library = lowering.libraries.included(scope.library, node.libraryName)
    definition = library.value_sets.get(node.name)
    if definition is None:
        raise PlanError(
            f"{lowering.place(node, scope)}: library {library.identifier} declares no value set {node.name!r}"
        )
    return lowering.constant(ValueSet(definition.id, definition.version, definition.name), VALUE_SET)


@lowers(elm.CodeSystemRef)
def code_system_ref(lowering: Lowering, node: elm.CodeSystemRef, scope: Scope) -> PlanNode:
    library = lowering.libraries.included(scope.library, node.libraryName)
    definition = library.code_systems.get(node.name)
    if definition is None:
        raise PlanError(
            f"{lowering.place(node, scope)}: library {library.identifier} declares no code system {node.name!r}"
        )
    return lowering.constant(CodeSystem(definition.id, definition.version, definition.name), CODE_SYSTEM)
