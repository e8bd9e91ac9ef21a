"""Conversion between types and the type specifiers of ELM."""

from __future__ import annotations

from collections.abc import Callable

from ecqm.elm.errors import ElmError
from ecqm.elm.nodes import (
    ChoiceTypeSpecifier,
    IntervalTypeSpecifier,
    ListTypeSpecifier,
    NamedTypeSpecifier,
    TupleElementDefinition,
    TupleTypeSpecifier,
    TypeSpecifier,
)
from ecqm.models.namespaces import named_type, qualified_name
from ecqm.types import ChoiceType, CqlType, IntervalType, ListType, NamedType, TupleType, choice_of


def type_of_specifier(specifier: TypeSpecifier) -> CqlType:
    """The type of a type specifier.

    Raises UnknownModelError for an unknown namespace, ElmError for a type parameter.
    """
    match specifier:
        case NamedTypeSpecifier():
            return named_type(specifier.name)
        case ListTypeSpecifier():
            return ListType(type_of_specifier(specifier.elementType))
        case IntervalTypeSpecifier():
            return IntervalType(type_of_specifier(specifier.pointType))
        case ChoiceTypeSpecifier():
            return choice_of(map(type_of_specifier, specifier.choice))
        case TupleTypeSpecifier():
            return TupleType(tuple((part.name, type_of_specifier(part.elementType)) for part in specifier.element))
    raise ElmError(f"{type(specifier).__name__} is not supported as a type")


def specifier_of_type(type_: CqlType, name_of: Callable[[NamedType], str] = qualified_name) -> TypeSpecifier:
    """The type specifier of a type. `name_of` returns the name of a type in ELM, `{namespace}name`."""
    match type_:
        case NamedType():
            return NamedTypeSpecifier(name=name_of(type_))
        case ListType():
            return ListTypeSpecifier(elementType=specifier_of_type(type_.element, name_of))
        case IntervalType():
            return IntervalTypeSpecifier(pointType=specifier_of_type(type_.point, name_of))
        case ChoiceType():
            return ChoiceTypeSpecifier(choice=[specifier_of_type(choice, name_of) for choice in type_.choices])
        case TupleType():
            return TupleTypeSpecifier(
                element=[
                    TupleElementDefinition(name=name, elementType=specifier_of_type(part, name_of))
                    for name, part in type_.elements
                ]
            )
    raise TypeError(f"{type_} cannot be written in ELM")
