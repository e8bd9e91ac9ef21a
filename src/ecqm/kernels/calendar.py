"""Calendar arithmetic on integers: instants in milliseconds since 1970-01-01, dates in days since 1970-01-01.

Precisions are numbered in the order of CQL: 0 year, 1 month, 2 day, 3 hour, 4 minute, 5 second, 6 millisecond.
numpy's datetime64 is used for conversions between days and months only, which are exact for all years of CQL.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Instants = npt.NDArray[np.int64]
"""Days or milliseconds since 1970-01-01, or months since 1970-01."""

YEAR, MONTH, DAY, HOUR, MINUTE, SECOND, MILLISECOND = range(7)
MS_PER_UNIT = {DAY: 86_400_000, HOUR: 3_600_000, MINUTE: 60_000, SECOND: 1_000, MILLISECOND: 1}
MS_PER_DAY, MS_PER_MINUTE = MS_PER_UNIT[DAY], MS_PER_UNIT[MINUTE]


def _whole(values: Instants, unit: int) -> Instants:
    whole: Instants = np.floor_divide(values, unit)
    return whole


def months_of_days(days: Instants) -> Instants:
    """The month of each day, in months since 1970-01."""
    return days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)


def days_of_months(months: Instants) -> Instants:
    """The first day of each month (in months since 1970-01)."""
    return months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)


def floor_instants(instants: Instants, precision: int) -> Instants:
    """Whole units of `precision` since 1970 at each instant."""
    if precision == MILLISECOND:
        return instants
    if precision >= DAY:
        return _whole(instants, MS_PER_UNIT[precision])
    months = months_of_days(_whole(instants, MS_PER_DAY))
    if precision == MONTH:
        return months
    return _whole(months, 12)


def floor_days(days: Instants, precision: int) -> Instants:
    """Whole units of `precision` (year, month or day) since 1970 at each day."""
    if precision >= DAY:
        return days
    months = months_of_days(days)
    if precision == MONTH:
        return months
    return _whole(months, 12)


def add_months_to_days(days: Instants, months: Instants) -> Instants:
    """Days moved by whole months; a day that the resulting month lacks becomes its last day."""
    month = months_of_days(days)
    day_in_month = days - days_of_months(month)
    start = days_of_months(month + months)
    last = days_of_months(month + months + 1) - start - 1
    moved: Instants = start + np.minimum(day_in_month, last)
    return moved


def whole_months_between(
    start_days: Instants, end_days: Instants, start_rest: Instants, end_rest: Instants
) -> Instants:
    """Whole months from start to end, truncated towards zero. `start_rest` and `end_rest` order the instants within
    their days, for example as milliseconds since midnight."""
    start_month, end_month = months_of_days(start_days), months_of_days(end_days)
    months = end_month - start_month
    start_in = start_days - days_of_months(start_month)
    end_in = end_days - days_of_months(end_month)
    later = (start_in > end_in) | ((start_in == end_in) & (start_rest > end_rest))
    earlier = (start_in < end_in) | ((start_in == end_in) & (start_rest < end_rest))
    whole: Instants = months - ((months > 0) & later) + ((months < 0) & earlier)
    return whole
