"""Implicit conversions written as ELM (Translation Semantics, Implicit Conversions); `ecqm.language.conversions` finds
them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecqm.elm import nodes
from ecqm.language.conversions import Conversion, Kind
from ecqm.language.translation.registry import Typed
from ecqm.types import ANY, BOOLEAN, ChoiceType, CqlType, IntervalType, ListType

if TYPE_CHECKING:
    from ecqm.language.translation.core import Translator


def convert(translator: Translator, value: Typed, conversion: Conversion) -> Typed:
    """The ELM that converts `value`."""
    match conversion.kind:
        case Kind.CAST:
            return translator.cast(value, conversion.to)
        case Kind.OPERATOR:
            assert conversion.operator is not None
            return translator.conversion_call(value, conversion.operator, conversion.to)
        case Kind.FROM_CHOICE:
            return _convert_choice(translator, value, conversion)
        case Kind.TO_CHOICE:
            assert conversion.inner is not None
            return convert(translator, translator.cast(value, conversion.inner.from_), conversion.inner)
        case Kind.ELEMENTS:
            return _convert_elements(translator, value, conversion)
        case Kind.POINTS:
            return _convert_points(translator, value, conversion)
        case _:
            return _promote(translator, value, conversion)


def _convert_choice(translator: Translator, value: Typed, conversion: Conversion) -> Typed:
    inner = conversion.inner
    assert inner is not None

    def from_alternative(part: Conversion) -> Typed:
        alternative = translator.cast(value, part.from_)
        is_done = part.kind is Kind.CAST and not isinstance(part.to, ChoiceType)
        return alternative if is_done else convert(translator, alternative, part)

    first = from_alternative(inner)
    if not conversion.alternatives:
        return first
    items = [
        nodes.CaseItem(when=translator.is_of(value, part.from_).node, then=from_alternative(part).node)
        for part in (inner, *conversion.alternatives)
    ]
    null = translator.record_type(Typed(nodes.Null(), conversion.to))
    return translator.record_type(Typed(nodes.Case(caseItem=items, else_=null.node), conversion.to))


def _convert_elements(translator: Translator, value: Typed, conversion: Conversion) -> Typed:
    assert conversion.inner is not None and isinstance(conversion.to, ListType)
    element = Typed(nodes.AliasRef(name="X"), conversion.inner.from_)
    query = nodes.Query(
        source=[nodes.AliasedQuerySource(alias="X", expression=value.node)],
        return_=nodes.ReturnClause(distinct=False, expression=convert(translator, element, conversion.inner).node),
    )
    return translator.record_type(Typed(query, conversion.to))


def _convert_points(translator: Translator, value: Typed, conversion: Conversion) -> Typed:
    inner = conversion.inner
    assert inner is not None

    def bound(path: str) -> nodes.Property:
        return nodes.Property(path=path, source=value.node)

    interval = nodes.Interval(
        low=convert(translator, Typed(bound("low"), inner.from_), inner).node,
        lowClosedExpression=bound("lowClosed"),
        high=convert(translator, Typed(bound("high"), inner.from_), inner).node,
        highClosedExpression=bound("highClosed"),
    )
    return translator.record_type(Typed(interval, conversion.to))


def _promote(translator: Translator, value: Typed, conversion: Conversion) -> Typed:
    inner = conversion.inner
    if conversion.kind is Kind.LIST_DEMOTION:
        assert isinstance(conversion.from_, ListType)
        value = Typed(nodes.SingletonFrom(operand=value.node), conversion.from_.element)
    elif conversion.kind is Kind.INTERVAL_DEMOTION:
        assert isinstance(conversion.from_, IntervalType)
        value = Typed(nodes.PointFrom(operand=value.node), conversion.from_.point)
    if inner is not None:
        value = convert(translator, value, inner)
    if conversion.kind is Kind.LIST_PROMOTION:
        value = Typed(nodes.ToList(operand=value.node), conversion.to)
    elif conversion.kind is Kind.INTERVAL_PROMOTION:
        value = _interval_of(translator, value, conversion.to)
    return translator.record_type(value)


def _interval_of(translator: Translator, point: Typed, to: CqlType) -> Typed:
    """The interval of one point. That of a null is null, and not the interval without bounds."""
    null = translator.cast(translator.record_type(Typed(nodes.Null(), ANY)), to)
    interval = translator.record_type(Typed(nodes.Interval(low=point.node, high=point.node), to))
    test = translator.record_type(Typed(nodes.IsNull(operand=point.node), BOOLEAN))
    return Typed(nodes.If(condition=test.node, then=null.node, else_=interval.node), to)
