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
    """`elementType` is the type; `type` its older place."""

    name: str
    elementType: TypeSpecifier | None = None
    type: TypeSpecifier | None = None


class TupleTypeSpecifier(TypeSpecifier):
    element: list[TupleElementDefinition] = []


class ChoiceTypeSpecifier(TypeSpecifier):
    """`choice` holds the alternatives; `type` is their older place, which in JSON hides the name of the node's type."""

    type: list[TypeSpecifier] = []
    choice: list[TypeSpecifier] = []


class ParameterTypeSpecifier(TypeSpecifier):
    parameterName: str
