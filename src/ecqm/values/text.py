"""Values as text in CQL notation, and dates and times parsed from CQL literals and ISO 8601."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from ecqm.values.clinical import Code, Concept, Vocabulary
from ecqm.values.errors import CqlError
from ecqm.values.interval import Interval, Uncertainty
from ecqm.values.numbers import Long, decimal_text
from ecqm.values.quantity import Quantity, Ratio
from ecqm.values.structure import Tuple
from ecqm.values.temporal import HOUR, PRECISIONS, Date, DateTime, Temporal, Time
from ecqm.values.units import CALENDAR_UNITS

_DATE = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?", re.ASCII)
_TIME = re.compile(r"(\d\d)(?::(\d\d)(?::(\d\d)(?:\.(\d+))?)?)?", re.ASCII)
_OFFSET = re.compile(r"Z|([+-])(\d\d):([0-5]\d)", re.ASCII)
_WIDTHS = dict(zip(PRECISIONS, (4, 2, 2, 2, 2, 2, 3), strict=True))


def parse_date(text: str) -> Date:
    """Parse `2012`, `2012-03` or `2012-03-10`, with or without a leading `@`. Raises CqlError."""
    found = _DATE.fullmatch(text.removeprefix("@"))
    if found is None:
        raise CqlError(f"{text!r} is not a date")
    return Date(*_numbers(found.groups()))


def parse_datetime(text: str) -> DateTime:
    """Parse a date, or a date, `T` and a time of day, with or without an offset (`Z`, `-05:00`) and a leading `@`.
    Digits beyond milliseconds are dropped. Raises CqlError."""
    date_text, _, clock = text.removeprefix("@").partition("T")
    date = parse_date(date_text)
    offset_at = next((at for at, character in enumerate(clock) if character in "Z+-"), len(clock))
    time_text, offset_text = clock[:offset_at], clock[offset_at:]
    offset = _offset(offset_text, text) if offset_text else None
    if time_text and date.precision != "day":
        raise CqlError(f"{text!r} has a time of day but no day")
    return DateTime.from_fields(date.fields + (_time_fields(time_text, text) if time_text else ()), offset)


def parse_time(text: str) -> Time:
    """Parse `10`, `10:20`, `10:20:30` or `10:20:30.400`, with or without a leading `T` or `@T`. Raises CqlError."""
    return Time(*_time_fields(text.removeprefix("@").removeprefix("T"), text))


def _time_fields(text: str, whole: str) -> tuple[int, ...]:
    found = _TIME.fullmatch(text)
    if found is None:
        raise CqlError(f"{whole!r} is not a time")
    *clock, fraction = found.groups()
    milliseconds = (fraction + "00")[:3] if fraction else None
    return _numbers((*clock, milliseconds))


def _offset(text: str, whole: str) -> int:
    found = _OFFSET.fullmatch(text)
    if found is None:
        raise CqlError(f"{whole!r} has no readable timezone offset")
    if text == "Z":
        return 0
    sign, hours, minutes = found.groups()
    return (int(hours) * 60 + int(minutes)) * (-1 if sign == "-" else 1)


def _numbers(groups: tuple[str | None, ...]) -> tuple[int, ...]:
    return tuple(int(group) for group in groups if group is not None)


def iso_text(value: Temporal) -> str:
    """A date or time in ISO 8601, to its precision; a DateTime without hours is written like a date."""
    fields = list(zip(PRECISIONS[value.FIRST :], value.fields, strict=False))
    parts = {name: str(field).zfill(_WIDTHS[name]) for name, field in fields}
    date = "-".join(parts[name] for name in PRECISIONS[:3] if name in parts)
    clock = ":".join(parts[name] for name in PRECISIONS[3:6] if name in parts)
    if "millisecond" in parts:
        clock += "." + parts["millisecond"]
    if isinstance(value, DateTime) and clock:
        return f"{date}T{clock}{offset_text(value.offset)}"
    return date or clock


def offset_text(offset: int | None) -> str:
    """A timezone offset (minutes east of UTC) in ISO 8601; empty for None."""
    if offset is None:
        return ""
    if offset == 0:
        return "Z"
    hours, minutes = divmod(abs(offset), 60)
    return f"{'-' if offset < 0 else '+'}{hours:02}:{minutes:02}"


def quote(text: str) -> str:
    """`text` as a CQL string literal."""
    escapes = {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\f": "\\f"}
    return "'" + "".join(escapes.get(character, character) for character in text) + "'"


def to_cql(value: Any) -> str:
    """A value in CQL notation; an uncertainty is written as the interval of its possible values.
    Raises TypeError if `value` is not a CQL value."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case Long():
            return f"{int(value)}L"
        case int():
            return str(value)
        case Decimal():
            return decimal_text(value)
        case str():
            return quote(value)
        case Quantity(number, unit):
            return f"{number:f} {unit if unit in CALENDAR_UNITS else quote(unit)}"
        case Ratio(numerator, denominator):
            return f"{to_cql(numerator)} : {to_cql(denominator)}"
        case Temporal():
            return _temporal_literal(value)
        case Interval(low, high, low_closed, high_closed):
            inside = f"{to_cql(low)}, {to_cql(high)}"
            return f"Interval{'[' if low_closed else '('}{inside}{']' if high_closed else ')'}"
        case Uncertainty(low, high):
            return f"Interval[{to_cql(low)}, {to_cql(high)}]"
        case Code():
            return _instance("Code", code=value.code, system=value.system, version=value.version, display=value.display)
        case Concept():
            return _instance("Concept", codes=value.codes, display=value.display)
        case Vocabulary():
            return _instance(type(value).__name__, id=value.id, version=value.version, name=value.name)
        case Tuple():
            shown = ", ".join(f"{name}: {to_cql(element)}" for name, element in value.items())
            return f"{value.type_name or 'Tuple'} {{ {shown or ':'} }}"
        case tuple() | list():
            return "{ " + ", ".join(map(to_cql, value)) + " }" if value else "{ }"
    raise TypeError(f"{type(value).__name__} is not a kind of CQL value")


def _temporal_literal(value: Temporal) -> str:
    if isinstance(value, Time):
        return f"@T{iso_text(value)}"
    if isinstance(value, DateTime) and value.rank < HOUR:
        return f"@{iso_text(value)}T"
    return f"@{iso_text(value)}"


def _instance(type_name: str, **elements: Any) -> str:
    shown = ", ".join(f"{name}: {to_cql(element)}" for name, element in elements.items() if element is not None)
    return f"{type_name} {{ {shown} }}"
