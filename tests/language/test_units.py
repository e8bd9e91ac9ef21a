"""Units of quantities are those of UCUM, or calendar durations (Author's Guide, Quantities)."""

from __future__ import annotations

import pytest

from ecqm.language import compile_library


def errors(expression: str) -> list[str]:
    return [error.message for error in compile_library(f"library Units define X: {expression}").errors]


@pytest.mark.parametrize("unit", ["mg", "10*3/uL", "mm[Hg]", "{score}", "%", "", "hours", "year", "dB", "[degR]"])
def test_units_of_ucum_and_calendar_durations(unit: str) -> None:
    assert not errors(f"5 '{unit}'")


@pytest.mark.parametrize("unit", ["foo", "bpm", "lbs", "mg per dL", "m/s^2", "cel"])
@pytest.mark.parametrize("expression", ["5 '{}'", "1 'mg':2 '{}'", "convert 5 'mg' to '{}'"])
def test_other_units_are_errors(expression: str, unit: str) -> None:
    assert errors(expression.format(unit)) == [f"{unit!r} is not a unit of UCUM"]
