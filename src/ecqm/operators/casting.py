"""Testing, casting and converting to a given type, and the elements of structures (CQL reference, type operators;
ELM chapter 22).

The attribute `to` is the type, which ELM gives as isType, asType or toType, or as a type specifier.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields
from typing import Any

from ecqm.operators import to_types
from ecqm.operators.dispatch import type_of
from ecqm.operators.registry import NONE, operator, overload
from ecqm.types import core as t
from ecqm.values import Code, CodeSystem, Concept, CqlError, Interval, Quantity, Ratio, Tuple, ValueSet

_CONVERTERS: dict[t.CqlType, Callable[[Any], Any]] = {
    t.BOOLEAN: to_types.to_boolean,
    t.INTEGER: to_types.to_integer,
    t.LONG: to_types.to_long,
    t.DECIMAL: to_types.to_decimal,
    t.STRING: to_types.to_string,
    t.QUANTITY: to_types.to_quantity,
    t.RATIO: to_types.to_ratio,
    t.DATE: to_types.to_date,
    t.DATETIME: to_types.to_datetime,
    t.TIME: to_types.to_time,
    t.CONCEPT: to_types.to_concept,
    t.ListType(t.CODE): to_types.to_codes,
}


def is_of_type(value: Any, type_: t.CqlType) -> bool:
    """Whether a value is of a type; null is of none. Null elements of lists and tuples and null boundaries are of any
    type. An instance of a model's class is of that class alone; only the engine knows subtypes."""
    match type_:
        case t.ANY:
            return value is not None
        case t.ChoiceType(choices):
            return any(is_of_type(value, choice) for choice in choices)
        case t.ListType(element):
            return isinstance(value, tuple | list) and all(_fits(part, element) for part in value)
        case t.IntervalType(point):
            return isinstance(value, Interval) and _fits(value.low, point) and _fits(value.high, point)
        case t.TupleType(elements):
            if not isinstance(value, Tuple) or value.type_name is not None or value.keys() != dict(elements).keys():
                return False
            return all(_fits(value[name], part) for name, part in elements)
        case t.VOCABULARY:
            return isinstance(value, ValueSet | CodeSystem)
    return value is not None and type_of(value) == type_


def _fits(part: Any, type_: t.CqlType) -> bool:
    return part is None or is_of_type(part, type_)


def convert_to(value: Any, type_: t.CqlType) -> Any:
    """`value` converted to a type; None if its type, or this value, cannot be converted."""
    if is_of_type(value, type_):
        return value
    if isinstance(type_, t.ChoiceType):
        converted = (convert_to(value, choice) for choice in type_.choices)
        return next((result for result in converted if result is not None), None)
    converter = _CONVERTERS.get(type_)
    return converter(value) if converter is not None else None


@operator("Is", spec="elm:22.18")
class Is:
    """Whether a value is of a type; false for null."""

    @overload("(Any) -> Boolean", nulls=NONE)
    def any_kind(argument: Any, *, to: t.CqlType) -> bool:
        return is_of_type(argument, to)


@operator("As", spec="elm:22.1")
class As:
    """The value if it is of a type; otherwise null, or a run-time error if `strict`."""

    @overload("(Any) -> Any", may_raise=True)
    def any_kind(argument: Any, *, to: t.CqlType, strict: bool = False) -> Any:
        if is_of_type(argument, to):
            return argument
        if strict:
            raise CqlError(f"a value of {type_of(argument)} cannot be cast to {to}")
        return None


@operator("Convert", spec="elm:22.5")
class Convert:
    """The value converted to a type; null if that is not possible."""

    @overload("(Any) -> Any")
    def any_kind(argument: Any, *, to: t.CqlType) -> Any:
        return convert_to(argument, to)


@operator("CanConvert", spec="elm:22.2")
class CanConvert:
    """Whether the value can be converted to a type."""

    @overload("(Any) -> Boolean")
    def any_kind(argument: Any, *, to: t.CqlType) -> bool:
        return convert_to(argument, to) is not None


@operator("Children", spec="elm:22.4")
class Children:
    """The values of the elements of a structure, with lists flattened; for a list, those of each of its elements."""

    @overload("(Any) -> List<Any>")
    def any_kind(source: Any) -> tuple[Any, ...]:
        return tuple(_children(source))


@operator("Descendents", spec="elm:22.17")
class Descendents:
    """The values of the elements of a structure, and of their elements, and so on."""

    @overload("(Any) -> List<Any>")
    def any_kind(source: Any) -> tuple[Any, ...]:
        return tuple(_descendents(source))


def _children(source: Any) -> Iterator[Any]:
    match source:
        case tuple() | list():
            for element in source:
                yield from _children(element)
        case Tuple():
            yield from _flattened(source.values())
        case Code() | Concept() | Quantity() | Ratio() | ValueSet() | CodeSystem() | Interval():
            yield from _flattened(getattr(source, part.name) for part in fields(source))


def _flattened(values: Iterable[Any]) -> Iterator[Any]:
    for value in values:
        if isinstance(value, tuple | list):
            yield from _flattened(value)
        elif value is not None:
            yield value


def _descendents(source: Any) -> Iterator[Any]:
    for child in _children(source):
        yield child
        yield from _descendents(child)
