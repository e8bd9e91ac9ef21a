"""Interval, and Uncertainty: the result of calculating with imprecise values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Interval:
    """The values between two boundaries.

    A closed null boundary stands for the minimum or maximum of the point type; an open one is unknown
    (CQL Author's Guide, interval values)."""

    low: Any
    high: Any
    low_closed: bool = True
    high_closed: bool = True


@dataclass(frozen=True, slots=True)
class Uncertainty:
    """A single unknown point from `low` to `high`, both included: `years between @2005 and @2010-06`. None means that
    the range is unbounded on that side.

    A comparison with an uncertainty is null unless the answer is the same for every point it may be
    (CQL Author's Guide, uncertainty). Unlike an Interval, an Uncertainty has the type of its bounds."""

    low: Any
    high: Any

    @staticmethod
    def between(low: int, high: int) -> int | Uncertainty:
        """The number itself if both bounds are equal."""
        return low if low == high else Uncertainty(low, high)
