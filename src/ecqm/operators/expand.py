"""Expand: intervals divided into pieces of one size (CQL reference, Expand; ELM chapter 19)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, Decimal
from typing import Any

from ecqm.operators.collapse import coarsest_precision, collapse, measured_in, precision_of
from ecqm.operators.registry import NONE, operator, overload
from ecqm.values import calendar
from ecqm.values.boundaries import end, next_before, start
from ecqm.values.errors import CqlError
from ecqm.values.interval import Interval
from ecqm.values.numbers import places_of
from ecqm.values.ordering import at_most
from ecqm.values.quantity import Quantity
from ecqm.values.temporal import PRECISIONS, Temporal


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
    """The pieces of size `per` (by default the step of the points) into which the collapsed intervals divide; None if
    `per` is not positive. Intervals with a null boundary give no pieces, which the reference allows. Raises CqlError if
    there are more than a million pieces."""
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
    precision = coarsest_precision(intervals)
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
        numbers = _number_pieces(first.value, measured_in(last, first.unit), measured_in(size, first.unit))
        return (Interval(Quantity(low, first.unit), Quantity(high, first.unit)) for low, high in numbers)
    step = measured_in(size, "1")
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
    precision = precision_of(size)
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
