"""Implicit conversions written as ELM (Translation Semantics, Implicit Conversions); `ecqm.language.conversions` finds
them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecqm.elm import nodes
from ecqm.language.conversions import (
    Cast,
    Conversion,
    ConversionCall,
    ElementConversion,
    FromChoice,
    IntervalDemotion,
    IntervalPromotion,
    ListDemotion,
    ListPromotion,
    PointConversion,
    ToChoice,
)
from ecqm.language.translation.registry import Typed
from ecqm.types import BOOLEAN, ChoiceType, CqlType

if TYPE_CHECKING:
    from ecqm.language.translation.core import Translator


def convert(translator: Translator, value: Typed, conversion: Conversion | None) -> Typed:
    """The ELM that converts `value`; for None, `value` itself."""
    match conversion:
        case None:
            return value
        case Cast(to=to):
            return translator.cast(value, to)
        case ConversionCall(to=to, operator=operator):
            return translator.conversion_call(value, operator, to)
        case FromChoice():
            return _convert_choice(translator, value, conversion)
        case ToChoice(inner=inner):
            return convert(translator, translator.cast(value, inner.from_), inner)
        case ElementConversion():
            return _convert_elements(translator, value, conversion)
        case PointConversion():
            return _convert_points(translator, value, conversion)
        case ListDemotion(from_=from_, inner=inner):
            element = translator.typed(nodes.SingletonFrom(operand=value.node), from_.element)
            return convert(translator, element, inner)
        case IntervalDemotion(from_=from_, inner=inner):
            point = translator.typed(nodes.PointFrom(operand=value.node), from_.point)
            return convert(translator, point, inner)
        case ListPromotion(to=to, inner=inner):
            element = convert(translator, value, inner)
            return translator.typed(nodes.ToList(operand=element.node), to)
        case IntervalPromotion(to=to, inner=inner):
            return _interval_of(translator, convert(translator, value, inner), to)
    raise TypeError(f"{type(conversion).__name__} is not a kind of conversion")


def _convert_choice(translator: Translator, value: Typed, conversion: FromChoice) -> Typed:
    def from_alternative(part: Conversion) -> Typed:
        alternative = translator.cast(value, part.from_)
        is_done = isinstance(part, Cast) and not isinstance(part.to, ChoiceType)
        return alternative if is_done else convert(translator, alternative, part)

    if len(conversion.alternatives) == 1:
        return from_alternative(conversion.alternatives[0])
    items = [
        nodes.CaseItem(when=translator.is_of(value, part.from_).node, then=from_alternative(part).node)
        for part in conversion.alternatives
    ]
    null = translator.typed(nodes.Null(), conversion.to)
    return translator.typed(nodes.Case(caseItem=items, else_=null.node), conversion.to)


def _convert_elements(translator: Translator, value: Typed, conversion: ElementConversion) -> Typed:
    element = Typed(nodes.AliasRef(name="X"), conversion.inner.from_)
    query = nodes.Query(
        source=[nodes.AliasedQuerySource(alias="X", expression=value.node)],
        return_=nodes.ReturnClause(distinct=False, expression=convert(translator, element, conversion.inner).node),
    )
    return translator.typed(query, conversion.to)


def _convert_points(translator: Translator, value: Typed, conversion: PointConversion) -> Typed:
    inner = conversion.inner

    def bound(path: str) -> nodes.Property:
        return nodes.Property(path=path, source=value.node)

    interval = nodes.Interval(
        low=convert(translator, Typed(bound("low"), inner.from_), inner).node,
        lowClosedExpression=bound("lowClosed"),
        high=convert(translator, Typed(bound("high"), inner.from_), inner).node,
        highClosedExpression=bound("highClosed"),
    )
    return translator.typed(interval, conversion.to)


def _interval_of(translator: Translator, point: Typed, to: CqlType) -> Typed:
    """The interval of one point. That of a null is null, and not the interval without bounds."""
    null = translator.null(to)
    interval = translator.typed(nodes.Interval(low=point.node, high=point.node), to)
    test = translator.typed(nodes.IsNull(operand=point.node), BOOLEAN)
    return translator.typed(nodes.If(condition=test.node, then=null.node, else_=interval.node), to)
