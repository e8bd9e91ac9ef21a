"""Literals: the ranges of values, and units (Author's Guide, Values; Quantities)."""

from __future__ import annotations

import pytest

from ecqm.language import compile_expression, compile_library


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("'\\ud800'", "half of a character"),
        ("'\\ude00\\ud83d'", "half of a character"),
        ('"\\udfff"', "half of a character"),
        ("'caf\N{REPLACEMENT CHARACTER}'", "not UTF-8"),
        ("9" * 5000, "exceeds the largest Integer"),
        ("9" * 5000 + "L", "exceeds the largest Long"),
        ("9" * 5000 + ".0", "exceeds the largest Decimal"),
        ("9" * 5000 + " 'mg'", "exceeds the largest Decimal"),
    ],
    ids=range(8),
)
def test_literals_that_have_no_value(source: str, says: str) -> None:
    (error,) = compile_expression(source).errors
    assert says in error.message and len(error.message) < 200


def errors(expression: str) -> list[str]:
    return [error.message for error in compile_library(f"library Units define X: {expression}").errors]


@pytest.mark.parametrize("unit", ["mg", "10*3/uL", "mm[Hg]", "{score}", "%", "", "hours", "year", "dB", "[degR]"])
def test_units_of_ucum_and_calendar_durations(unit: str) -> None:
    assert not errors(f"5 '{unit}'")


@pytest.mark.parametrize("unit", ["foo", "bpm", "lbs", "mg per dL", "m/s^2", "cel"])
@pytest.mark.parametrize("expression", ["5 '{}'", "1 'mg':2 '{}'", "convert 5 'mg' to '{}'"])
def test_other_units_are_errors(expression: str, unit: str) -> None:
    assert errors(expression.format(unit)) == [f"{unit!r} is not a unit of UCUM"]
