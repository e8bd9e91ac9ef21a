"""The measurement period that a library states, as the default of its parameter "Measurement Period".

Measures in draft may have no effective period; then the default applies (CQL author's guide, Parameters).
"""

from __future__ import annotations

from decimal import Decimal

from ecqm.elm import IndexedLibrary
from ecqm.elm import nodes as elm
from ecqm.values import DateTime
from ecqm.values.steps import predecessor, successor
from ecqm.values.text import iso_text

_PARAMETER = "Measurement Period"
_PARTS = ("year", "month", "day", "hour", "minute", "second", "millisecond")


def default_period(library: IndexedLibrary) -> tuple[str | None, str | None]:
    """The start and end of the default, as FHIR writes them; (None, None) if there is none, or not of literals."""
    parameter = library.parameters.get(_PARAMETER)
    default = None if parameter is None else parameter.default
    low, high = (_point(default.low), _point(default.high)) if isinstance(default, elm.Interval) else (None, None)
    if low is None or high is None:
        return None, None
    assert isinstance(default, elm.Interval)
    start = low if default.lowClosed is not False else successor(low)
    end = high if default.highClosed is not False else predecessor(high)
    return iso_text(start), iso_text(end)


def _point(node: elm.Expression | None) -> DateTime | None:
    """The value of a DateTime of literals; None for other nodes."""
    if not isinstance(node, elm.DateTime):
        return None
    parts = [getattr(node, name) for name in (*_PARTS, "timezoneOffset")]
    if not all(part is None or isinstance(part, elm.Literal) for part in parts):
        return None
    *fields, offset = (None if part is None else Decimal(part.value) for part in parts)
    year, month, day, hour, minute, second, millisecond = (None if field is None else int(field) for field in fields)
    if year is None:
        return None
    return DateTime(year, month, day, hour, minute, second, millisecond, None if offset is None else int(offset * 60))
