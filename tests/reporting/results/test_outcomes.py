"""Results at a glance on terminals of any width."""

from __future__ import annotations

import pytest

from ecqm.reporting.results.outcomes import headings, outcome_table

PROPORTION = {
    "measure": "SampleDiabetesKidneyCheck",
    "group": "Group_1",
    "IPP": "1,000,009",
    "DENOM": "1,000,008",
    "DENEX": "17",
    "NUMER": "3",
    "DENEXCEP": "1",
    "score": "0.4286",
}
CONTINUOUS = {"measure": "SampleHospitalStay", "group": "Group_1", "IPP": "8", "MSRPOPL": "8", "score": "3.0000 d"}


def test_columns_are_those_that_some_measure_has() -> None:
    assert headings([CONTINUOUS]) == ["measure", "group", "IPP", "MSRPOPL", "score"]
    assert headings([CONTINUOUS, PROPORTION])[2:] == ["IPP", "DENOM", "DENEX", "NUMER", "DENEXCEP", "MSRPOPL", "score"]


@pytest.mark.parametrize("width", [80, 100, 120, 160])
def test_counts_are_never_broken(width: int) -> None:
    lines = outcome_table([PROPORTION, CONTINUOUS], width).splitlines()
    assert max(map(len, lines)) <= width
    (counts,) = [line for line in lines if "1,000,009" in line]
    assert counts.split()[-6:] == ["1,000,009", "1,000,008", "17", "3", "1", "0.4286"]
    (counts,) = [line for line in lines if line.endswith("3.0000 d")]
    assert counts.split()[-4:] == ["8", "8", "3.0000", "d"]


def test_a_narrow_terminal_does_without_groups_that_are_alone() -> None:
    row = {"measure": "SampleDiabetesKidneyCheck", "group": "Group_1", "IPP": "9", "score": "0.4286"}
    assert "Group_1" in outcome_table([row], 80)
    assert "Group_1" not in outcome_table([row], 40)
    assert "Group_2" in outcome_table([row, row | {"group": "Group_2"}], 40)
