"""Functions of the language (CQL reference), and those that are not operators of ELM with the same name."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ecqm.elm import nodes
from ecqm.language.diagnostics import TranslationError
from ecqm.language.parse_trees import Context
from ecqm.language.system_operators import system_signatures
from ecqm.language.translation.core import Translator
from ecqm.language.translation.membership import membership
from ecqm.language.translation.names import member, reference
from ecqm.language.translation.registry import Typed
from ecqm.types import CODE_SYSTEM, DATE, DATETIME, INTEGER, VALUE_SET, ListType, NamedType

Function = Callable[[Translator, list[Typed], Context], Typed]
_F = TypeVar("_F", bound=Function)

FUNCTIONS: dict[str, Function] = {}
"""The functions that need more than the operator with their name."""

_AGES = {
    f"{prefix}AgeIn{unit}s{suffix}": (prefix, unit, suffix)
    for prefix in ("", "Calculate")
    for unit in ("Year", "Month", "Week", "Day", "Hour", "Minute", "Second")
    for suffix in ("", "At")
}
_NOT_CALLABLE = frozenset(("DateTimeComponentFrom", "DurationBetween", "DifferenceBetween"))
_ELEMENT_OF_LIST = [
    overload for overload in system_signatures()["Indexer"] if isinstance(overload.operands[0], ListType)
]


def called(*names: str) -> Callable[[_F], _F]:
    """Register the function (translator, operands, context) -> typed node for calls by these names."""

    def register(function: _F) -> _F:
        for name in names:
            FUNCTIONS[name] = function
        return function

    return register


def language_names() -> list[str]:
    """The names of functions of the language, for suggestions."""
    return [*system_signatures(), *_AGES]


def is_of_language(name: str) -> bool:
    """Whether the language has a function with this name."""
    return name in _AGES or name in FUNCTIONS or name in system_signatures()


def system_call(translator: Translator, name: str, operands: list[Typed], context: Context) -> Typed | None:
    """The call of a function of the language; None if there is none with this name."""
    if name in _AGES:
        return _age(translator, name, operands, context)
    function = FUNCTIONS.get(name)
    if function is not None:
        return function(translator, operands, context)
    if name not in system_signatures() or name in _NOT_CALLABLE:
        return None
    return translator.operator(name, operands, context)


def _age(translator: Translator, name: str, operands: list[Typed], context: Context) -> Typed:
    prefix, unit, suffix = _AGES[name]
    if not prefix:
        operands = [_birth_date(translator, context), *operands]
    if len(operands) != (2 if suffix else 1):
        birth_date, as_of = ["a birth date"] * bool(prefix), ["a date"] * bool(suffix)
        raise TranslationError(f"{name} takes {' and '.join([*birth_date, *as_of]) or 'no arguments'}", context)
    if suffix and operands[0].type == DATETIME and operands[1].type == DATE:
        operands[0] = translator.conversion_call(operands[0], ("System", "ToDate"), DATE)
    return translator.operator(f"CalculateAge{suffix}", operands, context, precision=unit)


def _birth_date(translator: Translator, context: Context) -> Typed:
    symbol = translator.library.symbol("Patient", context)
    if symbol is None or not isinstance(symbol.type, NamedType):
        raise TranslationError(
            "ages need the Patient context: declare a model (`using …`) and `context Patient`", context
        )
    model = translator.models.model_of(symbol.type)
    path = model.patient_birth_date if model is not None else None
    if model is None or path is None:
        raise TranslationError(f"{symbol.type} has no birth date", context)
    value = reference(symbol, None)
    for step in path.split("."):
        value = member(translator, value, step, context)
    return value


def _slice(source: Typed, start: nodes.Expression, end: nodes.Expression) -> Typed:
    return Typed(nodes.Slice(source=source.node, startIndex=start, endIndex=end), source.type)


def _list_and_count(translator: Translator, name: str, operands: list[Typed], context: Context) -> tuple[Typed, Typed]:
    resolution = translator.try_resolve(_ELEMENT_OF_LIST, operands, name, context)
    if resolution is None:
        raise TranslationError(f"{name} takes a list and a number of elements", context)
    source, count = translator.converted(operands, resolution)
    return Typed(source.node, resolution.signature.operands[0]), count


@called("Skip")
def call_skip(translator: Translator, operands: list[Typed], context: Context) -> Typed:
    source, count = _list_and_count(translator, "Skip", operands, context)
    return _slice(source, count.node, nodes.Null())


@called("Tail")
def call_tail(translator: Translator, operands: list[Typed], context: Context) -> Typed:
    if len(operands) != 1:
        raise TranslationError("Tail takes a list", context)
    source, count = _list_and_count(translator, "Tail", [*operands, translator.literal(INTEGER, "1")], context)
    return _slice(source, count.node, nodes.Null())


@called("Take")
def call_take(translator: Translator, operands: list[Typed], context: Context) -> Typed:
    source, count = _list_and_count(translator, "Take", operands, context)
    end = translator.operator("Coalesce", [count, translator.literal(INTEGER, "0")], context)
    return _slice(source, translator.literal(INTEGER, "0").node, end.node)


@called("CalculateAge")
def call_calculate_age(translator: Translator, operands: list[Typed], context: Context) -> Typed:
    return translator.operator("CalculateAge", operands, context, precision="Year")


@called("InValueSet", "AnyInValueSet", "InCodeSystem", "AnyInCodeSystem")
def call_in_value_set(translator: Translator, operands: list[Typed], context: Context) -> Typed:
    if len(operands) != 2 or operands[1].type not in (VALUE_SET, CODE_SYSTEM):
        given = ", ".join(str(operand.type) for operand in operands)
        raise TranslationError(f"membership takes codes and a value set or code system, found ({given})", context)
    return membership(translator, operands[0], operands[1], context)
