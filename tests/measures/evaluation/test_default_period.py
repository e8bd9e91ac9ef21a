"""The measurement period of a measure that states none (CQL author's guide, Parameters: default values)."""

from __future__ import annotations

import pytest

from ecqm.elm import IndexedLibrary
from ecqm.language import compile_library
from ecqm.measures.evaluation.default_period import default_period

NAMED = 'parameter "Measurement Period" '


@pytest.mark.parametrize(
    ("declared", "period"),
    [
        (
            NAMED + "default Interval[@2026-01-01T00:00:00.000Z, @2027-01-01T00:00:00.000Z)",
            ("2026-01-01T00:00:00.000Z", "2026-12-31T23:59:59.999Z"),
        ),
        (
            NAMED + "Interval<DateTime> default Interval[@2026-01-01T00:00:00, @2026-12-31T23:59:59]",
            ("2026-01-01T00:00:00", "2026-12-31T23:59:59"),
        ),
        (NAMED + "default Interval[DateTime(2026, 1, 1), DateTime(2026, 12, 31)]", ("2026-01-01", "2026-12-31")),
        (
            NAMED + "default Interval(@2025-12-31T23:59:59.999-07:00, @2026-12-31T00:00:00.000-07:00]",
            ("2026-01-01T00:00:00.000-07:00", "2026-12-31T00:00:00.000-07:00"),
        ),
        (NAMED + "Interval<DateTime>", (None, None)),
        (NAMED + "default Interval[Now() - 1 year, Now()]", (None, None)),
        (NAMED + "default Interval[DateTime(2025 + 1, 1, 1), DateTime(2026, 12, 31)]", (None, None)),
        ("parameter Period default Interval[DateTime(2026), DateTime(2026)]", (None, None)),
    ],
)
def test_the_default_of_the_parameter(declared: str, period: tuple[str | None, str | None]) -> None:
    compilation = compile_library(f"library L\n{declared}")
    assert compilation.ok
    assert default_period(IndexedLibrary(compilation.library)) == period
