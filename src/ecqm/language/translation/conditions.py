"""Conditions, and tests and conversions of types (Author's Guide, Conditional Expressions; Using Types)."""

from __future__ import annotations

from collections.abc import Sequence

from ecqm.elm import nodes
from ecqm.language.diagnostics import TranslationError
from ecqm.language.literals import check_unit
from ecqm.language.parse_trees import Context, word
from ecqm.language.system_operators import system_signatures
from ecqm.language.translation.core import Translator
from ecqm.language.translation.registry import Typed, translates
from ecqm.language.translation.type_specifiers import type_of
from ecqm.types import BOOLEAN, STRING, ChoiceType, CqlType

_UCUM = {
    "year": "a", "month": "mo", "week": "wk", "day": "d", "hour": "h", "minute": "min", "second": "s",
    "millisecond": "ms",
}  # fmt: skip


# -- conditions -------------------------------------------------------------------------------------------------------


@translates("IfTerm")
def if_term(translator: Translator, context: Context) -> Typed:
    condition, then, else_ = context.expression()
    test = translator.boolean(condition)
    branches, type_ = translator.unified([translator.translate(then), translator.translate(else_)], [then, else_])
    return Typed(nodes.If(condition=test.node, then=branches[0].node, else_=branches[1].node), type_)


@translates("CaseTerm")
def case_term(translator: Translator, context: Context) -> Typed:
    items = context.caseItem()
    expressions = context.expression()
    else_ = expressions[-1]
    whens = [item.expression(0) for item in items]
    results = [item.expression(1) for item in items] + [else_]
    comparand: Typed | None = None
    if len(expressions) > 1:
        compared = [translator.translate(expressions[0]), *map(translator.translate, whens)]
        _check_comparable(translator, compared, whens)
        (comparand, *conditions), _ = translator.unified(compared, [expressions[0], *whens])
    else:
        conditions = [translator.boolean(when) for when in whens]
    values, type_ = translator.unified([translator.translate(result) for result in results], results)
    node = nodes.Case(
        comparand=None if comparand is None else comparand.node,
        caseItem=[
            nodes.CaseItem(when=when.node, then=then.node) for when, then in zip(conditions, values, strict=False)
        ],
        else_=values[-1].node,
    )
    return Typed(node, type_)


def _check_comparable(translator: Translator, compared: Sequence[Typed], whens: Sequence[Context]) -> None:
    """Raises TranslationError if the first of the values cannot equal one of the others."""
    comparand, *others = compared
    for value, when in zip(others, whens, strict=True):
        if translator.try_resolve(system_signatures()["Equal"], [comparand, value], "Equal", when) is None:
            raise TranslationError(f"a value of type {comparand.type} cannot equal one of type {value.type}", when)


# -- types ------------------------------------------------------------------------------------------------------------


@translates("TypeExpression")
def type_expression(translator: Translator, context: Context) -> Typed:
    value = translator.translate(context.expression())
    type_ = type_of(translator, context.typeSpecifier())
    specifier = translator.models.specifier(type_)
    if word(context, 1) == "is":
        return Typed(nodes.Is(operand=value.node, isTypeSpecifier=specifier), BOOLEAN)
    _check_cast(translator, value.type, type_, context)
    return Typed(nodes.As(operand=value.node, asTypeSpecifier=specifier, strict=False), type_)


@translates("CastExpression")
def cast_expression(translator: Translator, context: Context) -> Typed:
    value = translator.translate(context.term())
    type_ = type_of(translator, context.typeSpecifier())
    _check_cast(translator, value.type, type_, context)
    specifier = translator.models.specifier(type_)
    return Typed(nodes.As(operand=value.node, asTypeSpecifier=specifier, strict=True), type_)


def _check_cast(translator: Translator, from_: CqlType, to: CqlType, context: Context) -> None:
    relations = translator.models.relations
    parts = to.choices if isinstance(to, ChoiceType) else (to,)
    related = any(
        relations.is_subtype(from_, part) or relations.is_subtype(part, from_) or relations.is_compatible(from_, part)
        for part in parts
    )
    if isinstance(from_, ChoiceType):
        related = related or any(
            relations.is_subtype(part, choice) or relations.is_subtype(choice, part)
            for part in parts
            for choice in from_.choices
        )
    if not related:
        # What a choice is shows only at run time (CQL reference, Cast), so published libraries cast them to anything.
        severity = "warning" if isinstance(from_, ChoiceType) else "error"
        translator.report(TranslationError(f"a value of type {from_} can never be {to}", context), severity)


@translates("ConvertTerm")
def convert_term(translator: Translator, context: Context) -> Typed:
    value = translator.translate(context.expression())
    target = context.typeSpecifier()
    if target is None:
        unit = word(context, 3)
        ucum = _UCUM.get(unit.removesuffix("s"), unit.strip("'"))
        check_unit(ucum, context)
        return translator.operator("ConvertQuantity", [value, translator.literal(STRING, ucum)], context)
    type_ = type_of(translator, target)
    if translator.models.relations.is_subtype(value.type, type_):
        return value
    conversion = translator.models.conversions.find(value.type, type_, implicit=False)
    if conversion is None:
        raise TranslationError(f"there is no conversion from {value.type} to {type_}", context)
    return translator.convert(value, conversion)
