"""Conversions between the System types (CQL reference, type operators; ELM chapter 22)."""

from __future__ import annotations

from typing import Any

from ecqm.operators.registry import NONE, operator, overload
from ecqm.operators.to_types import (
    to_boolean,
    to_concept,
    to_date,
    to_datetime,
    to_decimal,
    to_integer,
    to_long,
    to_quantity,
    to_ratio,
    to_string,
    to_time,
)
from ecqm.values import CqlError, DateTime, EvaluationContext, Quantity, Time
from ecqm.values.units import convert


def _unchanged(value: Any) -> Any:
    """The value itself: conversion to the type that it has."""
    return value


@operator("ToBoolean", spec="elm:22.19")
class ToBoolean:
    """The Boolean that a String or a number stands for."""

    any_kind = overload("(String) -> Boolean", "(Integer) -> Boolean", "(Long) -> Boolean", "(Decimal) -> Boolean")(
        to_boolean
    )
    itself = overload("(Boolean) -> Boolean")(_unchanged)


@operator("ToInteger", spec="elm:22.25")
class ToInteger:
    """The Integer that a String, a Boolean or a Long stands for."""

    any_kind = overload("(String) -> Integer", "(Boolean) -> Integer", "(Long) -> Integer")(to_integer)
    itself = overload("(Integer) -> Integer")(_unchanged)


@operator("ToLong", spec="elm:22.27")
class ToLong:
    """The Long that a String, a Boolean or an Integer stands for."""

    any_kind = overload("(String) -> Long", "(Boolean) -> Long", "(Integer) -> Long")(to_long)
    itself = overload("(Long) -> Long")(_unchanged)


@operator("ToDecimal", spec="elm:22.24")
class ToDecimal:
    """The Decimal that a String, a Boolean, an Integer or a Long stands for. A Decimal is accepted, because integers to
    a negative power are Decimals although their static type is Integer."""

    any_kind = overload(
        "(String) -> Decimal",
        "(Boolean) -> Decimal",
        "(Integer) -> Decimal",
        "(Long) -> Decimal",
        "(Decimal) -> Decimal",
    )(to_decimal)


@operator("ToQuantity", spec="elm:22.28")
class ToQuantity:
    """The Quantity that a String, a number or a Ratio stands for."""

    any_kind = overload(
        "(String) -> Quantity",
        "(Decimal) -> Quantity",
        "(Integer) -> Quantity",
        "(Long) -> Quantity",
        "(Ratio) -> Quantity",
    )(to_quantity)
    itself = overload("(Quantity) -> Quantity")(_unchanged)


@operator("ToRatio", spec="elm:22.29")
class ToRatio:
    """The Ratio that a String stands for."""

    any_kind = overload("(String) -> Ratio")(to_ratio)
    itself = overload("(Ratio) -> Ratio")(_unchanged)


@operator("ToString", spec="elm:22.30")
class ToString:
    """A value as a String."""

    any_kind = overload(
        *(
            f"({kind}) -> String"
            for kind in (
                "Boolean",
                "Integer",
                "Long",
                "Decimal",
                "Quantity",
                "Ratio",
                "Date",
                "DateTime",
                "Time",
                "String",
            )
        )
    )(to_string)


@operator("ToDate", spec="elm:22.22")
class ToDate:
    """The Date of a String or of a DateTime."""

    any_kind = overload("(String) -> Date", "(DateTime) -> Date")(to_date)
    itself = overload("(Date) -> Date")(_unchanged)


@operator("ToDateTime", spec="elm:22.23")
class ToDateTime:
    """The DateTime of a String, or of a Date, with the time unspecified."""

    any_kind = overload("(String) -> DateTime", "(Date) -> DateTime")(to_datetime)
    itself = overload("(DateTime) -> DateTime")(_unchanged)


@operator("ToTime", spec="elm:22.31")
class ToTime:
    """The Time of a String, or of a DateTime at the offset of the request."""

    any_kind = overload("(String) -> Time")(to_time)
    itself = overload("(Time) -> Time")(_unchanged)

    @overload("(DateTime) -> Time")
    def datetime(argument: DateTime, *, context: EvaluationContext) -> Time | None:
        return argument.at_offset(context.offset_minutes).time()


@operator("ToConcept", spec="elm:22.21")
class ToConcept:
    """The concept of a code, or of a list of codes."""

    any_kind = overload("(Code) -> Concept", "(List<Code>) -> Concept")(to_concept)


@operator("ToList", spec="elm:22.26")
class ToList:
    """A list with the argument as its only element; the empty list for null."""

    @overload("(T) -> List<T>", nulls=NONE)
    def any_kind(argument: Any) -> tuple[Any, ...]:
        return () if argument is None else (argument,)


@operator("ToChars", spec="elm:22.20")
class ToChars:
    """The characters of a string, each as a string."""

    @overload("(String) -> List<String>")
    def strings(argument: str) -> tuple[str, ...]:
        return tuple(argument)


@operator("ConvertQuantity", spec="elm:22.6")
class ConvertQuantity:
    """The same quantity in another unit; null if the dimensions differ."""

    @overload("(Quantity, String) -> Quantity")
    def quantities(argument: Quantity, unit: str) -> Quantity | None:
        try:
            value = convert(argument.value, argument.unit, unit)
        except CqlError:
            return None  # the number is too large in that unit
        return None if value is None else Quantity(value, unit)
