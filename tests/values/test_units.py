"""Units: reading them, converting exactly, combining them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from ecqm.values import CqlError
from ecqm.values.ucum import ATOMS
from ecqm.values.units import (
    comparable,
    convert,
    convert_equivalently,
    divide_units,
    is_known,
    multiply_units,
)


@pytest.mark.parametrize(
    ("value", "source", "target", "expected"),
    [
        ("1", "m", "cm", "100"),
        ("100", "mg/dL", "g/L", "1"),
        ("120", "mm[Hg]", "kPa", "15.99864"),
        ("98.6", "[degF]", "Cel", "37"),
        ("-40", "Cel", "[degF]", "-40"),
        ("5", "[lb_av]", "kg", "2.26796185"),
        ("70", "[in_i]", "cm", "177.8"),
        ("4.5", "10*3/uL", "10*9/L", "4.5"),
        ("4.5", "10*3/uL", "/uL", "4500"),
        ("1", "[iU]/L", "m[iU]/mL", "1"),
        ("10", "mL/min/{1.73_m2}", "L/h", "0.6"),
        ("7", "%", "1", "0.07"),
        ("2", "{beats}/min", "/min", "2"),
        ("1", "week", "d", "7"),
        ("2", "years", "months", "24"),
        ("1", "kg.m/s2", "N", "1"),
        ("1", "m2.kg.s-3.A-1", "V", "1"),
        ("3", "g/(8.h)", "g/h", "0.375"),
        ("1", "mmol/L", "umol/mL", "1"),
        ("1", "meq/L", "mmol/L", "1"),
        ("1", "[foz_us]", "mL", "29.57352956"),
    ],
)
def test_conversion_is_exact_to_eight_decimal_places(value: str, source: str, target: str, expected: str) -> None:
    assert convert(Decimal(value), source, target) == Decimal(expected)


@pytest.mark.parametrize(
    ("a", "b"),
    [("m", "s"), ("mg", "mL"), ("year", "a"), ("month", "d"), ("[iU]", "mg"), ("[pH]", "1"), ("furlong", "m")],
)
def test_what_does_not_convert(a: str, b: str) -> None:
    assert not comparable(a, b)
    assert convert(Decimal(1), a, b) is None


@pytest.mark.parametrize("unit", ["furlong", "[pH]", "{anything}"])
def test_a_unit_is_comparable_with_its_own_spelling(unit: str) -> None:
    assert comparable(unit, unit)


@pytest.mark.parametrize("unit", ["mg/", "(m", "[in_i", "{open", "m^x", ")", "0", "m m"])
def test_malformed_units_are_unknown(unit: str) -> None:
    assert not is_known(unit)


@pytest.mark.parametrize("unit", ["kg/m²", "(" * 5000, "9" * 5000, "km999999999", "((m99)99)99"])
def test_texts_from_data_that_are_no_units_are_unknown_at_once(unit: str) -> None:
    assert not is_known(unit)


def test_every_atom_is_defined() -> None:
    assert all(is_known(line.split()[0]) for line in ATOMS.strip().splitlines())


def test_scales_take_prefixes() -> None:
    """Logarithmic scales are comparable with themselves alone."""
    assert is_known("dB") and is_known("mCel") and not is_known("k[pH]")
    assert not comparable("dB", "B")
    assert convert(Decimal(9), "[degR]", "K") == 5


def test_calendar_durations_under_equivalence() -> None:
    assert convert_equivalently(Decimal(1), "year", "a") == 1
    assert convert_equivalently(Decimal(1), "mo", "months") == 1
    assert convert_equivalently(Decimal(730), "days", "years") == 2
    assert convert_equivalently(Decimal(1), "month", "h") == 720
    assert convert_equivalently(Decimal(1), "month", "mg") is None


def test_products_and_quotients_of_units() -> None:
    assert multiply_units("cm", "cm") == "cm2"
    assert multiply_units("mg/dL", "dL") == "mg"
    assert multiply_units("1", "mg") == "mg"
    assert divide_units("cm", "cm") == "1"
    assert divide_units("g", "cm3") == "g/cm3"
    assert divide_units("1", "s") == "/s"
    assert multiply_units("days", "1") == "d"
    with pytest.raises(CqlError):
        multiply_units("mg/", "mL")


def test_a_result_out_of_range_is_an_error() -> None:
    with pytest.raises(CqlError):
        convert(Decimal(99999999999999999999), "Ym", "ym")
