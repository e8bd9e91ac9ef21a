"""A measurement period, stated by instants, days, months or years."""

from __future__ import annotations

import pytest

from ecqm.measures.definition import MeasureError
from ecqm.measures.definition.period import closed_period, parse_period
from ecqm.values import DateTime, Interval

YEAR = Interval(DateTime(2024, 1, 1, 0, 0, 0, 0), DateTime(2024, 12, 31, 23, 59, 59, 999))


@pytest.mark.parametrize(("start", "end"), [("2024-01-01", "2024-12-31"), ("2024-01", "2024-12"), ("2024", "2024")])
def test_days_months_and_years_are_meant_as_a_whole(start: str, end: str) -> None:
    assert closed_period(start, end) == YEAR


def test_months_end_with_their_last_day_and_instants_with_themselves() -> None:
    assert closed_period("2024-02", "2024-02").high == DateTime(2024, 2, 29, 23, 59, 59, 999)
    assert closed_period("2024", "2024-06-30T23:59:59Z").high == DateTime(2024, 6, 30, 23, 59, 59, 0, 0)


def test_a_year_alone_is_a_period() -> None:
    assert closed_period(*parse_period("2024")) == YEAR


def test_what_is_no_period() -> None:
    for text in ("2024-01", "2024-01-01", "24", "2024-1/2024-12", "2024/", "now/then"):
        with pytest.raises(MeasureError, match="is not a period"):
            parse_period(text)
    with pytest.raises(MeasureError, match="ends before it starts"):
        closed_period("2025", "2024")
