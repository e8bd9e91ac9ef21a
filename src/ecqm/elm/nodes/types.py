"""Type specifiers (CQL specification, ELM reference: Types)."""

from __future__ import annotations

from ecqm.elm.nodes.base import Element, QName, TypeSpecifier


class NamedTypeSpecifier(TypeSpecifier):
    name: QName


class IntervalTypeSpecifier(TypeSpecifier):
    pointType: TypeSpecifier


class ListTypeSpecifier(TypeSpecifier):
    elementType: TypeSpecifier


class TupleElementDefinition(Element):
    """Readers also accept `type`, the former name of `elementType`."""

    name: str
    elementType: TypeSpecifier


class TupleTypeSpecifier(TypeSpecifier):
    element: list[TupleElementDefinition] = []


class ChoiceTypeSpecifier(TypeSpecifier):
    """Readers also accept `type`, the former name of `choice`."""

    choice: list[TypeSpecifier] = []


class ParameterTypeSpecifier(TypeSpecifier):
    parameterName: str
