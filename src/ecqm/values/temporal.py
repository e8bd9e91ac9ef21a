"""Date, DateTime and Time, each with its precision (CQL reference, System types).

A value holds only the components that were specified, most significant first. It may stand for every value from `low()`
to `high()`. Python's `==` compares components; equality as CQL defines it is `ecqm.values.equality.equal`.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import date as calendar_date
from typing import ClassVar, Self

from ecqm.values.context import request_offset
from ecqm.values.errors import CqlError, OutsideCalendar

PRECISIONS = ("year", "month", "day", "hour", "minute", "second", "millisecond")
# Ranks: the places of the precisions in PRECISIONS.
YEAR, MONTH, DAY, HOUR, MINUTE, SECOND, MILLISECOND = range(7)

MILLISECONDS_PER_DAY = 86_400_000
MILLISECONDS_PER_MINUTE = 60_000
# The largest timezone offset that there is, in minutes.
LARGEST_OFFSET = 14 * 60
# The least and the greatest value of each component, by rank; the last day of a month is often less.
MINIMA = (1, 1, 1, 0, 0, 0, 0)
MAXIMA = (9999, 12, 31, 23, 59, 59, 999)


def precision_index(precision: str) -> int:
    """The rank of a precision, 0 for year, by its singular or plural name. Raises CqlError for other names."""
    singular = precision.lower().removesuffix("s")
    if singular not in PRECISIONS:
        raise CqlError(f"{precision!r} is not a precision of dates and times")
    return PRECISIONS.index(singular)


class Temporal:
    """Base class of Date, DateTime and Time: consecutive components, of which the first has the rank FIRST and the last
    at most LAST."""

    __slots__ = ("_fields",)

    FIRST: ClassVar[int] = YEAR
    LAST: ClassVar[int] = MILLISECOND

    _fields: tuple[int, ...]

    def __init__(self, components: tuple[int | None, ...]) -> None:
        known = tuple(component for component in components if component is not None)
        if not known or None in components[: len(known)]:
            raise CqlError(f"{type(self).__name__}{components} has a component without the one above it")
        for rank, component in enumerate(known, self.FIRST):
            highest = MAXIMA[rank]
            if rank == DAY and component > 28 and 1 <= known[1] <= 12:
                highest = monthrange(known[0], known[1])[1]
            if not MINIMA[rank] <= component <= highest:
                place = f" in {known[0]:04}-{known[1]:02}" if rank == DAY else ""
                raise CqlError(f"there is no {PRECISIONS[rank]} {component}{place}")
        object.__setattr__(self, "_fields", known)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is immutable")

    def __reduce__(self) -> tuple[type[Self], tuple[int | None, ...]]:
        return type(self), self._arguments()

    def _arguments(self) -> tuple[int | None, ...]:
        return self._fields

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._arguments() == other._arguments()

    def __hash__(self) -> int:
        return hash((type(self).__name__, self._arguments()))

    @property
    def fields(self) -> tuple[int, ...]:
        """The specified components, most significant first."""
        return self._fields

    @property
    def precision(self) -> str:
        """The name of the least significant component specified."""
        return PRECISIONS[self.rank]

    @property
    def rank(self) -> int:
        """The precision as an index into PRECISIONS."""
        return self.FIRST + len(self._fields) - 1

    def component(self, precision: str) -> int | None:
        """One component by name; None if it is not specified."""
        at = precision_index(precision) - self.FIRST
        return self._fields[at] if 0 <= at < len(self._fields) else None

    def replace_fields(self, fields: tuple[int, ...]) -> Self:
        """A value of the same type and timezone offset with other components."""
        raise NotImplementedError

    def truncated(self, precision: str) -> Self:
        """The value without the components finer than `precision`."""
        return self.replace_fields(self._fields[: max(1, precision_index(precision) - self.FIRST + 1)])

    def low(self, precision: str | None = None) -> Self:
        """The earliest value this one may stand for, down to `precision` (by default the finest of the type)."""
        return self._filled(MINIMA, precision)

    def high(self, precision: str | None = None) -> Self:
        """The latest value this one may stand for, down to `precision` (by default the finest of the type)."""
        return self._filled(MAXIMA, precision)

    def _filled(self, bounds: tuple[int, ...], precision: str | None) -> Self:
        last = self.LAST if precision is None else min(self.LAST, precision_index(precision))
        fields = list(self._fields[: last - self.FIRST + 1])
        for rank in range(self.FIRST + len(fields), last + 1):
            bound = bounds[rank]
            fields.append(min(bound, monthrange(fields[0], fields[1])[1]) if rank == DAY else bound)
        return self.replace_fields(tuple(fields))

    def ordinal(self) -> int:
        """The number of the earliest value this one may stand for, counted in the finest unit of the type."""
        raise NotImplementedError

    @classmethod
    def from_ordinal(cls, ordinal: int) -> Self:
        """The value of the finest precision with this ordinal. Raises CqlError outside the range of the type."""
        raise NotImplementedError


def _day_number(fields: tuple[int, ...]) -> int:
    return calendar_date(fields[0], fields[1], fields[2]).toordinal()


def _date_fields(day_number: int) -> tuple[int, int, int]:
    try:
        day = calendar_date.fromordinal(day_number)
    except (ValueError, OverflowError):
        raise OutsideCalendar("the date lies outside the years 0001 to 9999") from None
    return day.year, day.month, day.day


def _clock_milliseconds(fields: tuple[int, ...]) -> int:
    hour, minute, second, millisecond = fields
    return ((hour * 60 + minute) * 60 + second) * 1000 + millisecond


def _clock_fields(milliseconds: int) -> tuple[int, int, int, int]:
    seconds, millisecond = divmod(milliseconds, 1000)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    return hour, minute, second, millisecond


class Date(Temporal):
    """A calendar date with the precision of year, month or day. Its ordinal counts days; 0001-01-01 is 1."""

    __slots__ = ()

    LAST: ClassVar[int] = DAY

    def __init__(self, year: int, month: int | None = None, day: int | None = None) -> None:
        super().__init__((year, month, day))

    def __repr__(self) -> str:
        return f"Date({', '.join(map(str, self._fields))})"

    def replace_fields(self, fields: tuple[int, ...]) -> Self:
        return type(self)(*fields)

    def ordinal(self) -> int:
        return _day_number(self.low().fields)

    @classmethod
    def from_ordinal(cls, ordinal: int) -> Self:
        return cls(*_date_fields(ordinal))


class DateTime(Temporal):
    """A local date and time with its timezone offset, in minutes east of UTC; None stands for the offset of the
    evaluation request. Its ordinal counts milliseconds of local time; that of 0001-01-01T00:00 is 86 400 000."""

    __slots__ = ("_offset",)

    _offset: int | None

    def __init__(
        self,
        year: int,
        month: int | None = None,
        day: int | None = None,
        hour: int | None = None,
        minute: int | None = None,
        second: int | None = None,
        millisecond: int | None = None,
        offset: int | None = None,
    ) -> None:
        super().__init__((year, month, day, hour, minute, second, millisecond))
        if offset is not None and abs(offset) > LARGEST_OFFSET:
            raise CqlError(f"{offset} minutes is not a timezone offset (14 hours at most)")
        object.__setattr__(self, "_offset", offset)

    def _arguments(self) -> tuple[int | None, ...]:
        return (*self._fields, *(None,) * (7 - len(self._fields)), self._offset)

    def __repr__(self) -> str:
        offset = "" if self._offset is None else f", offset={self._offset}"
        return f"DateTime({', '.join(map(str, self._fields))}{offset})"

    @property
    def offset(self) -> int | None:
        """Minutes east of UTC; None stands for the offset of the evaluation request."""
        return self._offset

    @property
    def effective_offset(self) -> int:
        """Minutes east of UTC; the offset of the request if the value has none of its own."""
        return request_offset() if self._offset is None else self._offset

    @classmethod
    def from_fields(cls, fields: tuple[int, ...], offset: int | None = None) -> Self:
        """A DateTime from its components, most significant first."""
        rest: tuple[int | None, ...] = (*fields[1:], *(None,) * (7 - len(fields)), offset)
        return cls(fields[0], *rest)

    def replace_fields(self, fields: tuple[int, ...]) -> Self:
        return self.from_fields(fields, self._offset)

    def at_offset(self, offset: int) -> Self:
        """The same instant as local time at another offset, with the same precision.

        A value without hours has no time of day to convert and keeps its components; a result beyond the minimum or
        maximum DateTime is replaced by it."""
        shift = offset - self.effective_offset
        fields = self._fields
        if shift and self.rank >= HOUR:
            moved = self.ordinal() + shift * MILLISECONDS_PER_MINUTE
            within = max(MIN_DATETIME.ordinal(), min(moved, MAX_DATETIME.ordinal()))
            fields = self.from_ordinal(within).fields[: len(fields)]
        return self.from_fields(fields, offset)

    def ordinal(self) -> int:
        fields = self.low().fields
        return _day_number(fields) * MILLISECONDS_PER_DAY + _clock_milliseconds(fields[3:])

    @classmethod
    def from_ordinal(cls, ordinal: int) -> Self:
        day_number, milliseconds = divmod(ordinal, MILLISECONDS_PER_DAY)
        return cls(*_date_fields(day_number), *_clock_fields(milliseconds))

    def date(self) -> Date:
        """The date part, at most to the day."""
        return Date(*self._fields[:3])

    def time(self) -> Time | None:
        """The time of day; None if no hour is specified."""
        return Time(*self._fields[HOUR:]) if self.rank >= HOUR else None


class Time(Temporal):
    """A time of day with the precision of hour, minute, second or millisecond. Its ordinal counts milliseconds."""

    __slots__ = ()

    FIRST: ClassVar[int] = HOUR

    def __init__(
        self, hour: int, minute: int | None = None, second: int | None = None, millisecond: int | None = None
    ) -> None:
        super().__init__((hour, minute, second, millisecond))

    def __repr__(self) -> str:
        return f"Time({', '.join(map(str, self._fields))})"

    def replace_fields(self, fields: tuple[int, ...]) -> Self:
        return type(self)(*fields)

    def ordinal(self) -> int:
        return _clock_milliseconds(self.low().fields)

    @classmethod
    def from_ordinal(cls, ordinal: int) -> Self:
        if not 0 <= ordinal < MILLISECONDS_PER_DAY:
            raise CqlError("the time of day lies outside 00:00 to 24:00")
        return cls(*_clock_fields(ordinal))


MIN_DATE, MAX_DATE = Date(1, 1, 1), Date(9999, 12, 31)
MIN_DATETIME, MAX_DATETIME = DateTime(1, 1, 1, 0, 0, 0, 0), DateTime(9999, 12, 31, 23, 59, 59, 999)
MIN_TIME, MAX_TIME = Time(0, 0, 0, 0), Time(23, 59, 59, 999)
