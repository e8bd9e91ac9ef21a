"""Interval, and the interval of uncertainty that a calculation with imprecise values yields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Interval:
    """The values between two boundaries.

    A null boundary that is closed stands for the minimum or maximum of the point type, one that is open is
    unknown (CQL Author's Guide, interval values)."""

    low: Any
    high: Any
    low_closed: bool = True
    high_closed: bool = True


@dataclass(frozen=True, slots=True)
class Uncertainty:
    """One unknown point between `low` and `high`, both possible: `years between @2005 and @2010-06`. A bound that is
    None is unbounded, as for the unknown boundary of an interval.

    A comparison with an uncertainty is null unless it comes out the same for every value it may stand for
    (CQL Author's Guide, uncertainty). Unlike an interval it is a single value, of the type of its bounds."""

    low: Any
    high: Any

    @staticmethod
    def between(low: int, high: int) -> int | Uncertainty:
        """The number itself when the bounds agree."""
        return low if low == high else Uncertainty(low, high)
