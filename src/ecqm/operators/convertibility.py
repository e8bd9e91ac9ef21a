"""Whether values can be converted to another type or unit (CQL reference, type operators; ELM chapter 22)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ecqm.operators.registry import operator, overload
from ecqm.operators.to_types import (
    to_boolean,
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
from ecqm.values import Quantity
from ecqm.values.units import convert_exactly


def _converts(convert: Callable[[Any], Any]) -> Callable[[Any], bool]:
    return lambda argument: convert(argument) is not None


@operator("CanConvertQuantity", spec="elm:22.3")
class CanConvertQuantity:
    """Whether a quantity can be converted to another unit."""

    @overload("(Quantity, String) -> Boolean")
    def quantities(argument: Quantity, unit: str) -> bool:
        return convert_exactly(argument.value, argument.unit, unit) is not None


@operator("ConvertsToBoolean", spec="elm:22.7")
class ConvertsToBoolean:
    """Whether a value is, or stands for, a Boolean."""

    any_kind = overload("(Any) -> Boolean")(_converts(to_boolean))


@operator("ConvertsToDate", spec="elm:22.8")
class ConvertsToDate:
    """Whether a value is, or stands for, a Date."""

    any_kind = overload("(Any) -> Boolean")(_converts(to_date))


@operator("ConvertsToDateTime", spec="elm:22.9")
class ConvertsToDateTime:
    """Whether a value is, or stands for, a DateTime."""

    any_kind = overload("(Any) -> Boolean")(_converts(to_datetime))


@operator("ConvertsToDecimal", spec="elm:22.10")
class ConvertsToDecimal:
    """Whether a value is, or stands for, a Decimal."""

    any_kind = overload("(Any) -> Boolean")(_converts(to_decimal))


@operator("ConvertsToInteger", spec="elm:22.11")
class ConvertsToInteger:
    """Whether a value is, or stands for, an Integer."""

    any_kind = overload("(Any) -> Boolean")(_converts(to_integer))


@operator("ConvertsToLong", spec="elm:22.12")
class ConvertsToLong:
    """Whether a value is, or stands for, a Long."""

    any_kind = overload("(Any) -> Boolean")(_converts(to_long))


@operator("ConvertsToQuantity", spec="elm:22.13")
class ConvertsToQuantity:
    """Whether a value is, or stands for, a Quantity."""

    any_kind = overload("(Any) -> Boolean")(_converts(to_quantity))


@operator("ConvertsToRatio", spec="elm:22.14")
class ConvertsToRatio:
    """Whether a value is, or stands for, a Ratio."""

    any_kind = overload("(Any) -> Boolean")(_converts(to_ratio))


@operator("ConvertsToString", spec="elm:22.15")
class ConvertsToString:
    """Whether a value is a String or can be converted to one."""

    any_kind = overload("(Any) -> Boolean")(_converts(to_string))


@operator("ConvertsToTime", spec="elm:22.16")
class ConvertsToTime:
    """Whether a value is, or stands for, a Time."""

    any_kind = overload("(Any) -> Boolean")(_converts(to_time))
