"""Dates, times and date-times of ISO 8601 as arrays; texts that are none are marked."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecqm.kernels.calendar import DAY, HOUR, MILLISECOND, MINUTE, MONTH, SECOND, YEAR
from ecqm.kernels.isodates import parse_dates, parse_instants, parse_times

MS_PER_DAY = 86_400_000


def days(year: int, month: int = 1, day: int = 1) -> int:
    return int(np.datetime64(f"{year:04}-{month:02}-{day:02}", "D").astype(np.int64))


@pytest.mark.parametrize(
    ("text", "low", "precision", "offset"),
    [
        ("2025", days(2025) * MS_PER_DAY, YEAR, None),
        ("2025-03", days(2025, 3) * MS_PER_DAY, MONTH, None),
        ("2024-02-29", days(2024, 2, 29) * MS_PER_DAY, DAY, None),
        ("2025-01-01T07", days(2025) * MS_PER_DAY + 7 * 3_600_000, HOUR, None),
        ("2025-01-01T00:30", days(2025) * MS_PER_DAY + 30 * 60_000, MINUTE, None),
        ("2025-01-01T00:30Z", days(2025) * MS_PER_DAY + 30 * 60_000, MINUTE, 0),
        ("2025-01-01T00:00:09", days(2025) * MS_PER_DAY + 9_000, SECOND, None),
        ("2025-01-01T00:00:09-05:00", days(2025) * MS_PER_DAY + 9_000, SECOND, -300),
        ("2025-01-01T00:00:09.5+05:30", days(2025) * MS_PER_DAY + 9_500, MILLISECOND, 330),
        ("2025-01-01T00:00:09.123999Z", days(2025) * MS_PER_DAY + 9_123, MILLISECOND, 0),
        ("9999-12-31T23:59:59.999Z", days(9999, 12, 31) * MS_PER_DAY + MS_PER_DAY - 1, MILLISECOND, 0),
        ("0001-01-01", days(1) * MS_PER_DAY, DAY, None),
    ],
)
def test_date_times(text: str, low: int, precision: int, offset: int | None) -> None:
    parsed = parse_instants([text])
    assert parsed.valid[0]
    assert parsed.low[0] == low
    assert parsed.precision[0] == precision
    assert (int(parsed.offset[0]) if parsed.has_offset[0] else None) == offset


@pytest.mark.parametrize(
    "text",
    [
        *("", "2026-02-30", "2025-02-29", "0000", "0000-01-01", "2025-13", "2025-00-10", "2025-1-1", "20250101"),
        *("abcd", "2025-01-01T24:00:00Z", "2025-01-01T00:60:00Z", "2025-01-01T00:00:60Z", "2025-01-01 00:00:00Z"),
        *("2025-01-01T00:00:00+14:01", "2025-01-01T00:00:00+0500", "2025-01-01T00:00:00.Z", "2025-01-01T00:00:00.x1Z"),
        *("2025-01-01T00:00:00ZZ", "12025-01-01", "2025-01-01T", "é025", "２０２５", "9" * 500),
    ],
)
def test_what_is_no_date_time_is_marked(text: str) -> None:
    assert not parse_instants([text]).valid[0]


def test_dates_have_no_time() -> None:
    parsed = parse_dates(["2025", "2025-06", "2025-06-15", "2025-06-15T00:00:00Z", "2025-06-31"])
    assert parsed.valid.tolist() == [True, True, True, False, False]
    assert parsed.low[:3].tolist() == [days(2025), days(2025, 6), days(2025, 6, 15)]
    assert parsed.precision[:3].tolist() == [YEAR, MONTH, DAY]


def test_times_of_day_have_any_precision_and_no_hour_24() -> None:
    parsed = parse_times(["07", "07:30", "07:30:15", "07:30:15.25", "24:00:00", "07:30:15.", "7:30"])
    assert parsed.valid.tolist() == [True, True, True, True, False, False, False]
    assert parsed.low[:4].tolist() == [25_200_000, 27_000_000, 27_015_000, 27_015_250]
    assert parsed.precision[:4].tolist() == [HOUR, MINUTE, SECOND, MILLISECOND]


def test_no_texts_give_empty_arrays() -> None:
    assert len(parse_instants([]).low) == len(parse_dates([]).low) == len(parse_times([]).low) == 0


@given(st.lists(st.datetimes(timezones=st.just(UTC)), max_size=20))
def test_agrees_with_the_standard_library(moments: list[datetime]) -> None:
    parsed = parse_instants([moment.isoformat(timespec="milliseconds") for moment in moments])
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    expected = [(moment - epoch) // (datetime.resolution * 1000) for moment in moments]
    assert parsed.valid.all()
    assert parsed.low.tolist() == expected
