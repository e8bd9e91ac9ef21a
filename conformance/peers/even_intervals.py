"""Intervals in plain values (plain_values.py) written by their first and last points.

[1, 4) and [1, 3] are the same interval, and so are [null, 3] and one from the minimum of the point type to 3: engines
choose differently between them.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

_EXTREMES: dict[str, tuple[Decimal, Decimal]] = {
    "Integer": (Decimal(-(2**31)), Decimal(2**31 - 1)),
    "Long": (Decimal(-(2**63)), Decimal(2**63 - 1)),
    "Decimal": (Decimal(-(10**28 - 1)).scaleb(-8), Decimal(10**28 - 1).scaleb(-8)),
    "Quantity": (Decimal(-(10**28 - 1)).scaleb(-8), Decimal(10**28 - 1).scaleb(-8)),
    "Date": (Decimal(date.min.toordinal()), Decimal(date.max.toordinal())),
    "DateTime": (Decimal(0), Decimal((datetime.max - datetime.min).days * 86_400_000 + 86_399_999)),
    "Time": (Decimal(0), Decimal(86_399_999)),
}
_STEPS = {"Decimal": Decimal("0.00000001"), "Quantity": Decimal("0.00000001")}


def even(value: Any, type_: str) -> Any:
    """A plain value of a CQL type with its intervals evened out; any other value as it is."""
    if isinstance(value, list) and type_.startswith("List<"):
        return [even(each, type_[len("List<") : -1]) for each in value]
    if not isinstance(value, dict) or "closed" not in value or not type_.startswith("Interval<"):
        return value
    point = type_[len("Interval<") : -1]
    low_closed, high_closed = value["closed"]
    return [_bound(value["low"], low_closed, point, 0), _bound(value["high"], high_closed, point, 1)]


def _bound(text: str | None, closed: bool, type_: str, side: int) -> Any:
    """The first (`side` 0) or last point, and its unit: the boundary if it is closed, else the point next to it."""
    if text is None:
        return ("minimum", "maximum")[side] if closed else None
    number, unit = _number(text, type_)
    if number is None:
        return [text, closed]
    if not closed:
        number += _STEPS.get(type_, Decimal(1)) * (1 - 2 * side)
    return ("minimum", "maximum")[side] if number == _EXTREMES[type_][side] else f"{number.normalize():f} {unit}"


def _number(text: str, type_: str) -> tuple[Decimal | None, str]:
    """A point as a number; None for dates and times that are not exact."""
    if type_ == "Date":
        fields = [int(field) for field in text.removeprefix("@").split(".")]
        return (Decimal(date(*fields).toordinal()), "") if len(fields) == 3 else (None, "")
    if type_ == "DateTime":
        if "T" not in text:
            return None, ""
        since = datetime.fromisoformat(text[1:-1]) - datetime.min
        return Decimal(since.days * 86_400_000 + since.seconds * 1000 + since.microseconds // 1000), ""
    if type_ == "Time":
        hour, minute, second = [*text.removeprefix("T").split(":"), "", ""][:3]
        exact = "." in second
        return (Decimal((int(hour) * 60 + int(minute)) * 60_000) + Decimal(second) * 1000 if exact else None), ""
    number, _, unit = text.partition(" ")
    return Decimal(number), unit
