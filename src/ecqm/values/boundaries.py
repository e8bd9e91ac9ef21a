"""Where an interval starts and ends (CQL reference, Start, End and the Interval selector)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from ecqm.values.errors import CqlError
from ecqm.values.interval import Interval, Uncertainty
from ecqm.values.steps import maximum_like, minimum_like, predecessor, successor


def start(interval: Interval) -> Any:
    """The first point of an interval: the low boundary if closed, its successor if open.

    A null boundary is the minimum of the point type if closed, and unknown (None) if open. The point type is taken from
    the other boundary; None if that is null too. Raises CqlError if an open boundary is the maximum of its type."""
    if interval.low is not None:
        return interval.low if interval.low_closed else successor(interval.low)
    if interval.low_closed and interval.high is not None:
        return minimum_like(interval.high)
    return None


def end(interval: Interval) -> Any:
    """The last point of an interval; the mirror image of `start`."""
    if interval.high is not None:
        return interval.high if interval.high_closed else predecessor(interval.high)
    if interval.high_closed and interval.low is not None:
        return maximum_like(interval.low)
    return None


def start_bound(interval: Interval) -> Any:
    """`start` for comparisons: an unknown boundary becomes the uncertainty over everything up to the end. None where
    `start` is null or an error."""
    if interval.low is None and not interval.low_closed:
        return Uncertainty(None, _or_none(end, interval))
    return _or_none(start, interval)


def end_bound(interval: Interval) -> Any:
    """`end` for comparisons: an unknown boundary becomes the uncertainty over everything from the start. None where
    `end` is null or an error."""
    if interval.high is None and not interval.high_closed:
        return Uncertainty(_or_none(start, interval), None)
    return _or_none(end, interval)


def next_after(point: Any, precision: str | None = None) -> Any:
    """The successor of `point`, with a `precision` one unit of it later; None if it is null or the maximum."""
    return _or_none(partial(successor, precision=precision), point)


def next_before(point: Any, precision: str | None = None) -> Any:
    """The predecessor of `point`, with a `precision` one unit of it earlier; None if it is null or the minimum."""
    return _or_none(partial(predecessor, precision=precision), point)


def _or_none(function: Callable[[Any], Any], argument: Any) -> Any:
    try:
        return None if argument is None else function(argument)
    except CqlError:
        return None
