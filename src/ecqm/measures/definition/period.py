"""The measurement period of a run."""

from __future__ import annotations

import re
from calendar import monthrange

from ecqm.measures.definition import Measure, MeasureError
from ecqm.values import CqlError, DateTime, Interval

_YEAR = re.compile(r"\d{4}")
_DAY = re.compile(
    r"(\d{4})(?:-(\d{2})(?:-(\d{2})(?:T(\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,3})\d*)?)?)?(Z|[+-]\d{2}:\d{2})?)?)?"
)


def measurement_period(measure: Measure, stated: tuple[str | None, str | None] = (None, None)) -> Interval:
    """The period as a closed interval of DateTimes: the stated one, otherwise the measure's effective period.

    A day, a month or a year stands for all of it: the period starts with the first millisecond of its first day and
    ends with the last one of its last. Raises MeasureError if the period is missing or invalid.
    """
    start, end = (own or effective for own, effective in zip(stated, measure.period, strict=True))
    if not start or not end:
        raise MeasureError(f"measure {measure.name} has no effective period: state one, as 2026-01-01/2026-12-31")
    return closed_period(start, end)


def closed_period(start: str, end: str) -> Interval:
    """The period from the first moment of `start` to the last of `end`. Raises MeasureError."""
    low, high = _instant(start, False), _instant(end, True)
    if low.ordinal() > high.ordinal():
        raise MeasureError(f"the period {start}/{end} ends before it starts")
    return Interval(low, high)


def parse_period(text: str) -> tuple[str, str]:
    """`START/END` as the two texts; of a year alone, as 2026, it is both. Raises MeasureError."""
    start, _, end = (text, "/", text) if _YEAR.fullmatch(text) else text.partition("/")
    if not _DAY.fullmatch(start) or not _DAY.fullmatch(end):
        raise MeasureError(f"{text!r} is not a period: write it as 2026-01-01/2026-12-31, or as a year, 2026")
    closed_period(start, end)
    return start, end


def _instant(text: str, is_end: bool) -> DateTime:
    match = _DAY.fullmatch(text)
    if match is None:
        raise MeasureError(f"{text!r} cannot be the start or end of a measurement period: no date")
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    offset = None
    if zone:
        sign = -1 if zone[0] == "-" else 1
        offset = 0 if zone == "Z" else sign * (int(zone[1:3]) * 60 + int(zone[4:6]))
    at_month = int(month or (12 if is_end else 1))
    last_day = monthrange(int(year), at_month)[1] if 1 <= at_month <= 12 else 31
    date = int(year), at_month, int(day or (last_day if is_end else 1))
    if hour is None:
        clock = (23, 59, 59, 999) if is_end else (0, 0, 0, 0)
    else:
        clock = (int(hour), int(minute), int(second or 0), int((fraction or "0").ljust(3, "0")))
    try:
        return DateTime(*date, *clock, offset)
    except CqlError as error:
        raise MeasureError(f"{text!r} cannot be the start or end of a measurement period: {error}") from error
