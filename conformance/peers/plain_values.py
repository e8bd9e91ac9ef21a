"""Values of ecqm as plain JSON, in the form that plain_values.js gives those of other engines, to be compared.

Left out are differences of form alone: 1.50 is 1.5, an instant is an instant by whatever clock it was told, seconds
without milliseconds are whole, a resource is its type and id, and any other element of FHIR just `element`, since each
engine reads of it what is asked for.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from functools import singledispatch
from typing import Any

from ecqm.columns import ResourceRow
from ecqm.reporting.notation import resource_name
from ecqm.values import Code, Concept, Date, DateTime, Interval, Quantity, Ratio, Time, Tuple, ValueSet
from ecqm.values.interval import Uncertainty

ELEMENT = "element"
# Digits of a number that survive arithmetic in floating point.
_DIGITS = 10


@singledispatch
def plain(value: Any) -> Any:
    """A value as JSON. Raises TypeError for a type of values that has no plain form."""
    raise TypeError(f"no plain form for {type(value).__name__}")


@plain.register(type(None))
@plain.register(Uncertainty)
def _null(value: object) -> None:
    """A value that is not known exactly is null in the end."""


@plain.register
def _as_it_is(value: bool | str) -> Any:
    return value


@plain.register
def _number_or_count(value: int | Decimal) -> str:
    return _number(Decimal(value))


@plain.register
def _resource(value: ResourceRow) -> str:
    return resource_name(value)


@plain.register
def _date_time(value: DateTime) -> str:
    return _moment(value)


@plain.register
def _date(value: Date) -> str:
    return "@" + ".".join(map(str, value.fields))


@plain.register
def _time(value: Time) -> str:
    return "T" + _clock(value)


@plain.register
def _interval(value: Interval) -> Any:
    return {"low": plain(value.low), "high": plain(value.high), "closed": [value.low_closed, value.high_closed]}


@plain.register
def _quantity(value: Quantity) -> str:
    return f"{_number(value.value)} {value.unit}"


@plain.register
def _ratio(value: Ratio) -> Any:
    return [plain(value.numerator), plain(value.denominator)]


@plain.register
def _code(value: Code) -> str:
    return f"{value.system or ''}|{value.code}"


@plain.register
def _concept(value: Concept) -> Any:
    return {"codes": [plain(code) for code in value.codes]}


@plain.register
def _value_set(value: ValueSet) -> str:
    return f"ValueSet {value.id}"


@plain.register
def _list(value: tuple) -> Any:  # type: ignore[type-arg]
    return [plain(each) for each in value]


@plain.register
def _tuple(value: Tuple) -> Any:
    return ELEMENT if value.type_name else {name: plain(value[name]) for name in sorted(value)}


def _number(value: Decimal) -> str:
    return f"{value.normalize():f}" if value else "0"


def _clock(value: Time) -> str:
    written = ":".join(f"{field:02}" for field in value.fields[:3])
    return f"{written}.{value.fields[3]:03}" if len(value.fields) > 3 else written


def _moment(value: DateTime) -> str:
    if len(value.fields) < 6:
        return "@" + ".".join(map(str, value.fields))
    instant = DateTime.from_ordinal(value.ordinal() - value.effective_offset * 60_000)
    year, month, day, hour, minute, second, millisecond = instant.fields
    return f"@{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millisecond:03}Z"


def comparable(value: Any) -> Any:
    """A plain value with what has no meaning made even: the order of lists, and what `rounded` makes even."""
    if isinstance(value, list):
        return sorted((comparable(each) for each in value), key=lambda each: json.dumps(each, sort_keys=True))
    if isinstance(value, Mapping):
        return {name: comparable(each) for name, each in value.items()}
    return rounded(value)


def rounded(value: Any) -> Any:
    """A plain value with the digits of numbers that survive arithmetic in floating point."""
    if isinstance(value, list):
        return [rounded(each) for each in value]
    if isinstance(value, Mapping):
        return {name: rounded(each) for name, each in value.items()}
    return _rounded_number(value) if isinstance(value, str) else value


def _rounded_number(text: str) -> str:
    number, _, unit = text.partition(" ")
    try:
        return f"{float(number):.{_DIGITS}g} {unit}".strip()
    except ValueError:
        return text


def alike(one: Any, other: Any) -> bool:
    """Whether two comparable values are the same, as far as both engines tell them."""
    if ELEMENT in (one, other):
        return one is not None and other is not None
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(alike, one, other))
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(alike(one[key], other[key]) for key in one)
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)
