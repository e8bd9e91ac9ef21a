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
    """Older documents say `type` for `elementType`; readers put it where it belongs now."""

    name: str
    elementType: TypeSpecifier


class TupleTypeSpecifier(TypeSpecifier):
    element: list[TupleElementDefinition] = []


class ChoiceTypeSpecifier(TypeSpecifier):
    """Older documents say `type` for `choice`; readers put it where it belongs now."""

    choice: list[TypeSpecifier] = []


class ParameterTypeSpecifier(TypeSpecifier):
    parameterName: str
