"""Dates and times: the earliest and the latest point that a value of some precision may stand for."""

from __future__ import annotations

import pytest

from ecqm.columns import DateTimeColumn, TemporalColumn, from_values
from ecqm.terminology import CodeIndex
from ecqm.values import Date, DateTime, Time

HOUR = 3_600_000


def column(value: Date | DateTime | Time) -> TemporalColumn:
    found = from_values([value], CodeIndex())
    assert isinstance(found, TemporalColumn)
    return found


@pytest.mark.parametrize(
    ("value", "width"),
    [
        (Date(2024), 366),
        (Date(2023, 2), 28),
        (Date(2024, 2, 29), 1),
        (DateTime(2024, offset=330), 366 * 24 * HOUR),
        (DateTime(2024, 2, offset=-300), 29 * 24 * HOUR),
        (DateTime(2024, 2, 3, offset=0), 24 * HOUR),
        (DateTime(2024, 2, 3, 4, offset=0), HOUR),
        (DateTime(2024, 2, 3, 4, 5, 6, offset=0), 1),
        (Time(7), HOUR),
        (Time(7, 30), 60_000),
    ],
    ids=str,
)
def test_how_many_points_a_value_may_stand_for(value: Date | DateTime | Time, width: int) -> None:
    found = column(value)
    assert (found.high - found.low + 1).tolist() == [width]
    assert found.exact == (width == 1)


def test_moments_are_kept_in_utc_with_their_offset() -> None:
    moment = column(DateTime(1970, 1, 1, 0, 0, 0, 0, 330))
    assert isinstance(moment, DateTimeColumn)
    assert moment.low.tolist() == [-330 * 60_000]
    assert moment.local.tolist() == [0]
