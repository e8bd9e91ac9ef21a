"""Values as values of another System type (CQL reference, type operators; ELM chapter 22).

A value that cannot be converted gives null, never an error. The functions take any value, because they serve the
operators `ToX`, `ConvertsToX`, `Convert` and `CanConvert`; a value that has the type already is returned as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeVar

from ecqm.operators.numeric import EXACT, in_decimal, in_integer, in_long
from ecqm.operators.quantities import divide_quantities
from ecqm.values import (
    Code,
    Concept,
    CqlError,
    Date,
    DateTime,
    Long,
    Quantity,
    Ratio,
    Time,
    Uncertainty,
)
from ecqm.values.numbers import decimal_text
from ecqm.values.text import iso_text, parse_date, parse_datetime, parse_time
from ecqm.values.units import is_known

_TRUE = frozenset({"true", "t", "yes", "y", "1"})
_FALSE = frozenset({"false", "f", "no", "n", "0"})
_WHOLE = re.compile(r"[+-]?[0-9]+")
_NUMBER = r"[+-]?[0-9]+(?:\.[0-9]+)?"
_DECIMAL = re.compile(_NUMBER)
_QUANTITY = re.compile(rf"({_NUMBER})(?:\s*'([^']*)')?")
_RATIO = re.compile(rf"({_NUMBER}(?:\s*'[^']*')?):({_NUMBER}(?:\s*'[^']*')?)")
_TIMEZONE = re.compile(r"(?:Z|[+-][0-9]{2}:[0-9]{2})$")


def to_boolean(value: Any) -> bool | None:
    """From true, t, yes, y, 1, false, f, no, n and 0 in any case, and from the numbers 1 and 0."""
    match value:
        case bool():
            return value
        case str():
            word = value.lower()
            return True if word in _TRUE else False if word in _FALSE else None
        case int() | Decimal():
            return True if value == 1 else False if value == 0 else None
    return None


def to_integer(value: Any) -> int | Uncertainty | None:
    """From digits with an optional sign, from Booleans (1 and 0), and from a Long in the range of Integer."""
    if isinstance(value, Uncertainty):
        return value
    whole = _whole_number(value)
    return None if whole is None else in_integer(whole)


def to_long(value: Any) -> Long | Uncertainty | None:
    """From digits with an optional sign, from Booleans (1 and 0), and from any Integer."""
    if isinstance(value, Uncertainty):
        return value
    whole = _whole_number(value)
    return None if whole is None else in_long(whole)


def _whole_number(value: Any) -> int | None:
    match value:
        case bool() | int():
            return int(value)
        case str() if _WHOLE.fullmatch(value):
            # By way of Decimal, which is not limited in the number of digits it reads.
            number = in_decimal(EXACT.create_decimal(value))
            return None if number is None else int(number)
    return None


def to_decimal(value: Any) -> Decimal | Uncertainty | None:
    """From digits with an optional sign and fraction, from Booleans (1.0 and 0.0), and from any Integer or Long."""
    match value:
        case Uncertainty() | Decimal():
            return value
        case bool():
            return Decimal("1.0") if value else Decimal("0.0")
        case int():
            return Decimal(value)
        case str() if _DECIMAL.fullmatch(value):
            return in_decimal(EXACT.create_decimal(value))
    return None


def to_quantity(value: Any) -> Quantity | None:
    """From a number with an optional unit in quotes, from a number (with unit 1), and from a ratio (its quotient)."""
    match value:
        case Quantity():
            return value
        case bool() | Uncertainty():
            return None
        case int() | Decimal():
            return Quantity(Decimal(value))
        case Ratio(numerator, denominator):
            return divide_quantities(numerator, denominator)
        case str():
            return _read_quantity(value)
    return None


def to_ratio(value: Any) -> Ratio | None:
    """From two quantities with a colon between them."""
    match value:
        case Ratio():
            return value
        case str() if parts := _RATIO.fullmatch(value):
            numerator, denominator = _read_quantity(parts[1]), _read_quantity(parts[2])
            return Ratio(numerator, denominator) if numerator and denominator else None
    return None


def to_string(value: Any) -> str | None:
    """The text of a value, in the format that the conversion from String reads."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int():
            return str(int(value))
        case Decimal():
            return decimal_text(value)
        case Quantity():
            return f"{value.value:f} '{value.unit}'"
        case Ratio():
            return f"{to_string(value.numerator)}:{to_string(value.denominator)}"
        case Date() | DateTime() | Time():
            text = iso_text(value)
            return f"{text[:-1]}+00:00" if text.endswith("Z") else text
    return None


def to_date(value: Any) -> Date | None:
    """From an ISO 8601 date or date-time of any precision, and from a DateTime; the time is dropped."""
    match value:
        case Date():
            return value
        case DateTime():
            return value.date()
        case str():
            return _read(parse_date, value.partition("T")[0]) if to_datetime(value) else None
    return None


def to_datetime(value: Any) -> DateTime | None:
    """From an ISO 8601 date-time of any precision, and from a Date, with the time unspecified."""
    match value:
        case DateTime():
            return value
        case Date():
            return DateTime(*value.fields)
        case str():
            return _read(parse_datetime, value)
    return None


def to_time(value: Any) -> Time | None:
    """From an ISO 8601 time of day of any precision; a leading T is accepted, and a timezone offset ignored."""
    match value:
        case Time():
            return value
        case str():
            return _read(parse_time, _TIMEZONE.sub("", value))
    return None


def to_concept(value: Any) -> Concept | None:
    """From a code, with its display, or from a list of codes."""
    match value:
        case Concept():
            return value
        case Code():
            return Concept((value,), value.display)
        case tuple() | list() if all(code is None or isinstance(code, Code) for code in value):
            return Concept(tuple(value))
    return None


def to_codes(value: Any) -> tuple[Code | None, ...] | None:
    """The codes of a concept."""
    match value:
        case Concept():
            return value.codes
        case tuple() | list() if all(code is None or isinstance(code, Code) for code in value):
            return tuple(value)
    return None


_Value = TypeVar("_Value")


def _read(parse: Callable[[str], _Value], text: str) -> _Value | None:
    """`parse(text)`, None if it is malformed; unlike a literal, the text must not start with @."""
    if text.startswith("@"):
        return None
    try:
        return parse(text)
    except CqlError:
        return None


def _read_quantity(text: str) -> Quantity | None:
    parts = _QUANTITY.fullmatch(text)
    value = in_decimal(EXACT.create_decimal(parts[1])) if parts else None
    if parts is None or value is None:
        return None
    unit = parts[2]
    if unit is None:
        return Quantity(value)
    return Quantity(value, unit) if is_known(unit) else None
