"""The values that literals denote, checked against what CQL can represent (Author's Guide, Values)."""

from __future__ import annotations

import re
from decimal import Decimal

from ecqm.language.diagnostics import CqlError

INTEGER_LIMIT = 2**31
LONG_LIMIT = 2**63
DECIMAL_LIMIT = Decimal("99999999999999999999.99999999")
DECIMAL_PLACES = 8
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "f": "\f", "\\": "\\", "/": "/", "'": "'", '"': '"', "`": "`"}
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_TEMPORAL = re.compile(
    r"@(?:(\d{4})(?:-(\d\d)(?:-(\d\d))?)?)?(T)?(?:(\d\d)(?::(\d\d)(?::(\d\d)(?:\.(\d+))?)?)?)?(Z|[+-]\d\d:\d\d)?"
)


def unescape(text: str) -> str:
    """The content of a quoted text or name, its quotes removed and its escapes replaced."""
    content = text[1:-1]
    if "\\" not in content:
        return content

    def replaced(match: re.Match[str]) -> str:
        escape = match.group(1)
        if escape[0] == "u" and len(escape) == 5:
            return chr(int(escape[1:], 16))
        return _ESCAPES.get(escape, escape)

    return _ESCAPE.sub(replaced, content)


def check_integer(text: str, context: object, *, negated: bool = False) -> None:
    """An Integer literal lies within 32 bits; 2147483648 only as the operand of a minus."""
    if int(text) >= INTEGER_LIMIT + negated:
        raise CqlError(f"{text} is beyond the largest Integer, {INTEGER_LIMIT - 1}", context)


def check_long(text: str, context: object, *, negated: bool = False) -> None:
    """A Long literal (without its L) lies within 64 bits."""
    if int(text) >= LONG_LIMIT + negated:
        raise CqlError(f"{text}L is beyond the largest Long, {LONG_LIMIT - 1}L", context)


def check_decimal(text: str, context: object) -> None:
    """A Decimal literal has at most 28 digits, 8 of them after the point."""
    _, _, fraction = text.partition(".")
    if len(fraction) > DECIMAL_PLACES:
        raise CqlError(f"{text} has more than {DECIMAL_PLACES} decimal places", context)
    check_magnitude(text, context)


def check_magnitude(text: str, context: object) -> None:
    """The value of a quantity is not beyond the largest Decimal; its decimal places are not limited to those."""
    if Decimal(text) > DECIMAL_LIMIT:
        raise CqlError(f"{text} is beyond the largest Decimal, {DECIMAL_LIMIT}", context)


def temporal_parts(text: str, context: object) -> tuple[list[int], list[int], Decimal | None]:
    """A date, time or date and time literal as (date parts, time parts, offset in hours), each part in its range."""
    match = _TEMPORAL.fullmatch(text)
    assert match is not None, text
    year, month, day, _, hour, minute, second, fraction, zone = match.groups()
    date = _numbers(year, month, day)
    millisecond = None if fraction is None else fraction[:3].ljust(3, "0")
    time = _numbers(hour, minute, second, millisecond)
    for value, name, low, high in (
        *zip(date, ("year", "month", "day"), (1, 1, 1), (9999, 12, 31), strict=False),
        *zip(time, ("hour", "minute", "second"), (0, 0, 0), (23, 59, 59), strict=False),
    ):
        if not low <= value <= high:
            raise CqlError(f"{text}: there is no {name} {value}", context)
    if len(date) == 3 and date[2] > _days_in_month(date[0], date[1]):
        raise CqlError(f"{text}: there is no day {date[2]} in that month", context)
    return date, time, None if zone is None else _offset(zone)


def _numbers(*parts: str | None) -> list[int]:
    return [int(part) for part in parts if part is not None]


def _days_in_month(year: int, month: int) -> int:
    if month == 2:
        leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
        return 29 if leap else 28
    return 30 if month in (4, 6, 9, 11) else 31


def _offset(zone: str) -> Decimal:
    if zone == "Z":
        return Decimal("0.0")
    hours, minutes = zone[1:].split(":")
    offset = Decimal(int(hours)) + Decimal(int(minutes)) / 60
    return -offset if zone[0] == "-" else offset
