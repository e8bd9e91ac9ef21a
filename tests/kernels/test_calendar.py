"""Calendar kernels beside Python's own calendar."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ecqm.kernels.calendar import (
    MONTH,
    YEAR,
    add_months_to_days,
    days_of_months,
    floor_days,
    months_of_days,
    whole_months_between,
)

EPOCH = date(1970, 1, 1)
dates = st.dates(date(1, 1, 1), date(9990, 12, 31))


def days(*values: date) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.array([(value - EPOCH).days for value in values], np.int64)


def moved(value: date, months: int) -> date:
    year, month = divmod(value.year * 12 + value.month - 1 + months, 12)
    return date(year, month + 1, min(value.day, monthrange(year, month + 1)[1]))


@given(dates)
def test_months_and_years_of_days(value: date) -> None:
    months = (value.year - 1970) * 12 + value.month - 1
    assert months_of_days(days(value)).tolist() == [months]
    assert floor_days(days(value), MONTH).tolist() == [months]
    assert floor_days(days(value), YEAR).tolist() == [value.year - 1970]
    assert days_of_months(np.array([months])).tolist() == days(value.replace(day=1)).tolist()


@given(st.dates(date(100, 1, 1), date(9900, 1, 1)), st.integers(-1000, 1000))
def test_adding_months_stays_within_the_month(value: date, months: int) -> None:
    assert add_months_to_days(days(value), np.array([months])).tolist() == days(moved(value, months)).tolist()


@given(dates, st.integers(-4000, 4000))
def test_whole_months_are_those_that_fit(start: date, apart: int) -> None:
    start = min(max(start, date(50, 1, 1)), date(9900, 1, 1))
    end = start + timedelta(apart)
    none = np.zeros(1, np.int64)
    (found,) = whole_months_between(days(start), days(end), none, none).tolist()
    first, last = (start, end) if start <= end else (end, start)
    months = (last.year - first.year) * 12 + last.month - first.month - (last.day < first.day)
    assert found == (months if start <= end else -months)
