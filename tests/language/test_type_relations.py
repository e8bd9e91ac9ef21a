"""Subtypes (Developer's Guide, Type System)."""

from __future__ import annotations

import pytest

from ecqm.language.conversions import ConversionTable
from ecqm.types import parse_type


@pytest.mark.parametrize(
    ("sub", "super_", "holds"),
    [
        ("Shop.Apple", "Shop.Fruit", True),
        ("Shop.Fruit", "Shop.Apple", False),
        ("List<Shop.Apple>", "List<Shop.Fruit>", True),
        ("Interval<Integer>", "Any", True),
        ("Choice<Shop.Apple, Shop.Pear>", "Choice<Shop.Fruit, String>", True),
        ("Choice<Shop.Apple, Integer>", "Choice<Shop.Fruit, String>", False),
        ("Tuple { a Shop.Apple }", "Tuple { a Shop.Fruit }", True),
        ("Tuple { a Shop.Apple, b Integer }", "Tuple { a Shop.Fruit }", False),
    ],
)
def test_subtypes(table: ConversionTable, sub: str, super_: str, holds: bool) -> None:
    assert table.relations.is_subtype(parse_type(sub), parse_type(super_)) is holds
