"""Implicit conversions (Author's Guide, Implicit Conversions; Developer's Guide, Conversion Precedence)."""

from __future__ import annotations

import pytest

from ecqm.language.conversions import (
    Cast,
    Conversion,
    ConversionCall,
    ConversionTable,
    ElementConversion,
    FromChoice,
    IntervalDemotion,
    IntervalPromotion,
    ListDemotion,
    ListPromotion,
    PointConversion,
    ToChoice,
)
from ecqm.types import INTEGER, STRING, parse_type
from tests.language.shop import conversions


@pytest.mark.parametrize(
    ("from_", "to", "kind"),
    [
        ("Any", "Integer", Cast),
        ("Integer", "Decimal", ConversionCall),
        ("Decimal", "Integer", None),
        ("String", "Integer", None),
        ("Choice<Integer, String>", "Integer", Cast),
        ("Integer", "Choice<Integer, String>", Cast),
        ("Choice<Integer, String>", "Decimal", FromChoice),
        ("Date", "Choice<DateTime, String>", ToChoice),
        ("List<Integer>", "List<Decimal>", ElementConversion),
        ("Interval<Date>", "Interval<DateTime>", PointConversion),
        ("List<Integer>", "Integer", None),
        ("Integer", "List<Integer>", None),
    ],
)
def test_types_convert_implicitly_as_stated(
    table: ConversionTable, from_: str, to: str, kind: type[Conversion] | None
) -> None:
    found = table.find(parse_type(from_), parse_type(to))
    assert (type(found) if found else None) is kind


def test_explicit_conversions_are_only_for_convert(table: ConversionTable) -> None:
    assert table.find(STRING, INTEGER) is None
    found = table.find(STRING, INTEGER, implicit=False)
    assert isinstance(found, ConversionCall) and found.operator == ("System", "ToInteger")


def test_promotion_and_demotion_must_be_asked_for() -> None:
    table = conversions(list_demotion=True, list_promotion=True, interval_demotion=True, interval_promotion=True)
    kinds = {
        ("List<Integer>", "Integer"): ListDemotion,
        ("Integer", "List<Decimal>"): ListPromotion,
        ("Interval<Integer>", "Integer"): IntervalDemotion,
        ("Integer", "Interval<Integer>"): IntervalPromotion,
    }
    for (from_, to), kind in kinds.items():
        found = table.find(parse_type(from_), parse_type(to))
        assert type(found) is kind
