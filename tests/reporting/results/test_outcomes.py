"""Results at a glance on terminals of any width."""

from __future__ import annotations

import pytest

from ecqm.reporting.results.outcomes import outcome_table

COUNTS = "initial-population 9, denominator 9, denominator-exclusion 1, numerator 3, denominator-exception 1"
ROW = ("SampleDiabetesKidneyCheck", "Group_1", COUNTS, "0.4286")


@pytest.mark.parametrize("width", [80, 100, 120, 160])
def test_a_count_stays_in_the_line_of_its_population(width: int) -> None:
    lines = outcome_table([ROW], width).splitlines()
    assert max(map(len, lines)) <= width
    at = lines[0].index("populations")
    told = " ".join(line[at:].removesuffix("0.4286").strip() for line in lines[1:])
    assert told == COUNTS
    assert not any(line[at : at + 1].isdigit() for line in lines)
