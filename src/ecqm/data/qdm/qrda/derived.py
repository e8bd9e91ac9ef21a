"""Attributes that QRDA has no place for because they follow from others."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from ecqm.data.qdm.structs import Quantity


def length_of_stay(period: Any) -> Quantity | None:
    """Days between admission and discharge (QDM, "Length of Stay"): QRDA tells it by the period."""
    if period is None or not period.low or not period.high:
        return None
    try:
        admitted, discharged = (date.fromisoformat(text[:10]) for text in (period.low, period.high))
    except ValueError:
        return None
    return Quantity(Decimal((discharged - admitted).days), "d")


def principal_diagnosis(diagnoses: Sequence[Any] | None) -> Any:
    """The code of the diagnosis with a rank of 1, which QDM 5.3 and 5.4 have as an attribute of its own; or None."""
    return next((each.code for each in diagnoses or () if each.rank == 1), None)
