"""Quantity and Ratio (CQL reference, System types)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number with a unit: a UCUM code (`mg/dL`) or the keyword of a calendar duration (`year`, `days`)."""

    value: Decimal
    unit: str = "1"

    def __post_init__(self) -> None:
        if not isinstance(self.value, Decimal):
            object.__setattr__(self, "value", Decimal(self.value))
        if not self.unit:
            object.__setattr__(self, "unit", "1")


@dataclass(frozen=True, slots=True)
class Ratio:
    """The ratio of two quantities, not reduced (a titre of 1:128 is not 2:256)."""

    numerator: Quantity
    denominator: Quantity
