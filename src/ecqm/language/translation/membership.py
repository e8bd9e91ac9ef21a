"""Membership in lists, intervals, value sets and code systems (CQL reference, chapters 9, 10 and 12)."""

from __future__ import annotations

from ecqm.elm import nodes
from ecqm.language.conversions import CAST, Cast, FromChoice
from ecqm.language.parse_trees import Context, word
from ecqm.language.translation.core import Translator
from ecqm.language.translation.operators import compared_to
from ecqm.language.translation.registry import Typed, translates
from ecqm.types import CODE, CODE_SYSTEM, CONCEPT, VALUE_SET, ChoiceType, CqlType, ListType


@translates("MembershipExpression")
def membership_expression(translator: Translator, context: Context) -> Typed:
    left, right = (translator.translate(operand) for operand in context.expression())
    precision = context.precisionOf()
    relation = word(context, 1)
    attributes = {} if precision is None else compared_to(precision.precision())
    if relation == "in":
        if precision is None and _is_terminology(right.type):
            return membership(translator, left, right, context)
        return translator.operator("In", [left, right], context, **attributes)
    if precision is None and _is_terminology(left.type):
        return membership(translator, right, left, context)
    return translator.operator("Contains", [left, right], context, **attributes)


def _is_terminology(type_: CqlType) -> bool:
    return type_ in (VALUE_SET, CODE_SYSTEM)


def membership(translator: Translator, element: Typed, collection: Typed, context: Context) -> Typed:
    """The test whether a code, concept or string, or any of a list, is in a value set or code system."""
    kind = "ValueSet" if collection.type == VALUE_SET else "CodeSystem"
    name = f"AnyIn{kind}" if isinstance(element.type, ListType) else f"In{kind}"
    if isinstance(element.type, ChoiceType) and CONCEPT in element.type.choices:
        element = _concept_of_choice(translator, element, element.type)
    found = translator.operator(name, [element, collection], context)
    if isinstance(collection.node, nodes.ValueSetRef | nodes.CodeSystemRef):
        return found
    match found.node:
        case nodes.InValueSet() | nodes.AnyInValueSet() as node:
            node.valueset, node.valuesetExpression = None, collection.node
        case nodes.InCodeSystem() | nodes.AnyInCodeSystem() as node:
            node.codesystem, node.codesystemExpression = None, collection.node
    return found


def _concept_of_choice(translator: Translator, element: Typed, type_: ChoiceType) -> Typed:
    """The Concept that a choice holds; made of the Code if it may hold that instead."""
    of_code = translator.models.conversions.find(CODE, CONCEPT)
    if CODE not in type_.choices or of_code is None:
        return translator.cast(element, CONCEPT)
    of_concept = Cast(CONCEPT, CONCEPT, CAST)
    return translator.convert(element, FromChoice(type_, CONCEPT, of_code.score, (of_concept, of_code)))
