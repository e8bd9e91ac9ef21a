"""Calendar arithmetic: adding a duration to a date or time, and the duration and difference between two of them
(CQL reference, date and time operators; Appendix H, time interval calculations)."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable
from decimal import ROUND_DOWN, Decimal
from typing import TypeVar

from ecqm.values.errors import CqlError, OutsideCalendar
from ecqm.values.interval import Uncertainty
from ecqm.values.ordering import in_one_timezone
from ecqm.values.temporal import (
    DAY,
    HOUR,
    MILLISECOND,
    MILLISECONDS_PER_DAY,
    MINUTE,
    MONTH,
    PRECISIONS,
    SECOND,
    YEAR,
    Date,
    DateTime,
    Temporal,
    Time,
    precision_index,
)

T = TypeVar("T", bound=Temporal)

_UCUM_NAMES = {"wk": "week", "d": "day", "h": "hour", "min": "minute", "s": "second", "ms": "millisecond"}
_UNIT_MILLISECONDS = {HOUR: 3_600_000, MINUTE: 60_000, SECOND: 1_000, MILLISECOND: 1}

# How many of each unit make one of the next coarser, where calendar arithmetic has to convert between them.
PER_COARSER = {MONTH: 12, DAY: 30, HOUR: 24, MINUTE: 60, SECOND: 60, MILLISECOND: 1000}
DAYS_PER_YEAR = 365


def time_unit(unit: str) -> str:
    """The precision (or `week`) that the unit of a time-valued quantity names.

    The unit is a calendar duration, singular or plural, or a UCUM unit up to the week. Raises CqlError for all others,
    UCUM's `a` and `mo` included: those are definite durations, which calendar arithmetic has only up to weeks."""
    name = _UCUM_NAMES.get(unit, unit.removesuffix("s"))
    if name != "week" and name not in PRECISIONS:
        raise CqlError(f"{unit!r} is not a unit of calendar arithmetic")
    return name


def add(value: T, amount: Decimal, unit: str, wrap: bool = True) -> T:
    """`value` plus a duration, at the precision of `value`; a day that the resulting month lacks becomes its last day.

    A unit finer than the precision of `value` is first converted to that precision and truncated (30 days to a month,
    365 to a year). A fraction counts for seconds only. A Time wraps around midnight if `wrap`.
    Raises CqlError if the unit does not fit the type, or the result lies outside the range of the type."""
    name = time_unit(unit)
    if name == "second" and amount != amount.to_integral_value():
        name, amount = "millisecond", amount * 1000
    count = int(amount.to_integral_value(rounding=ROUND_DOWN))
    if name == "week":
        name, count = "day", count * 7
    rank = precision_index(name)
    if rank < value.FIRST:
        raise CqlError(f"a {type(value).__name__} cannot be moved by {unit}")
    if rank > value.rank:
        rank, count = value.rank, _coarsened(count, rank, value.rank)
    if rank <= MONTH:
        return _add_months(value, count * (12 if rank == YEAR else 1))
    return _add_definite(value, count, rank, wrap)


def _coarsened(count: int, rank: int, target: int) -> int:
    """A count of a unit as whole counts of a coarser one."""
    while rank > target:
        if rank == DAY and target == YEAR:
            return _truncated(count, DAYS_PER_YEAR)
        count, rank = _truncated(count, PER_COARSER[rank]), rank - 1
    return count


def _truncated(count: int, divisor: int) -> int:
    return count // divisor if count >= 0 else -(-count // divisor)


def _add_months(value: T, months: int) -> T:
    fields = value.fields
    year, month = divmod(fields[0] * 12 + (fields[1] - 1 if len(fields) > 1 else 0) + months, 12)
    if not 1 <= year <= 9999:
        raise OutsideCalendar(f"the year {year} is outside of the calendar")
    moved = [year, month + 1, *fields[2:]][: len(fields)]
    if len(moved) > 2:
        moved[2] = min(moved[2], monthrange(year, month + 1)[1])
    return value.replace_fields(tuple(moved))


def _add_definite(value: T, count: int, rank: int, wrap: bool) -> T:
    if isinstance(value, Time):
        position = value.ordinal() + count * _UNIT_MILLISECONDS[rank]
        moved: Temporal = Time.from_ordinal(position % MILLISECONDS_PER_DAY if wrap else position)
    elif isinstance(value, DateTime):
        step = MILLISECONDS_PER_DAY if rank == DAY else _UNIT_MILLISECONDS[rank]
        moved = DateTime.from_ordinal(value.ordinal() + count * step)
    else:
        moved = Date.from_ordinal(value.ordinal() + count)
    return value.replace_fields(moved.fields[: len(value.fields)])


def duration_between(a: Temporal, b: Temporal, precision: str) -> int | Uncertainty:
    """Whole periods of `precision` (or `week`) from `a` to `b`, negative if `b` comes first; an Uncertainty if the
    precision of the operands allows more than one answer. A value given to the second is exact.
    Raises CqlError if the type of the operands has no such precision."""
    start, end = in_one_timezone(a, b)
    return _between(start, end, time_unit(precision.lower()), _whole_periods)


def difference_between(a: Temporal, b: Temporal, precision: str) -> int | Uncertainty:
    """Boundaries of `precision` (or `week`, which begins on Sunday) crossed from `a` to `b`, otherwise as
    `duration_between`. Timezone offsets are normalized only for hours and finer."""
    name = time_unit(precision.lower())
    start, end = in_one_timezone(a, b, DAY if name == "week" else precision_index(name))
    return _between(start, end, name, _boundaries_crossed)


def _between(a: Temporal, b: Temporal, unit: str, count: Callable[[Temporal, Temporal, str], int]) -> int | Uncertainty:
    rank = DAY if unit == "week" else precision_index(unit)
    if rank < a.FIRST or rank > a.LAST or type(a) is not type(b):
        raise CqlError(f"{unit}s between a {type(a).__name__} and a {type(b).__name__} are not defined")
    return Uncertainty.between(count(_latest(a), b.low(), unit), count(a.low(), _latest(b), unit))


def _latest(value: Temporal) -> Temporal:
    """The latest value that `value` may stand for, seconds being exact."""
    return value.low() if value.rank == SECOND else value.high()


def _whole_periods(a: Temporal, b: Temporal, unit: str) -> int:
    if unit not in ("year", "month"):
        apart = b.ordinal() - a.ordinal()
        return _truncated(apart, _ordinal_size(a, unit))
    if b.ordinal() < a.ordinal():
        return -_whole_periods(b, a, unit)
    months = (b.fields[0] - a.fields[0]) * 12 + b.fields[1] - a.fields[1]
    if b.fields[2:] < a.fields[2:]:
        months -= 1
    return months if unit == "month" else months // 12


def _boundaries_crossed(a: Temporal, b: Temporal, unit: str) -> int:
    if unit in ("year", "month"):
        years, months = b.fields[0] - a.fields[0], b.fields[1] - a.fields[1]
        return years if unit == "year" else years * 12 + months
    size = _ordinal_size(a, unit)
    return b.ordinal() // size - a.ordinal() // size


def _ordinal_size(value: Temporal, unit: str) -> int:
    """The length of a definite unit in ordinals of `value`'s type. Day 0 is a Sunday, so weeks begin on Sundays."""
    day = 1 if isinstance(value, Date) else MILLISECONDS_PER_DAY
    return {"week": 7 * day, "day": day}.get(unit) or _UNIT_MILLISECONDS[precision_index(unit)]
