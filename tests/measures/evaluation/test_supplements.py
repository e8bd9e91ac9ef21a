"""Supplemental data: what is reported of the value of a define."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from ecqm.measures.evaluation.supplements import TupleSupplement, supplemental_values
from ecqm.values import Code, Concept, DateTime, Interval, Quantity, Tuple

MALE, WHITE = Code("M"), Code("2106-3")
TIME = DateTime(2026, 7, 21, 8, 5, 0, 0, 0)
WEIGHT = Tuple({"value": Decimal(170), "unit": "pounds", "code": "[lb_av]"}, "FHIR.Quantity")


@pytest.mark.parametrize(
    ("value", "reported"),
    [
        (None, []),
        (MALE, [MALE]),
        (Concept((MALE, WHITE)), [MALE, WHITE]),
        ((MALE, None, "x"), [MALE, "x"]),
        (Quantity(Decimal(3), "kg"), [Quantity(Decimal(3), "kg")]),
        (WEIGHT, [Quantity(Decimal(170), "[lb_av]")]),
        (Tuple({"value": Decimal(2)}, "FHIR.Quantity"), [Quantity(Decimal(2), "1")]),
        (Tuple(codes=(WHITE,), display="White"), [WHITE]),
        (Tuple(code=Concept((WHITE,)), period=Interval(TIME, None)), [WHITE]),
        (
            Tuple(encounter="e1", result=WEIGHT, time=TIME, none=None),
            [TupleSupplement((("encounter", "e1"), ("result", Quantity(Decimal(170), "[lb_av]")), ("time", TIME)))],
        ),
        (
            Tuple(results=(1, 2), period=Tuple({"start": TIME}, "FHIR.Period")),
            [TupleSupplement((("results", 1), ("results", 2), ("period.start", TIME)))],
        ),
        (
            Tuple(id="e1", type=(Concept((MALE,)), Concept((WHITE,))), stay=Tuple({"admitted": MALE}, "FHIR.Stay")),
            [TupleSupplement((("id", "e1"), ("type", MALE), ("type", WHITE), ("stay.admitted", MALE)))],
        ),
        (Tuple({"url": "u", "extension": (Tuple({"value": WHITE}, "FHIR.Extension"),)}, "FHIR.Extension"), [WHITE]),
        (Tuple({"value": None, "unit": "kg"}, "FHIR.Quantity"), [TupleSupplement((("unit", "kg"),))]),
        (Tuple(encounter=None), []),
    ],
)
def test_values_to_report(value: Any, reported: list[Any]) -> None:
    assert list(supplemental_values(value)) == reported
