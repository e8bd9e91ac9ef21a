"""JSON values as values of the types that the model gives them.

The data have been written by many tools over ten years: one thing where the model has a list, a component where it
has a code, numbers as text. What can only be meant in one way is taken that way; for the rest `Unfit` says what it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from ecqm.data.qdm.structs import SYSTEM_STRUCTS, TAG, Code, Period, QdmStructs, Quantity, Range, Ratio
from ecqm.types import (
    BOOLEAN,
    CODE,
    DATE,
    DATETIME,
    DECIMAL,
    INTEGER,
    QUANTITY,
    RATIO,
    STRING,
    TIME,
    ChoiceType,
    CqlType,
    IntervalType,
    ListType,
    NamedType,
)

_DIGITS = 19
_TIME = re.compile(r"\d\d:\d\d")
_DATE = re.compile(r"\d{4}-\d\d(-\d\d)?$")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT")


class Unfit(ValueError):
    """A value that is not of the type it should have."""


def fit(value: Any, type_: CqlType, structs: QdmStructs) -> Any:
    """A JSON value as a struct, a primitive or a list of them; None for null. Raises Unfit."""
    if value is None:
        return None
    if isinstance(type_, ListType):
        items = value if isinstance(value, list) else [value]
        return [fit(item, type_.element, structs) for item in items if item is not None]
    if isinstance(value, list):
        if len(value) > 1:
            raise Unfit(f"{len(value)} values where one is expected")
        return fit(value[0], type_, structs) if value else None
    if isinstance(type_, ChoiceType):
        return fit(value, type_of(value, type_.choices), structs)
    if isinstance(value, msgspec.Struct):
        return _part_as(value, type_)
    if isinstance(type_, NamedType) and type_.model == "QDM":
        return _part(value, type_, structs)
    if isinstance(value, dict):
        value = _restated(value, type_)
    return _system(value, type_)


def _part_as(value: msgspec.Struct, type_: CqlType) -> Any:
    """A struct as what a type holds: itself, or of a component its code where the type is of codes."""
    found = _STRUCT_TYPES.get(type(value))
    if type_ == CODE and found is None and hasattr(value, "code"):
        return value.code
    if found == type_ or (found is None and isinstance(type_, NamedType) and type_.model == "QDM"):
        return value
    raise Unfit(f"{type(value).__name__} values where {type_} is expected")


def _restated(value: dict[str, Any], type_: CqlType) -> Any:
    """An object as later or earlier versions would write what the type holds."""
    if type_ == CODE and isinstance(value.get("code"), dict):
        return value["code"]
    if type_ == STRING:
        return value.get("value")
    if type_ == IntervalType(QUANTITY):
        bounds = {name: value.get(name) for name in ("low", "high")}
        return {
            **value,
            **{name: b if b is None or isinstance(b, dict) else {"value": b} for name, b in bounds.items()},
        }
    return value


def exact(time: str) -> str:
    """A time of ISO 8601 to the millisecond if it has a day: what is not written of the time of day is zero."""
    day, _, clock = time.partition("T")
    if len(day) != 10:
        return time
    known = re.match(r"[\d:.]*", clock)
    written = known.group() if known is not None else ""
    zone = clock[len(written) :]
    return f"{day}T{written}{'00:00:00.000'[len(written) :]}{zone}"


def whole_number(value: Decimal) -> int | None:
    """A number as an integer; None if it is none, or not one of 64 bits."""
    if not value.is_finite() or value.adjusted() > _DIGITS or value != value.to_integral_value():
        return None
    whole = int(value)
    return whole if abs(whole) < 1 << 63 else None


def _system(value: Any, type_: CqlType) -> Any:
    if type_ == INTEGER and isinstance(value, Decimal):
        value = value if (whole := whole_number(value)) is None else whole
    try:
        return msgspec.convert(value, SYSTEM_STRUCTS[type_], strict=False)
    except (msgspec.ValidationError, KeyError) as error:
        raise Unfit(f"{str(value)[:60]!r} is no {type_}") from error


def _part(value: Any, type_: NamedType, structs: QdmStructs) -> Any:
    if not isinstance(value, dict):
        raise Unfit(f"{str(value)[:60]!r} is no {type_.name}")
    struct = structs.part(type_.name)
    attributes = structs.attributes(type_.name)
    if isinstance(value.get("code"), str) and "code" in attributes:
        # Where later versions have a component, the data of earlier ones have its code alone.
        value = {"code": value}
    return struct(**{name: fit(value.get(name), each.type, structs) for name, each in attributes.items()})


def fitted(patient: Any, structs: QdmStructs, report: Callable[[int, str], None]) -> Any:
    """A patient (of `structs`) with every attribute in the form that the model has, none as it came in JSON.

    `report` takes the number of an element, and what of it is not of its type and so is left out.
    """
    for number, element in enumerate(patient.dataElements or ()):
        _fit_attributes(element, structs, lambda message, number=number: report(number, message))  # type: ignore[misc]
    return patient


def _fit_attributes(holder: Any, structs: QdmStructs, report: Callable[[str], None]) -> None:
    """The attributes of an element or part, and of the parts that it has."""
    for name in holder.__struct_fields__:
        if isinstance(value := getattr(holder, name), list):
            setattr(holder, name, [each for each in value if each is not None])
    for name, attribute in structs.attributes(type(holder).__name__).items():
        if name in ("id", "code") and type(holder).__name__ in structs.data_types:
            continue
        value = getattr(holder, name)
        if structs.annotation(attribute) is Any and name != "id":
            try:
                setattr(holder, name, fit(value, attribute.type, structs))
            except Unfit as error:
                report(f"{name}: {error}")
                setattr(holder, name, None)
        for part in value if isinstance(value, list) else ():
            if isinstance(part, msgspec.Struct) and type(part) not in _STRUCT_TYPES:
                _fit_attributes(part, structs, report)


def type_of(value: Any, choices: Sequence[CqlType]) -> CqlType:
    """Which of the alternatives of a choice a JSON value is of. Raises Unfit."""
    found = _named_type(value, choices) if isinstance(value, dict) else _shape(value)
    if found in choices:
        return found
    if found == INTEGER and DECIMAL in choices:
        return DECIMAL
    if _is_system(found) and any(map(_is_system, choices)):
        # Data have results of more types than the model lists for the data type.
        return found
    raise Unfit(f"{str(value)[:60]!r} is none of {', '.join(map(str, choices))}")


def _is_system(type_: CqlType) -> bool:
    return isinstance(type_, NamedType) and type_.model == "System"


def _named_type(value: dict[str, Any], choices: Sequence[CqlType]) -> CqlType:
    named = str(value.get("_type") or "").removeprefix(TAG)
    for choice in choices:
        if isinstance(choice, NamedType) and choice.model == "QDM" and choice.name == named:
            return choice
    if "numerator" in value:
        return RATIO
    if "low" in value or "high" in value:
        bound = value.get("low") or value.get("high")
        return IntervalType(QUANTITY if isinstance(bound, dict) else DATETIME)
    if "value" in value and "namingSystem" not in value:
        return QUANTITY
    if "code" in value:
        return CODE
    raise Unfit(f"an object with {', '.join(sorted(value)) or 'nothing'}")


def _shape(value: Any) -> CqlType:
    if isinstance(value, bool):
        return BOOLEAN
    if isinstance(value, int):
        return INTEGER
    if isinstance(value, (float, Decimal)):
        # JSON does not tell 4 from 4.0, and tools write either.
        return DECIMAL if whole_number(Decimal(value)) is None else INTEGER
    if isinstance(value, msgspec.Struct):
        return _STRUCT_TYPES.get(type(value)) or NamedType("QDM", type(value).__name__)
    text = str(value)
    for pattern, type_ in ((_INSTANT, DATETIME), (_DATE, DATE), (_TIME, TIME)):
        if pattern.match(text):
            return type_
    return STRING


_STRUCT_TYPES: dict[type, CqlType] = {
    Code: CODE,
    Quantity: QUANTITY,
    Ratio: RATIO,
    Period: IntervalType(DATETIME),
    Range: IntervalType(QUANTITY),
}
