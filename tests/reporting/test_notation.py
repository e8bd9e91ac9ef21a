"""Values as explanations show them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from ecqm.measures.explanation.values import PerRow, Unknown
from ecqm.reporting.notation import notation
from ecqm.values import Code, Interval, Quantity, Tuple


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (Quantity(Decimal("1.50"), "mg"), "1.50 'mg'"),
        (Interval(1, 5, True, False), "Interval[1, 5)"),
        ((), "{ }"),
        ((1, 2, 3), "{ 1, 2, 3 }"),
        ((1, 2, 3, 4), "{ 1, 2, 3, … } (4 elements)"),
        (((1, 2, 3, 4, 5), None), "{ { 1, 2, 3, … } (5 elements), null }"),
        (Tuple(a=1, b=None), "Tuple { a: 1, b: null }"),
        (Tuple({"start": None, "end": 1}, "FHIR.Period"), "FHIR.Period { end: 1 }"),
        (Code("c", "s"), "Code { code: 'c', system: 's' }"),
        (Unknown("no plan"), "? (no plan)"),
        (PerRow(5, 2, (True, False, True)), "true in 2 of 5 rows"),
        (PerRow(1, 0, (None,)), "true in 0 of 1 row"),
        (PerRow(4, None, (1, None, 3)), "in 4 rows: 1, null, 3, …"),
        (PerRow(0, None, ()), "no rows"),
    ],
)
def test_values_are_written_for_people(value: Any, text: str) -> None:
    assert notation(value) == text


def test_a_list_as_long_as_wanted() -> None:
    assert notation((1, 2, 3, 4, 5), 5) == "{ 1, 2, 3, 4, 5 }"
