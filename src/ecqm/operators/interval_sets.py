"""Intervals as sets of points: union, intersection, difference, collapse and expand (CQL reference, Interval
Operators; ELM chapter 19)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, Decimal
from functools import cmp_to_key
from typing import Any

from ecqm.operators.interval import meets, overlaps
from ecqm.operators.logical import disjunction
from ecqm.operators.registry import NONE, operator, overload
from ecqm.values import calendar
from ecqm.values.boundaries import end, end_bound, next_after, next_before, start, start_bound
from ecqm.values.errors import CqlError
from ecqm.values.interval import Interval, Uncertainty
from ecqm.values.numbers import places_of
from ecqm.values.ordering import at_most, compare, less
from ecqm.values.quantity import Quantity
from ecqm.values.steps import maximum_like, minimum_like
from ecqm.values.temporal import PRECISIONS, Temporal
from ecqm.values.units import convert

_SET_OPERATION = "(Interval<T>, Interval<T>) -> Interval<T>"

Boundary = tuple[Any, bool]
_UNKNOWN: Boundary = (None, False)
_UNBOUNDED: Boundary = (None, True)


def _low(interval: Interval) -> Boundary:
    return interval.low, interval.low_closed


def _high(interval: Interval) -> Boundary:
    return interval.high, interval.high_closed


def _earlier_start(a: Interval, b: Interval) -> Boundary:
    return _lesser(start_bound(a), start_bound(b), _low(a), _low(b))


def _later_start(a: Interval, b: Interval) -> Boundary:
    return _lesser(start_bound(a), start_bound(b), _low(b), _low(a))


def _earlier_end(a: Interval, b: Interval) -> Boundary:
    return _lesser(end_bound(a), end_bound(b), _high(a), _high(b))


def _later_end(a: Interval, b: Interval) -> Boundary:
    return _lesser(end_bound(a), end_bound(b), _high(b), _high(a))


def _lesser(a: Any, b: Any, if_a: Boundary, if_b: Boundary) -> Boundary:
    """`if_a` if the point `a` is at most `b`, `if_b` if `b` is at most `a`; unknown if neither is certain."""
    if at_most(a, b) is True:
        return if_a
    return if_b if at_most(b, a) is True else _UNKNOWN


def _interval(low: Boundary, high: Boundary) -> Interval:
    return Interval(low[0], high[0], low[1], high[1])


def _spanning(low: Boundary, high: Boundary, a: Interval, b: Interval) -> Interval:
    """An interval with boundaries of `a` and `b`. The minimum and maximum are written out: two nulls would not show the
    point type."""
    points = [point for point in (a.low, a.high, b.low, b.high) if point is not None]
    if low == high == _UNBOUNDED and points:
        return Interval(minimum_like(points[0]), maximum_like(points[0]))
    return _interval(low, high)


@operator("Union", spec="elm:19.31")
class Union:
    """The interval from the earlier start to the later end; null if the two neither overlap nor meet.

    Of several intervals, the first two are united, then their union with the third, and so on."""

    @overload("(Interval<T>...) -> Interval<T>")
    def intervals(first: Interval, *others: Interval) -> Interval | None:
        united: Interval | None = first
        for other in others:
            united = None if united is None else _united(united, other)
        return united


def _united(a: Interval, b: Interval) -> Interval | None:
    if disjunction(overlaps(a, b), meets(a, b)) is not True:
        return None
    return _spanning(_earlier_start(a, b), _later_end(a, b), a, b)


@operator("Intersect", spec="elm:19.15")
class Intersect:
    """The common part of two intervals; null if they do not overlap.

    A boundary of the result is unknown if the boundaries it depends on are unknown or not precise enough."""

    @overload(_SET_OPERATION)
    def intervals(a: Interval, b: Interval) -> Interval | None:
        if overlaps(a, b) is not True:
            return None
        return _interval(_later_start(a, b), _earlier_end(a, b))


@operator("Except", spec="elm:19.10")
class Except:
    """The part of the first interval outside the second; null if there are two such parts, or none."""

    @overload(_SET_OPERATION)
    def intervals(a: Interval, b: Interval) -> Interval | None:
        shared = overlaps(a, b)
        if shared is not True:
            return a if shared is False else None
        before = less(start_bound(a), start_bound(b))
        after = less(end_bound(b), end_bound(a))
        if before is True and after is False:
            return _interval(_low(a), (next_before(start_bound(b)), True))
        if before is False and after is True:
            return _interval((next_after(end_bound(b)), True), _high(a))
        return None


@operator("Collapse", spec="elm:19.4")
class Collapse:
    """The intervals with those merged that overlap or meet, or that are at most `per` apart. Nulls, and intervals whose
    start or end is unknown, are left out."""

    @overload("(List<Interval<T>>) -> List<Interval<T>>", may_raise=True)
    def intervals(source: Sequence[Interval | None]) -> tuple[Interval, ...]:
        return collapse(source, None)

    @overload("(List<Interval<T>>, Quantity) -> List<Interval<T>>", nulls=NONE, may_raise=True)
    def per(source: Sequence[Interval | None] | None, per: Quantity | None) -> tuple[Interval, ...] | None:
        return None if source is None else collapse(source, per)


def collapse(source: Sequence[Interval | None], per: Quantity | None) -> tuple[Interval, ...]:
    """The meaning of Collapse."""
    known = [interval for interval in source if interval is not None and _is_placed(interval)]
    known.sort(key=cmp_to_key(_by_start))
    merged: list[Interval] = []
    precision = _coarsest_precision(known) if per is None else _unit_precision(per, known)
    for interval in known:
        if merged and at_most(start(interval), _reach(merged[-1], per, precision), precision) is True:
            last = merged[-1]
            later = at_most(end(last), end(interval)) is True
            merged[-1] = _spanning(_low(last), _high(interval if later else last), last, interval)
        else:
            merged.append(interval)
    return tuple(merged)


def _is_placed(interval: Interval) -> bool:
    points = start(interval), end(interval)
    return not any(point is None or isinstance(point, Uncertainty) for point in points)


def _by_start(a: Interval, b: Interval) -> int:
    first, second = start(a), start(b)
    order = compare(first, second)
    if order is None and isinstance(first, Temporal):
        order = compare(first.low(), second.low())
    return order or 0


def _reach(interval: Interval, per: Quantity | None, precision: str | None) -> Any:
    """The last point at which the next interval may start to be merged with this one."""
    last = end(interval)
    if isinstance(last, Temporal) and precision is not None:
        last = last.truncated(precision)
    if per is None:
        return _or_else(next_after(last), last)
    if isinstance(last, Temporal):
        try:
            return calendar.add(last, per.value, per.unit, wrap=False)
        except CqlError:
            return last
    if isinstance(last, Quantity):
        return Quantity(last.value + _measured_in(per, last.unit), last.unit)
    return Decimal(last) + _measured_in(per, "1")


def _measured_in(per: Quantity, unit: str) -> Decimal:
    """`per` in the unit of the points (1 for plain numbers). Raises CqlError if the dimensions differ."""
    value = convert(per.value, per.unit, unit)
    if value is None:
        raise CqlError(f"{per.unit!r} does not measure an interval of {unit!r}")
    return value.normalize()


def _or_else(point: Any, otherwise: Any) -> Any:
    return otherwise if point is None else point


def _coarsest_precision(intervals: Sequence[Interval]) -> str | None:
    ranks = [
        point.rank for interval in intervals for point in (interval.low, interval.high) if isinstance(point, Temporal)
    ]
    return PRECISIONS[min(ranks)] if ranks else None


def _unit_precision(per: Quantity, intervals: Sequence[Interval]) -> str | None:
    return _precision_of(per) if any(isinstance(start(interval), Temporal) for interval in intervals) else None


def _precision_of(duration: Quantity) -> str:
    name = calendar.time_unit(duration.unit)
    return "day" if name == "week" else name


@operator("Expand", spec="elm:19.11")
class Expand:
    """Intervals divided into pieces of size `per`, from the start of each; for a single interval, the start points of
    the pieces. A remainder smaller than `per` is dropped."""

    @overload("(List<Interval<T>>) -> List<Interval<T>>", may_raise=True)
    def intervals(source: Sequence[Interval | None]) -> tuple[Interval, ...] | None:
        return expand(source, None)

    @overload("(List<Interval<T>>, Quantity) -> List<Interval<T>>", nulls=NONE, may_raise=True)
    def intervals_per(source: Sequence[Interval | None] | None, per: Quantity | None) -> tuple[Interval, ...] | None:
        return None if source is None else expand(source, per)

    @overload("(Interval<T>) -> List<T>", may_raise=True)
    def interval(source: Interval) -> tuple[Any, ...] | None:
        return _starts(expand((source,), None))

    @overload("(Interval<T>, Quantity) -> List<T>", nulls=NONE, may_raise=True)
    def interval_per(source: Interval | None, per: Quantity | None) -> tuple[Any, ...] | None:
        return None if source is None else _starts(expand((source,), per))


_MOST_PIECES = 1_000_000


def _starts(pieces: tuple[Interval, ...] | None) -> tuple[Any, ...] | None:
    return None if pieces is None else tuple(piece.low for piece in pieces)


def expand(source: Sequence[Interval | None], per: Quantity | None) -> tuple[Interval, ...] | None:
    """The meaning of Expand. None if `per` is not positive. Intervals with a null boundary give no pieces, which the
    reference allows. Raises CqlError if there are more than a million pieces."""
    if per is not None and per.value <= 0:
        return None
    ending = [each for each in source if each is not None and None not in (each.low, each.high)]
    covered = collapse(ending, None)
    size = _default_size(covered) if per is None else Quantity(per.value.normalize(), per.unit)
    pieces: list[Interval] = []
    for interval in covered:
        for piece in _pieces(interval, size):
            if len(pieces) == _MOST_PIECES:
                raise _too_many()
            pieces.append(piece)
    return tuple(pieces)


def _too_many() -> CqlError:
    return CqlError(f"expand makes more than {_MOST_PIECES} intervals")


def _default_size(intervals: Sequence[Interval]) -> Quantity:
    """One unit of the coarsest precision among the boundaries, or the step of their coarsest number."""
    precision = _coarsest_precision(intervals)
    if precision is not None:
        return Quantity(Decimal(1), precision)
    points = [point for interval in intervals for point in (interval.low, interval.high) if point is not None]
    values = [point.value if isinstance(point, Quantity) else Decimal(point) for point in points]
    unit = next((point.unit for point in points if isinstance(point, Quantity)), "1")
    return Quantity(_resolution(min(map(places_of, values), default=0)), unit)


def _resolution(places: int) -> Decimal:
    return Decimal(1).scaleb(-places)


def _pieces(interval: Interval, size: Quantity) -> Iterator[Interval]:
    first, last = start(interval), end(interval)
    if isinstance(first, Temporal):
        return _temporal_pieces(first, last, size)
    if isinstance(first, Quantity):
        numbers = _number_pieces(first.value, _measured_in(last, first.unit), _measured_in(size, first.unit))
        return (Interval(Quantity(low, first.unit), Quantity(high, first.unit)) for low, high in numbers)
    step = _measured_in(size, "1")
    if isinstance(first, int) and step == step.to_integral_value():
        kind = type(first)
        whole = _number_pieces(Decimal(first), Decimal(last), step)
        return (Interval(kind(low), kind(high)) for low, high in whole)
    # With pieces smaller than 1, an integer stands for everything up to the next integer.
    beyond = Decimal(last) + 1 - _resolution(places_of(step)) if isinstance(last, int) else last
    return (Interval(low, high) for low, high in _number_pieces(Decimal(first), beyond, step))


def _number_pieces(first: Decimal, last: Decimal, size: Decimal) -> Iterator[tuple[Decimal, Decimal]]:
    """Pieces of `size` as (low, high); boundaries are truncated to the decimal places of `size`."""
    resolution = _resolution(places_of(size))
    low = first.quantize(resolution, ROUND_DOWN)
    last = last.quantize(resolution, ROUND_FLOOR if last >= 0 else ROUND_CEILING)
    if (last - low) / size > _MOST_PIECES:
        raise _too_many()  # before making them: an interval up to the maximum has far too many
    while low + size - resolution <= last:
        yield low, low + size - resolution
        low += size


def _temporal_pieces(first: Temporal, last: Temporal, size: Quantity) -> Iterator[Interval]:
    """Pieces of `size` at the precision of its unit; none if a boundary is less precise."""
    precision = _precision_of(size)
    if PRECISIONS.index(precision) > min(first.rank, last.rank):
        return
    low: Temporal | None = first.truncated(precision)
    last = last.truncated(precision)
    while low is not None and at_most(low, last, precision) is True:
        following = _moved(low, size)
        high = next_before(following) if following is not None else _end_of_calendar(low, size)
        if high is None or at_most(high, last, precision) is not True:
            return
        yield Interval(low, high)
        low = following


def _moved(low: Temporal, size: Quantity) -> Temporal | None:
    try:
        return calendar.add(low, size.value, size.unit, wrap=False)
    except CqlError:
        return None


def _end_of_calendar(low: Temporal, size: Quantity) -> Temporal | None:
    """The end of a piece that ends with the calendar, or with the day for times; None if it would go beyond."""
    try:
        beside = calendar.add(low, size.value - 1, size.unit, wrap=False)
    except CqlError:
        return None
    return beside if calendar.time_unit(size.unit) != "week" else None
