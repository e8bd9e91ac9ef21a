"""The type that values of different types have in common (Translation Semantics, Implicit Conversions)."""

from __future__ import annotations

from collections.abc import Sequence

from ecqm.language.model_context import ModelContext
from ecqm.types import ANY, ChoiceType, CqlType, TupleType, choice_of


def common_type(types: Sequence[CqlType], models: ModelContext) -> CqlType:
    """The type to which values of all these types can be converted: one of them, otherwise a choice of them."""
    result = _widest(types, models, converting=True)
    # Conversions do not follow from one another: Integer converts to Long and to Quantity, but Long not to Quantity.
    if isinstance(result, ChoiceType) or not all(_becomes(type_, result, models) for type_ in types):
        return _widest(types, models, converting=False)
    return result


def _becomes(type_: CqlType, wanted: CqlType, models: ModelContext) -> bool:
    return models.relations.is_subtype(type_, wanted) or models.conversions.find(type_, wanted) is not None


def _widest(types: Sequence[CqlType], models: ModelContext, *, converting: bool) -> CqlType:
    result = types[0]
    for type_ in types[1:]:
        result = _wider(result, type_, models, converting)
    return result


def _wider(left: CqlType, right: CqlType, models: ModelContext, converting: bool) -> CqlType:
    relations, conversions = models.relations, models.conversions
    if left == ANY:
        return right
    if right == ANY or relations.is_subtype(right, left):
        return left
    if relations.is_subtype(left, right):
        return right
    if not isinstance(left, ChoiceType) and not isinstance(right, ChoiceType):
        if isinstance(left, TupleType) and isinstance(right, TupleType) and relations.is_compatible(right, left):
            return left
        if converting and conversions.find(right, left) is not None:
            return left
        if converting and conversions.find(left, right) is not None:
            return right
    return choice_of((left, right))
