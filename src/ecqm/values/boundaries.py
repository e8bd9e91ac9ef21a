"""Where an interval starts and ends (CQL reference, Start, End and the Interval selector)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ecqm.values.errors import CqlError
from ecqm.values.interval import Interval, Uncertainty
from ecqm.values.steps import maximum_like, minimum_like, predecessor, successor


def start(interval: Interval) -> Any:
    """The first point: the low boundary, or its successor when it is open. Null and closed, it is the minimum of the
    point type (null again where no other boundary shows the type); null and open, unknown, and so null.
    Raises CqlError when an open boundary is the maximum of its type."""
    if interval.low is not None:
        return interval.low if interval.low_closed else successor(interval.low)
    if interval.low_closed and interval.high is not None:
        return minimum_like(interval.high)
    return None


def end(interval: Interval) -> Any:
    """The last point, mirroring `start`."""
    if interval.high is not None:
        return interval.high if interval.high_closed else predecessor(interval.high)
    if interval.high_closed and interval.low is not None:
        return maximum_like(interval.low)
    return None


def start_bound(interval: Interval) -> Any:
    """`start` for comparisons: an unknown boundary is the uncertainty of everything up to the end. None where there
    is none."""
    if interval.low is None and not interval.low_closed:
        return Uncertainty(None, _or_none(end, interval))
    return _or_none(start, interval)


def end_bound(interval: Interval) -> Any:
    """`end` for comparisons: an unknown boundary is the uncertainty of everything from the start. None where there
    is none."""
    if interval.high is None and not interval.high_closed:
        return Uncertainty(_or_none(start, interval), None)
    return _or_none(end, interval)


def next_after(point: Any) -> Any:
    """The successor, None where there is none."""
    return _or_none(successor, point)


def next_before(point: Any) -> Any:
    """The predecessor, None where there is none."""
    return _or_none(predecessor, point)


def _or_none(function: Callable[[Any], Any], argument: Any) -> Any:
    try:
        return None if argument is None else function(argument)
    except CqlError:
        return None
