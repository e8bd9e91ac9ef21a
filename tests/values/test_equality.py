"""Equality and equivalence where they leave the ordinary; the tables of tests/operators/cases have the rest."""

from __future__ import annotations

from decimal import Decimal

import pytest

from ecqm.values.equality import equal, equivalent


@pytest.mark.parametrize("huge", ["1e25", "1e40", "-1e1000"])
def test_numbers_beyond_the_range_of_decimal_are_compared(huge: str) -> None:
    number = Decimal(huge)
    assert equivalent(number, Decimal(huge)) is True
    assert equivalent(number, Decimal("1.5")) is False
    assert equal(number, Decimal(huge)) is True
