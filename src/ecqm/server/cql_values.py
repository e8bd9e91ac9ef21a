"""Parameters of FHIR as CQL values (Using CQL with FHIR, "FHIR Type Mapping"): the way back of `fhir_values`.

The extension cqf-cqlType gives the type of a value; without it, it is the type that FHIR's datatype maps to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any

from ecqm import types as t
from ecqm.measures.results.fhir_elements import Json
from ecqm.server.fhir_values import (
    CQL_TYPE,
    ELEMENT,
    EMPTY_LIST,
    EMPTY_TUPLE,
    PRECISION_CODES,
    TIME_DATE,
    TIME_PRECISION,
)
from ecqm.types import ANY, CqlType, IntervalType, ListType, TupleType, parse_type
from ecqm.values import Code, Concept, CqlError, Interval, Long, Quantity, Ratio, Tuple
from ecqm.values.text import parse_date, parse_datetime, parse_time
from ecqm.values.units import CALENDAR_UNITS

# How many parts of a time are known at a precision.
_KNOWN_PARTS = {PRECISION_CODES["hour"]: 1, PRECISION_CODES["minute"]: 2}


class UnreadableParameter(ValueError):
    """A parameter that has no CQL value; the message names it."""


def value_of(parameters: Sequence[Json]) -> tuple[Any, CqlType]:
    """The value and the type that parameters of one name stand for. Raises UnreadableParameter."""
    first = parameters[0]
    type_ = _stated_type(first)
    try:
        if isinstance(type_, ListType) or len(parameters) > 1:
            element = type_.element if isinstance(type_, ListType) else type_ or _implied_type(first)
            return _list(parameters, element), ListType(element)
        type_ = type_ or _implied_type(first)
        return _value(first, type_), type_
    except (CqlError, KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise UnreadableParameter(f"parameter {first.get('name')} cannot be read: {error}") from error


def by_name(parameters: Iterable[Json]) -> dict[str, list[Json]]:
    """Parameters, or parts of one, by their names."""
    named: dict[str, list[Json]] = {}
    for parameter in parameters:
        named.setdefault(parameter["name"], []).append(parameter)
    return named


def _stated_type(parameter: Json) -> CqlType | None:
    stated = _extension(parameter, CQL_TYPE)
    if stated is None:
        return None
    try:
        return parse_type(stated["valueString"].replace(":", " "))
    except (t.TypeSyntaxError, KeyError, RecursionError) as error:
        raise UnreadableParameter(
            f"parameter {parameter.get('name')} has a type that cannot be read: {error}"
        ) from error


def _extension(element: Json, url: str) -> Json | None:
    extensions = element.get("extension", ())
    return next((extension for extension in extensions if extension.get("url") == url), None)


def _list(parameters: Sequence[Json], element: CqlType) -> tuple[Any, ...] | None:
    """A list from a parameter for each element; from a single one, it may be null, empty, or have its elements as
    parts."""
    if len(parameters) == 1:
        (only,) = parameters
        if _extension(only.get("_valueBoolean", {}), EMPTY_LIST) is not None:
            return ()
        if not _has_value(only):
            return None
        if "part" in only and not isinstance(element, ListType) and all(p.get("name") == ELEMENT for p in only["part"]):
            parameters = only["part"]
    return tuple(_value(parameter, element) for parameter in parameters)


def _has_value(parameter: Json) -> bool:
    marks = parameter.get("_valueBoolean", {})
    return any(name.startswith(("value", "part")) for name in parameter) or _extension(marks, EMPTY_TUPLE) is not None


def _value(parameter: Json, type_: CqlType) -> Any:
    """The value of one parameter: null if there is none, of the type that it has where `type_` leaves that open."""
    marks = parameter.get("_valueBoolean", {})
    if _extension(marks, EMPTY_TUPLE) is not None:
        return Tuple()
    if "part" in parameter:
        return _parts(parameter["part"], type_)
    if _extension(marks, EMPTY_LIST) is not None:
        return ()
    members = {name: value for name, value in parameter.items() if name.startswith("value")}
    if not members:
        return None
    ((member, value),) = members.items()
    if isinstance(type_, IntervalType):
        return _interval(value, type_.point)
    if type_ == t.LONG:
        return Long(value)
    if member not in _DATATYPES:
        raise CqlError(f"{member} has no CQL type")
    read = _DATATYPES[member][1]
    return read(value, parameter.get(f"_{member}", {}))


def _parts(parts: Sequence[Json], type_: CqlType) -> Any:
    """A tuple, or a list in a list."""
    if isinstance(type_, ListType):
        return tuple(_value(part, type_.element) for part in parts)
    types = dict(type_.elements) if isinstance(type_, TupleType) else {}
    return Tuple({name: _element(each, types.get(name)) for name, each in by_name(parts).items()})


def _element(parts: Sequence[Json], type_: CqlType | None) -> Any:
    """The value of an element of a tuple; its type is that of the tuple, or implied by the value."""
    if isinstance(type_, ListType):
        return _list(parts, type_.element)
    return _value(parts[0], type_) if type_ is not None else value_of(parts)[0]


# -- values of FHIR's datatypes ---------------------------------------------------------------------------------------


def _integer(value: Any) -> int:
    if not isinstance(value, int):
        raise CqlError(f"{value} is not a whole number")
    return value


def _datetime(text: str, marks: Json) -> Any:
    value = parse_datetime(text)
    parts = _parts_known(marks)
    return value if parts is None else type(value).from_fields(value.fields[: 3 + parts], value.offset)


def _time(text: str, marks: Json) -> Any:
    value = parse_time(text)
    parts = _parts_known(marks)
    return value if parts is None else type(value)(*value.fields[:parts])


def _parts_known(marks: Json) -> int | None:
    found = _extension(marks, TIME_PRECISION)
    return None if found is None else _KNOWN_PARTS.get(found["valueCode"])


def _quantity(value: Json) -> Quantity:
    # A calendar duration may have the code of the UCUM unit that is nearest to it.
    unit: str = value.get("unit", "1")
    return Quantity(Decimal(value["value"]), unit if unit in CALENDAR_UNITS else value.get("code", unit))


def _code(value: Json) -> Code:
    return Code(value.get("code"), value.get("system"), value.get("version"), value.get("display"))


def _concept(value: Json) -> Concept:
    return Concept(tuple(map(_code, value.get("coding", ()))), value.get("text"))


def _ratio(value: Json) -> Ratio:
    return Ratio(_quantity(value["numerator"]), _quantity(value["denominator"]))


def _interval(value: Json, point: CqlType) -> Interval:
    """An interval of closed boundaries; those that are left out are unknown, but the end of a Period is its maximum."""
    if point in (t.DATE, t.DATETIME, t.TIME):
        low, high = (_point(value, name, point) for name in ("start", "end"))
        return Interval(low, high, low is not None, high is not None or "_end" not in value)
    low, high = (_number(value.get(name), point) for name in ("low", "high"))
    return Interval(low, high, low is not None, high is not None)


def _point(period: Json, name: str, point: CqlType) -> Any:
    text, marks = period.get(name), period.get(f"_{name}", {})
    if text is None:
        return None
    if point == t.DATE:
        return parse_date(text)
    if point == t.TIME:
        return _time(text.removeprefix(TIME_DATE).removesuffix("Z"), marks)
    return _datetime(text, marks)


def _number(quantity: Json | None, point: CqlType) -> Any:
    if quantity is None:
        return None
    if point in (t.INTEGER, t.LONG):
        return (Long if point == t.LONG else int)(quantity["value"])
    return _quantity(quantity) if point == t.QUANTITY else Decimal(quantity["value"])


_Reader = Callable[[Any, Json], Any]
_TEXT: tuple[CqlType, _Reader] = (t.STRING, lambda value, marks: str(value))
_WHOLE: tuple[CqlType, _Reader] = (t.INTEGER, lambda value, marks: _integer(value))
_TEXTS = ("String", "Code", "Id", "Uri", "Url", "Canonical", "Markdown", "Oid", "Uuid")

# The CQL type that a datatype maps to, and how its values are read.
_DATATYPES: dict[str, tuple[CqlType, _Reader]] = {
    "valueBoolean": (t.BOOLEAN, lambda value, marks: bool(value)),
    **dict.fromkeys(("valueInteger", "valuePositiveInt", "valueUnsignedInt"), _WHOLE),
    "valueDecimal": (t.DECIMAL, lambda value, marks: Decimal(value)),
    "valueDate": (t.DATE, lambda value, marks: parse_date(value)),
    "valueDateTime": (t.DATETIME, _datetime),
    "valueInstant": (t.DATETIME, _datetime),
    "valueTime": (t.TIME, _time),
    **{f"value{kind}": _TEXT for kind in _TEXTS},
    "valueQuantity": (t.QUANTITY, lambda value, marks: _quantity(value)),
    "valueRatio": (t.RATIO, lambda value, marks: _ratio(value)),
    "valueCoding": (t.CODE, lambda value, marks: _code(value)),
    "valueCodeableConcept": (t.CONCEPT, lambda value, marks: _concept(value)),
    "valuePeriod": (IntervalType(t.DATETIME), lambda value, marks: _interval(value, t.DATETIME)),
    "valueRange": (IntervalType(t.QUANTITY), lambda value, marks: _interval(value, t.QUANTITY)),
}


def _implied_type(parameter: Json) -> CqlType:
    """The CQL type that the datatype of a parameter maps to."""
    if "part" in parameter:
        named = by_name(parameter["part"])
        return TupleType(tuple((name, value_of(parts)[1]) for name, parts in named.items()))
    return next((_DATATYPES[name][0] for name in parameter if name in _DATATYPES), ANY)
