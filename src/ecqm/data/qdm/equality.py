"""Whether two patients are the same: element by element, whatever form their values came in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal
from typing import Any

import msgspec

from ecqm.data.qdm.qrda.demographics import BIRTHDATE, CODED
from ecqm.data.qdm.qrda.derived import length_of_stay
from ecqm.data.qdm.structs import STORE_ID, Code, Period, Quantity, Range

# Digits of any number of data are kept, whatever its exponent.
_EXACT = Context(prec=1000, Emax=MAX_EMAX, Emin=MIN_EMIN)
# Elements that documents tell in their header, where there is no name for them.
_NAMELESS = frozenset((BIRTHDATE, *CODED))


def differences(first: Any, second: Any) -> list[str]:
    """What one patient (struct of `QdmStructs.patient`) has and the other has not; empty if they are the same.

    The order of elements does not matter, nor do the spelling of an offset or unit, or whether what is not there is
    null, empty, or an interval without boundaries. What follows from other values (the length of a stay from its
    period, the birth date as an element from that of the patient) may be told or not.
    """
    found = []
    if _value(first.birthDatetime) != _value(second.birthDatetime):
        found.append(f"birthDatetime {first.birthDatetime} and {second.birthDatetime}")
    one, other = (Counter(map(_element, _told(patient))) for patient in (first, second))
    for (kind, values), count in (one - other).items():
        rest = [had for named, had in (other - one) if named == kind and dict(had).get("id") == dict(values).get("id")]
        if rest:
            told = sorted(set(dict(values).items()) ^ set(dict(rest[0]).items()), key=str)
            found.append(f"{kind}: {'; '.join(f'{name} {value}' for name, value in told)}")
        else:
            found.append(f"{count} × {kind} with {dict(values)} in the first only")
    for (kind, values), count in (other - one).items():
        if not any(named == kind and dict(had).get("id") == dict(values).get("id") for named, had in (one - other)):
            found.append(f"{count} × {kind} with {dict(values)} in the second only")
    return found


def _told(patient: Any) -> Iterator[Any]:
    """The elements that say more than the patient does."""
    birth = _value(patient.birthDatetime)
    for element in patient.dataElements or ():
        if type(element).__name__ != BIRTHDATE or _value(element.birthDatetime) != birth:
            yield element


def _element(element: Any) -> tuple[str, tuple[tuple[str, Any], ...]]:
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
    return kind, tuple(sorted(values.items()))


def _value(value: Any) -> Any:
    """A value in the one form that tells it, hashable; None for what is not there."""
    if isinstance(value, list):
        items = tuple(each for each in map(_value, value) if each is not None)
        # Older versions have one value where later ones have a list.
        return items[0] if len(items) == 1 else items or None
    if isinstance(value, (Period, Range)):
        bounds = (_value(value.low), _value(value.high))
        closed = (value.lowClosed is not False, value.highClosed is not False)
        return (bounds, closed) if any(bounds) else None
    if isinstance(value, Quantity):
        unit = {"day": "d", "days": "d", None: "1", "": "1"}.get(value.unit, value.unit)
        if value.value is None:
            return None
        number = _EXACT.normalize(Decimal(value.value))
        # CDA writes a number and a quantity of the unit 1 alike.
        return number if unit == "1" else (number, unit)
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        return _EXACT.normalize(Decimal(value))
    if isinstance(value, msgspec.Struct):
        parts = {name: _value(getattr(value, name)) for name in value.__struct_fields__}
        known = tuple((name, part) for name, part in parts.items() if part is not None)
        return (type(value).__name__, known) if known else None
    if isinstance(value, dict):
        return tuple(sorted((name, part) for name, each in value.items() if (part := _value(each)) is not None)) or None
    return _text(value) if isinstance(value, str) else value


def _text(value: str) -> str | None:
    """A text; of a time, its offset in one spelling."""
    if len(value) > 16 and value[4] == "-" and value[10] == "T":
        if value.endswith("Z"):
            return value[:-1] + "+00:00"
        if value[-5] in "+-" and value[-4:].isdigit():
            return f"{value[:-2]}:{value[-2:]}"
    return value or None
