"""Values in CQL notation."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from ecqm.values import Code, Concept, CqlError, Date, Interval, Long, Quantity, Ratio, Tuple, Uncertainty, ValueSet
from ecqm.values.text import parse_datetime, to_cql


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (3, "3"),
        (Long(3), "3L"),
        (Decimal(3), "3.0"),
        (Decimal("1E+2"), "100.0"),
        (Decimal("0.00000001"), "0.00000001"),
        ("it's\na \\", r"'it\'s\na \\'"),
        (Quantity(Decimal("1.50"), "mg/dL"), "1.50 'mg/dL'"),
        (Quantity(Decimal(3), "days"), "3 days"),
        (Quantity(Decimal(3)), "3 '1'"),
        (Ratio(Quantity(Decimal(1)), Quantity(Decimal(128))), "1 '1' : 128 '1'"),
        (Interval(Date(2012), None, True, False), "Interval[@2012, null)"),
        (Uncertainty(4, 16), "Interval[4, 16]"),
        ((1, None), "{ 1, null }"),
        ((), "{ }"),
        (Tuple(a=1, b="x"), "Tuple { a: 1, b: 'x' }"),
        (Tuple(), "Tuple { : }"),
        (Code("a", "s", display="A"), "Code { code: 'a', system: 's', display: 'A' }"),
        (Concept((Code("a"),)), "Concept { codes: { Code { code: 'a' } } }"),
        (ValueSet("urn:x"), "ValueSet { id: 'urn:x' }"),
    ],
)
def test_values_are_written_as_cql(value: Any, text: str) -> None:
    assert to_cql(value) == text


def test_foreign_objects_are_refused() -> None:
    with pytest.raises(TypeError):
        to_cql(1.5)


def test_only_digits_of_ascii_make_a_date() -> None:
    with pytest.raises(CqlError):
        parse_datetime("٢٠١٢")
