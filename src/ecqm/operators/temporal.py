"""Date and time operators (CQL reference, Date and Time Operators; ELM chapter 18), and the overloads on dates and
times of operators that other modules declare as well (Add, SameAs, Before, …)."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any, TypeVar

from ecqm.operators.logical import Boolean
from ecqm.operators.registry import NONE, operator, overload
from ecqm.values import calendar, steps
from ecqm.values.context import EvaluationContext
from ecqm.values.errors import CqlError, OutsideCalendar
from ecqm.values.interval import Uncertainty
from ecqm.values.numbers import to_decimal
from ecqm.values.ordering import at_most, less, same
from ecqm.values.quantity import Quantity
from ecqm.values.temporal import Date, DateTime, Temporal, Time

Point = TypeVar("Point", bound=Temporal)

_TEMPORAL = ("Date", "DateTime", "Time")
_PAIRS = tuple(f"({name}, {name}) -> Boolean" for name in _TEMPORAL)
_COUNTS = tuple(f"({name}, {name}) -> Integer" for name in _TEMPORAL)
_MOVES = tuple(f"({name}, Quantity) -> {name}" for name in _TEMPORAL)
_STEPS = tuple(f"({name}) -> {name}" for name in _TEMPORAL)


def _require_precision(precision: str | None) -> str:
    if precision is None:
        raise CqlError("a precision is required")
    return precision


@operator("Now", spec="elm:18.13")
class Now:
    """The timestamp of the evaluation request."""

    @overload("() -> DateTime")
    def request(*, context: EvaluationContext) -> DateTime:
        return context.now


@operator("Today", spec="elm:18.22")
class Today:
    """The date of the evaluation request."""

    @overload("() -> Date")
    def request(*, context: EvaluationContext) -> Date:
        return context.now.date()


@operator("TimeOfDay", spec="elm:18.21")
class TimeOfDay:
    """The time of day of the evaluation request."""

    @overload("() -> Time")
    def request(*, context: EvaluationContext) -> Time | None:
        return context.now.time()


@operator("Date", spec="elm:18.3")
class DateSelector:
    """A date from a year, month and day, of which the last ones may be missing or null; null if the year is."""

    @overload(
        "(Integer) -> Date",
        "(Integer, Integer) -> Date",
        "(Integer, Integer, Integer) -> Date",
        nulls=NONE,
        may_raise=True,
    )
    def components(*components: int | None) -> Date | None:
        known = _known_components(components)
        return Date(*known) if known else None


@operator("DateTime", spec="elm:18.5")
class DateTimeSelector:
    """A DateTime from its components, of which the last ones may be missing or null; null if the year is. The timezone
    offset, an eighth operand, is in hours."""

    @overload(
        *(f"({', '.join(['Integer'] * count)}) -> DateTime" for count in range(1, 8)),
        nulls=NONE,
        may_raise=True,
    )
    def local(*components: int | None) -> DateTime | None:
        known = _known_components(components)
        return DateTime.from_fields(known) if known else None

    @overload(
        f"({', '.join(['Integer'] * 7)}, Decimal) -> DateTime",
        nulls=NONE,
        may_raise=True,
    )
    def at_offset(*components: Any) -> DateTime | None:
        *fields, hours = components
        known = _known_components(tuple(fields))
        if not known:
            return None
        return DateTime.from_fields(known, None if hours is None else round(hours * 60))


@operator("Time", spec="elm:18.18")
class TimeSelector:
    """A Time from an hour, minute, second and millisecond, of which the last ones may be missing or null; null if the
    hour is."""

    @overload(
        *(f"({', '.join(['Integer'] * count)}) -> Time" for count in range(1, 5)),
        nulls=NONE,
        may_raise=True,
    )
    def components(*components: int | None) -> Time | None:
        known = _known_components(components)
        return Time(*known) if known else None


def _known_components(components: tuple[int | None, ...]) -> tuple[int, ...]:
    """The components before the first null. Raises CqlError if a component follows a null."""
    if components[0] is None:
        return ()
    known = tuple(component for component in components if component is not None)
    if known != components[: len(known)]:
        raise CqlError("a component of a date or time is given without the one above it")
    return known


@operator("DateFrom", spec="elm:18.4")
class DateFrom:
    """The date of a DateTime, to its precision."""

    @overload("(DateTime) -> Date")
    def datetime(a: DateTime) -> Date:
        return a.date()

    @overload("(Date) -> Date")
    def date(a: Date) -> Date:
        return a


@operator("TimeFrom", spec="elm:18.19")
class TimeFrom:
    """The time of day of a DateTime at the offset of the request; null if it has no hour."""

    @overload("(DateTime) -> Time")
    def datetime(a: DateTime, *, context: EvaluationContext) -> Time | None:
        return a.at_offset(context.offset_minutes).time()


def offset_in_hours(moment: DateTime) -> Decimal:
    """The timezone offset of a DateTime in hours."""
    return to_decimal(Fraction(moment.effective_offset, 60))


@operator("TimezoneOffsetFrom", spec="elm:18.20")
class TimezoneOffsetFrom:
    """The timezone offset of a DateTime in hours; that of the request if it has none of its own."""

    datetime = overload("(DateTime) -> Decimal")(offset_in_hours)


@operator("TimezoneFrom", spec="elm:18.20")
class TimezoneFrom:
    """The name of TimezoneOffsetFrom before CQL 1.3."""

    datetime = overload("(DateTime) -> Decimal")(offset_in_hours)


@operator("DateTimeComponentFrom", spec="elm:18.6")
class DateTimeComponentFrom:
    """One component, named by `precision` (year to millisecond); null if it is not specified."""

    @overload("(DateTime) -> Integer", "(Date) -> Integer", "(Time) -> Integer")
    def temporal(a: Temporal, *, precision: str | None = None) -> int | None:
        return a.component(_require_precision(precision))


@operator("SameAs", spec="elm:18.14")
class SameAs:
    """Whether two dates or times are the same down to `precision` (by default the finest of either)."""

    @overload(*_PAIRS)
    def temporal(a: Temporal, b: Temporal, *, precision: str | None = None) -> Boolean:
        return same(a, b, precision)


@operator("SameOrBefore", spec="elm:18.15")
class SameOrBefore:
    """Whether the first date or time is the same as the second or before it, down to `precision`."""

    @overload(*_PAIRS)
    def temporal(a: Temporal, b: Temporal, *, precision: str | None = None) -> Boolean:
        return at_most(a, b, precision)


@operator("SameOrAfter", spec="elm:18.16")
class SameOrAfter:
    """Whether the first date or time is the same as the second or after it, down to `precision`."""

    @overload(*_PAIRS)
    def temporal(a: Temporal, b: Temporal, *, precision: str | None = None) -> Boolean:
        return at_most(b, a, precision)


@operator("Before", spec="elm:19.3")
class Before:
    """Whether the first date or time is before the second, down to `precision`."""

    @overload(*_PAIRS)
    def temporal(a: Temporal, b: Temporal, *, precision: str | None = None) -> Boolean:
        return less(a, b, precision)


@operator("After", spec="elm:19.2")
class After:
    """Whether the first date or time is after the second, down to `precision`."""

    @overload(*_PAIRS)
    def temporal(a: Temporal, b: Temporal, *, precision: str | None = None) -> Boolean:
        return less(b, a, precision)


@operator("DurationBetween", spec="elm:18.9")
class DurationBetween:
    """Whole periods of `precision` from the first operand to the second; uncertain if the precision of the operands
    leaves it open."""

    @overload(*_COUNTS)
    def temporal(a: Temporal, b: Temporal, *, precision: str | None = None) -> int | Uncertainty:
        return calendar.duration_between(a, b, _require_precision(precision))


@operator("DifferenceBetween", spec="elm:18.8")
class DifferenceBetween:
    """Boundaries of `precision` crossed from the first operand to the second; uncertain if the precision of the
    operands leaves it open."""

    @overload(*_COUNTS)
    def temporal(a: Temporal, b: Temporal, *, precision: str | None = None) -> int | Uncertainty:
        return calendar.difference_between(a, b, _require_precision(precision))


@operator("Add", spec="elm:16.2")
class Add:
    """A date or time plus a duration, by calendar arithmetic."""

    @overload(*_MOVES)
    def temporal(a: Point, amount: Quantity) -> Point | None:
        return _moved(a, amount.value, amount.unit)


@operator("Subtract", spec="elm:16.20")
class Subtract:
    """A date or time minus a duration, by calendar arithmetic."""

    @overload(*_MOVES)
    def temporal(a: Point, amount: Quantity) -> Point | None:
        return _moved(a, -amount.value, amount.unit)


def _moved(a: Point, amount: Decimal, unit: str) -> Point | None:
    """`a` plus a duration. Outside the calendar that is an error, but null from the calendar's first and last point:
    these are the start and end of intervals that have none."""
    try:
        return calendar.add(a, amount, unit)
    except OutsideCalendar:
        if a.fields in (steps.minimum_like(a).fields, steps.maximum_like(a).fields):
            return None
        raise


@operator("Successor", spec="elm:16.21")
class Successor:
    """The date or time one step of its own precision later; a run-time error for the maximum."""

    @overload(*_STEPS, may_raise=True)
    def temporal(a: Point) -> Point:
        later: Point = steps.successor(a)
        return later


@operator("Predecessor", spec="elm:16.18")
class Predecessor:
    """The date or time one step of its own precision earlier; a run-time error for the minimum."""

    @overload(*_STEPS, may_raise=True)
    def temporal(a: Point) -> Point:
        earlier: Point = steps.predecessor(a)
        return earlier
