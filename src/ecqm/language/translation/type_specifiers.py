"""Type specifiers, such as `List<System.Integer>` and `Tuple { a Integer }` (Developer's Guide, Type System)."""

from __future__ import annotations

from ecqm.language.diagnostics import TranslationError
from ecqm.language.parse_trees import Context, rule_of
from ecqm.language.translation.core import Translator
from ecqm.language.translation.names import name_of, parts_of
from ecqm.types import ChoiceType, CqlType, IntervalType, ListType, TupleType


def type_of(translator: Translator, context: Context) -> CqlType:
    """The type of a type specifier. Raises TranslationError if there is no such type."""
    rule = rule_of(context)
    if rule == "ListType":
        return ListType(type_of(translator, context.typeSpecifier()))
    if rule == "IntervalType":
        return IntervalType(type_of(translator, context.typeSpecifier()))
    if rule == "ChoiceType":
        return ChoiceType(tuple(type_of(translator, choice) for choice in context.typeSpecifier()))
    if rule == "TupleType":
        return TupleType(
            tuple(
                (name_of(element.referentialIdentifier()), type_of(translator, element.typeSpecifier()))
                for element in context.tupleElementDefinition()
            )
        )
    if rule != "NamedType":
        raise TranslationError("missing type", context)
    return translator.models.named_type(parts_of(context.qualifiedIdentifier()), context)
