"""Conversions of strings from data; tests/operators/cases/conversions.txt has the rest."""

from __future__ import annotations

import pytest

from ecqm.operators import registry


@pytest.mark.parametrize("name", ["ToInteger", "ToLong", "ToDecimal", "ToQuantity"])
def test_a_string_of_thousands_of_digits_is_no_number(name: str) -> None:
    assert registry.get(name).call("9" * 5000) is None


def test_leading_zeros_do_not_count() -> None:
    assert registry.get("ToInteger").call("0" * 5000 + "12") == 12
