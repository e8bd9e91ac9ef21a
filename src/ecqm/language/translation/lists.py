"""Operators on lists and intervals, and the components of values (CQL reference, chapters 8 to 10)."""

from __future__ import annotations

from decimal import Decimal

from ecqm.elm import nodes
from ecqm.language.diagnostics import TranslationError
from ecqm.language.parse_trees import Context, word
from ecqm.language.translation.core import Translator
from ecqm.language.translation.registry import Typed, translates
from ecqm.types import ANY, DATETIME, QUANTITY, ChoiceType, ListType, choice_of

_SETS = {"|": "Union", "union": "Union", "intersect": "Intersect", "except": "Except"}
_OF = {"start": "Start", "end": "End", "width": "Width", "successor": "Successor", "predecessor": "Predecessor"}
_COMPONENTS = {
    "date": "DateFrom",
    "time": "TimeFrom",
    "timezone": "TimezoneFrom",
    "timezoneoffset": "TimezoneOffsetFrom",
}


@translates("SetExpression")
def set_expression(translator: Translator, context: Context) -> Typed:
    name = _SETS[word(context, 1)]
    left, right = (translator.translate(operand) for operand in context.expression())
    if isinstance(left.type, ListType) and isinstance(right.type, ListType):
        return _of_lists(translator, name, left, left.type, right, right.type, context)
    return translator.operator(name, [left, right], context)


def _of_lists(
    translator: Translator,
    name: str,
    left: Typed,
    left_type: ListType,
    right: Typed,
    right_type: ListType,
    context: Context,
) -> Typed:
    """A set operation on lists. If neither element type includes the other, both become lists of their choice."""
    relations, conversions = translator.models.relations, translator.models.conversions
    related = (
        relations.is_subtype(left_type, right_type)
        or relations.is_subtype(right_type, left_type)
        or (
            not isinstance(left_type.element, ChoiceType)
            and not isinstance(right_type.element, ChoiceType)
            and (
                conversions.find(left_type, right_type) is not None
                or conversions.find(right_type, left_type) is not None
            )
        )
    )
    if not related:
        type_ = ListType(choice_of((left_type.element, right_type.element)))
        left, right = (
            operand if operand.type == type_ else _as_list(translator, operand, type_) for operand in (left, right)
        )
    return translator.operator(name, [left, right], context)


def _as_list(translator: Translator, value: Typed, type_: ListType) -> Typed:
    node = nodes.As(operand=value.node, asTypeSpecifier=translator.models.specifier(type_))
    return translator.typed(node, type_)


@translates("IndexerTerm")
def indexer_term(translator: Translator, context: Context) -> Typed:
    operands = [translator.translate(context.term()), translator.translate(context.expression())]
    return translator.operator("Indexer", operands, context)


@translates("ListOperatorTerm")
def list_operator_term(translator: Translator, context: Context) -> Typed:
    name = word(context, 0).capitalize()
    operand = translator.translate(context.expression())
    if name == "Flatten" and isinstance(operand.type, ListType):
        return _flatten(translator, operand, operand.type, context)
    return translator.operator(name, [operand], context)


def _flatten(translator: Translator, operand: Typed, type_: ListType, context: Context) -> Typed:
    """Flatten a list; lists of different types become a list of their choice."""
    element = type_.element
    if isinstance(element, ChoiceType) and any(isinstance(part, ListType) for part in element.choices):
        parts = [part.element if isinstance(part, ListType) else part for part in element.choices]
        return Typed(nodes.Flatten(operand=operand.node), ListType(choice_of(parts)))
    return translator.operator("Flatten", [operand], context)


@translates("PerTerm")
def per_term(translator: Translator, context: Context) -> Typed:
    name = word(context, 0).capitalize()
    expressions = context.expression()
    source = translator.translate(expressions[0])
    precision = context.precision()
    if precision is not None:
        node = nodes.Quantity(value=Decimal(1), unit=str(precision.getText()))
        per = translator.typed(node, QUANTITY)
    elif len(expressions) > 1:
        per = translator.to_type(translator.translate(expressions[1]), QUANTITY, expressions[1])
    else:
        per = translator.null(QUANTITY)
    return translator.operator(name, [source, per], context)


@translates("OfTerm")
def of_term(translator: Translator, context: Context) -> Typed:
    return translator.operator(_OF[word(context, 0)], [translator.translate(context.term())], context)


@translates("FromTerm")
def from_term(translator: Translator, context: Context) -> Typed:
    component = word(context, 0)
    operand = translator.translate(context.term())
    if component == "singleton":
        return translator.operator("SingletonFrom", [operand], context)
    if component == "point":
        return translator.operator("PointFrom", [operand], context)
    if component in _COMPONENTS:
        return translator.operator(_COMPONENTS[component], [operand], context)
    if component == "week":
        raise TranslationError("'week from' is not defined: weeks are numbered in different ways", context)
    if operand.type == ANY:
        operand = translator.cast(operand, DATETIME)
    return translator.operator("DateTimeComponentFrom", [operand], context, precision=component.capitalize())
