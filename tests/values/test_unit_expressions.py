"""The syntax of UCUM's unit expressions: symbols with their exponents, whether or not they are known units."""

from __future__ import annotations

import pytest

from ecqm.values.unit_expressions import Factor, UnitSyntaxError, factors_of


@pytest.mark.parametrize(
    ("unit", "factors"),
    [
        ("mg/dL", [("mg", 1), ("dL", -1)]),
        ("/uL", [("uL", -1)]),
        ("kg.m/s2", [("kg", 1), ("m", 1), ("s", -2)]),
        ("m2.kg.s-3", [("m", 2), ("kg", 1), ("s", -3)]),
        ("10*3/uL", [("10*", 3), ("uL", -1)]),
        ("g/(8.h)2", [("g", 1), ("8", -2), ("h", -2)]),
        ("[in_i'H2O]", [("[in_i'H2O]", 1)]),
        ("mL/min/{1.73_m2}", [("mL", 1), ("min", -1), ("1", -1)]),
        ("mg{total}/d", [("mg", 1), ("d", -1)]),
    ],
)
def test_a_division_applies_to_the_next_component_only(unit: str, factors: list[Factor]) -> None:
    assert factors_of(unit) == factors


@pytest.mark.parametrize("unit", ["", "mg/", "(m", "m)", "[in_i", "{open", "10-3", "m" * 201])
def test_malformed_expressions_are_rejected(unit: str) -> None:
    with pytest.raises(UnitSyntaxError):
        factors_of(unit)
