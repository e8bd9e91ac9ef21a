"""The values of literals, checked against the ranges of CQL's types (Author's Guide, Values)."""

from __future__ import annotations

import re
from decimal import Decimal

from ecqm.language.diagnostics import TranslationError
from ecqm.values import CqlError, Date, DateTime, Time
from ecqm.values.numbers import DECIMAL_PLACES, MAX_DECIMAL, MAX_INTEGER, MAX_LONG
from ecqm.values.text import parse_date, parse_datetime, parse_time
from ecqm.values.units import is_known

# What stands for bytes that are not UTF-8 (`sources.read_source`).
_REPLACED = "\N{REPLACEMENT CHARACTER}"
# How much of a literal messages show.
_SHOWN = 40
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "f": "\f", "\\": "\\", "/": "/", "'": "'", '"': '"', "`": "`"}
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)


def unescape(text: str, context: object) -> str:
    """The content of a quoted string or name, without quotes and with escapes replaced.

    Two escapes of UTF-16 are one character beyond U+FFFF. Raises TranslationError for one without the other,
    and for what was not UTF-8.
    """
    content = text[1:-1]
    if _REPLACED in content:
        raise TranslationError(f"{abridged(text)} is not UTF-8 in the file", context)
    if "\\" not in content:
        return content

    def replaced(match: re.Match[str]) -> str:
        escape = match.group(1)
        if escape[0] == "u" and len(escape) == 5:
            return chr(int(escape[1:], 16))
        return _ESCAPES.get(escape, escape)

    unescaped = _ESCAPE.sub(replaced, content)
    try:
        return unescaped.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        raise TranslationError(f"{abridged(text)} has one half of a character of UTF-16", context) from None


def abridged(text: str) -> str:
    """A literal as messages show it."""
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def check_integer(text: str, context: object, *, negated: bool = False) -> None:
    """Check that an Integer literal fits 32 bits; 2147483648 does only after a minus."""
    if Decimal(text) > MAX_INTEGER + negated:
        raise TranslationError(f"{abridged(text)} exceeds the largest Integer, {MAX_INTEGER}", context)


def check_long(text: str, context: object, *, negated: bool = False) -> None:
    """Check that a Long literal (given without its L) fits 64 bits."""
    if Decimal(text) > MAX_LONG + negated:
        raise TranslationError(f"{abridged(text)}L exceeds the largest Long, {MAX_LONG}L", context)


def check_decimal(text: str, context: object) -> None:
    """Check that a Decimal literal has at most 28 digits, 8 of them after the decimal point."""
    _, _, fraction = text.partition(".")
    if len(fraction) > DECIMAL_PLACES:
        raise TranslationError(f"{abridged(text)} has more than {DECIMAL_PLACES} decimal places", context)
    check_magnitude(text, context)


def check_magnitude(text: str, context: object) -> None:
    """Check that the value of a quantity does not exceed the largest Decimal; decimal places are not limited."""
    if Decimal(text) > MAX_DECIMAL:
        raise TranslationError(f"{abridged(text)} exceeds the largest Decimal, {MAX_DECIMAL}", context)


def check_unit(unit: str, context: object) -> None:
    """Check that a unit is one of UCUM or a calendar duration (Author's Guide, Quantities). No unit is 1."""
    if unit and not is_known(unit):
        raise TranslationError(f"{unit!r} is not a unit of UCUM", context)


def temporal(text: str, context: object) -> Date | DateTime | Time:
    """The value of a Date, DateTime or Time literal. Raises TranslationError if there is no such date or time."""
    try:
        if text.startswith("@T"):
            return parse_time(text)
        return parse_datetime(text) if "T" in text else parse_date(text)
    except CqlError as error:
        raise TranslationError(str(error), context) from None
