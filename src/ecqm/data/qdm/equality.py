"""Whether two patients are the same: element by element, whatever form their values came in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal
from functools import singledispatch
from typing import Any, NamedTuple

import msgspec

from ecqm.data.qdm.qrda.demographics import BIRTHDATE, CODED
from ecqm.data.qdm.qrda.derived import length_of_stay
from ecqm.data.qdm.structs import STORE_ID, Code, Period, Quantity, Range

# Digits of any number of data are kept, whatever its exponent.
_EXACT = Context(prec=1000, Emax=MAX_EMAX, Emin=MIN_EMIN)
# Elements that documents tell in their header, where there is no name for them.
_NAMELESS = frozenset((BIRTHDATE, *CODED))


class _Known(NamedTuple):
    """What is known of an element: its data type, and its values by name, in order and comparable."""

    data_type: str
    values: tuple[tuple[str, Any], ...]

    def is_counterpart(self, other: _Known) -> bool:
        """Whether both are about one thing: they have the data type and the id in common."""
        return self.data_type == other.data_type and dict(self.values).get("id") == dict(other.values).get("id")


def differences(first: Any, second: Any) -> list[str]:
    """What one patient (struct of `QdmStructs.patient`) has and the other has not; empty if they are the same.

    The order of elements does not matter, nor do the spelling of an offset or unit, or whether what is not there is
    null, empty, or an interval without boundaries. What follows from other values (the length of a stay from its
    period, the birth date as an element from that of the patient) may be told or not.
    """
    found = []
    if _value(first.birthDatetime) != _value(second.birthDatetime):
        found.append(f"birthDatetime {first.birthDatetime} and {second.birthDatetime}")
    one, other = (Counter(map(_known, _told(patient))) for patient in (first, second))
    mine, theirs = one - other, other - one
    for element, count in mine.items():
        counterpart = next(filter(element.is_counterpart, theirs), None)
        if counterpart is None:
            found.append(f"{count} × {element.data_type} with {dict(element.values)} in the first only")
        else:
            told = sorted(set(element.values) ^ set(counterpart.values), key=str)
            found.append(f"{element.data_type}: {'; '.join(f'{name} {value}' for name, value in told)}")
    for element, count in theirs.items():
        if not any(map(element.is_counterpart, mine)):
            found.append(f"{count} × {element.data_type} with {dict(element.values)} in the second only")
    return found


def _told(patient: Any) -> Iterator[Any]:
    """The elements that say more than the patient does."""
    birth = _value(patient.birthDatetime)
    for element in patient.dataElements or ():
        if type(element).__name__ != BIRTHDATE or _value(element.birthDatetime) != birth:
            yield element


def _known(element: Any) -> _Known:
    kind = type(element).__name__
    values = {}
    for name in element.__struct_fields__:
        value = _value(getattr(element, name))
        if value is not None and name not in ("id", STORE_ID):
            values[name] = value
    if "lengthOfStay" in values and values["lengthOfStay"] == _value(length_of_stay(element.relevantPeriod)):
        del values["lengthOfStay"]
    if isinstance(getattr(element, "frequency", None), Code):
        # CDA has the time between doses and no name for it.
        values.pop("frequency", None)
        if element.frequency.code is not None:
            values["frequency"] = (element.frequency.system, element.frequency.code)
    if kind not in _NAMELESS:
        identifier = element.id if element.id is not None else getattr(element, STORE_ID, None)
        values["id"] = _value(identifier.get("value") if isinstance(identifier, dict) else identifier)
    return _Known(kind, tuple(sorted(values.items())))


@singledispatch
def _value(value: Any) -> Any:
    """A value in the one form that tells it, hashable; None for what is not there."""
    return value


@_value.register
def _several(value: list) -> Any:  # type: ignore[type-arg]
    items = tuple(each for each in map(_value, value) if each is not None)
    # Older versions have one value where later ones have a list.
    return items[0] if len(items) == 1 else items or None


@_value.register
def _interval(value: Period | Range) -> Any:
    bounds = (_value(value.low), _value(value.high))
    closed = (value.lowClosed is not False, value.highClosed is not False)
    return (bounds, closed) if any(bounds) else None


@_value.register
def _quantity(value: Quantity) -> Any:
    unit = {"day": "d", "days": "d", None: "1", "": "1"}.get(value.unit, value.unit)
    if value.value is None:
        return None
    number = _number(value.value)
    # CDA writes a number and a quantity of the unit 1 alike.
    return number if unit == "1" else (number, unit)


@_value.register
def _number(value: int | Decimal) -> Decimal:
    return _EXACT.normalize(Decimal(value))


@_value.register
def _boolean(value: bool) -> bool:
    return value


@_value.register
def _part(value: msgspec.Struct) -> Any:
    parts = {name: _value(getattr(value, name)) for name in value.__struct_fields__}
    known = tuple((name, part) for name, part in parts.items() if part is not None)
    return (type(value).__name__, known) if known else None


@_value.register
def _json_object(value: dict) -> Any:  # type: ignore[type-arg]
    return tuple(sorted((name, part) for name, each in value.items() if (part := _value(each)) is not None)) or None


@_value.register
def _text(value: str) -> str | None:
    """A text; of a time, its offset in one spelling."""
    if len(value) > 16 and value[4] == "-" and value[10] == "T":
        if value.endswith("Z"):
            return value[:-1] + "+00:00"
        if value[-5] in "+-" and value[-4:].isdigit():
            return f"{value[:-2]}:{value[-2:]}"
    return value or None
