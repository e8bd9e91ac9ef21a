"""CQL values as parameters of FHIR (Using CQL with FHIR, "FHIR Type Mapping").

    return: valueInteger, valueString …   a value, with its CQL type in the extension cqf-cqlType
    several parameters of one name        a list; elements that are lists have parts named `element`, and so has a list
                                          of one null, which would look like a list that is null
    parts                                 a tuple
    _valueBoolean with an extension       null (data-absent-reason), an empty list (cqf-isEmptyList) or tuple

Range and Period have closed boundaries: an open one becomes the point next to it, and a closed null (the minimum or
maximum of the point type) becomes that value. What is left out is unknown. Longs are strings, as R4 has no integer64.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

from ecqm.columns import ResourceRow
from ecqm.measures.results.fhir_elements import Json, coding, unit_of_quantity
from ecqm.reporting.notation import resource_name
from ecqm.types import DECIMAL, INTEGER, CqlType, IntervalType, ListType, TupleType
from ecqm.values import (
    Code,
    Concept,
    CqlError,
    Date,
    DateTime,
    Interval,
    Long,
    Quantity,
    Ratio,
    Time,
    Tuple,
    Uncertainty,
)
from ecqm.values.clinical import Vocabulary
from ecqm.values.steps import maximum, maximum_like, minimum, minimum_like, predecessor, successor
from ecqm.values.text import iso_text, offset_text

_EXTENSIONS = "http://hl7.org/fhir/StructureDefinition/"
CQL_TYPE = _EXTENSIONS + "cqf-cqlType"
EMPTY_LIST = _EXTENSIONS + "cqf-isEmptyList"
EMPTY_TUPLE = _EXTENSIONS + "cqf-isEmptyTuple"
ABSENT = _EXTENSIONS + "data-absent-reason"
TIME_PRECISION = _EXTENSIONS + "time-precision"

# FHIR writes times to the second; the codes (of UCUM) tell of a time that is less precise.
PRECISION_CODES = {"hour": "h", "minute": "min"}
_MISSING = {"hour": ":00:00", "minute": ":00"}
# The date of the dateTime that stands for a time in a Period.
TIME_DATE = "0001-01-01T"
_UNITY = "1"
# The name of the parts of a list that has no name of its own.
ELEMENT = "element"

FindResource = Callable[[ResourceRow], Json | None]
"""The JSON of a resource, if it is at hand."""


def parameters_of(name: str, value: Any, type_: CqlType, find: FindResource = lambda row: None) -> list[Json]:
    """The parameters of one name that stand for a value, each with its CQL type.

    Resources that are not found are References. Raises CqlError for an interval without a closed form.
    """
    type_ = _actual(type_, value)
    marked = {"extension": [{"url": CQL_TYPE, "valueString": type_name(type_)}], "name": name}
    return [{**marked, **members} for members in _repeated(value, type_, find)]


def _actual(type_: CqlType, value: Any) -> CqlType:
    """The type of a value where it is not that of its expression: of an uncertainty, and of intervals of integers that
    are expanded per a decimal (CQL reference, Expand)."""
    match type_, value:
        case _, Uncertainty():
            return IntervalType(type_)
        case ListType(element), (first, *_):
            return ListType(_actual(element, first))
        case IntervalType(point), Interval(low=Decimal()) if point == INTEGER:
            return IntervalType(DECIMAL)
    return type_


def type_name(type_: CqlType) -> str:
    """The qualified name of a type as cqf-cqlType has it: `Tuple{id:System.Integer,name:System.String}`."""
    match type_:
        case ListType(element):
            return f"List<{type_name(element)}>"
        case IntervalType(point):
            return f"Interval<{type_name(point)}>"
        case TupleType(elements):
            return "Tuple{" + ",".join(f"{name}:{type_name(each)}" for name, each in elements) + "}"
    return str(type_).replace(", ", ",")


def _repeated(value: Any, type_: CqlType, find: FindResource) -> list[Json]:
    """The members (`value[x]`, `part` or `resource`) of each parameter that stands for a value."""
    if not isinstance(value, tuple | list):
        return [_members(value, type_, find)]
    element = type_.element if isinstance(type_, ListType) else type_
    members = [_members(each, element, find) for each in value]
    if len(value) == 1 and value[0] is None:
        # A parameter without a value is a list that is null.
        return [_as_parts(members)]
    return members or [_extended("valueBoolean", EMPTY_LIST, True)]


def _as_parts(elements: list[Json]) -> Json:
    """The parts of a list that cannot be several parameters."""
    return {"part": [{"name": ELEMENT, **members} for members in elements]}


def _members(value: Any, type_: CqlType, find: FindResource) -> Json:
    match value:
        case None:
            return _extended("valueBoolean", ABSENT, "unknown")
        case tuple() | list():
            element = type_.element if isinstance(type_, ListType) else type_
            parts = [_members(each, element, find) for each in value]
            return _as_parts(parts) if parts else _extended("valueBoolean", EMPTY_LIST, True)
        case Tuple() if value.type_name is not None and (name := value.type_name.rpartition(".")[2]) in _OPEN_TYPES:
            return {f"value{name}": _datatype(value)}
        case Tuple():
            return _tuple(value, type_, find)
        case ResourceRow():
            resource = find(value)
            named = {"valueReference": {"reference": resource_name(value)}}
            return named if resource is None else {"resource": resource}
        case Interval():
            return _interval(value, type_)
        case Uncertainty(low, high):
            return _bounded(low, high)
    return _primitive(value) or {f"value{_DATATYPES[type(value)]}": element_of(value)}


def _tuple(value: Tuple, type_: CqlType, find: FindResource) -> Json:
    if not value:
        return _extended("valueBoolean", EMPTY_TUPLE, True)
    types = dict(type_.elements) if isinstance(type_, TupleType) else {}
    parts = [
        {"name": name, **members}
        for name, element in value.items()
        for members in _repeated(element, types.get(name, type_), find)
    ]
    return {"part": parts}


# -- values of FHIR's datatypes ---------------------------------------------------------------------------------------

# Datatypes that a parameter may have (FHIR R4, Open Type Element), of those without elements of several types.
_OPEN_TYPES = frozenset(
    [
        *("Address", "Age", "Attachment", "CodeableConcept", "Coding", "ContactDetail", "ContactPoint", "Count"),
        *("Distance", "Duration", "Expression", "HumanName", "Identifier", "Meta", "Money", "ParameterDefinition"),
        *("Period", "Quantity", "Range", "Ratio", "Reference", "SampledData"),
    ]
)

_DATATYPES: dict[type, str] = {
    Quantity: "Quantity",
    Ratio: "Ratio",
    Code: "Coding",
    Concept: "CodeableConcept",
}


def element_of(value: Any) -> Json:
    """A value as an element of a complex datatype."""
    match value:
        case Quantity(number, unit):
            return {"value": number, **unit_of_quantity(unit)}
        case Ratio(numerator, denominator):
            return {"numerator": element_of(numerator), "denominator": element_of(denominator)}
        case Code():
            return coding(value)
        case Concept(codes, display):
            text = {} if display is None else {"text": display}
            return {"coding": [coding(code) for code in codes if code is not None], **text}
    raise TypeError(f"{type(value).__name__} is not a kind of CQL value")


def _datatype(value: Any) -> Any:
    """An instance of a class of FHIR as JSON."""
    match value:
        case Tuple():
            return {name: _datatype(element) for name, element in value.items() if element is not None}
        case tuple() | list():
            return [_datatype(element) for element in value]
        case Date() | DateTime() | Time():
            return next(_temporal("", value))[1]
        case bool() | int() | Decimal() | str():
            return value
    return element_of(value)


def _primitive(value: Any) -> Json | None:
    match value:
        case bool():
            return {"valueBoolean": value}
        case Long():
            return {"valueString": str(int(value))}
        case int():
            return {"valueInteger": value}
        case Decimal():
            return {"valueDecimal": value}
        case str():
            return {"valueString": value}
        case Date():
            return {"valueDate": iso_text(value)}
        case DateTime() | Time():
            return dict(_temporal("valueTime" if isinstance(value, Time) else "valueDateTime", value))
        case Vocabulary():
            return {"valueCanonical": f"{value.id}|{value.version}" if value.version else value.id}
    return None


def _temporal(name: str, value: Date | DateTime | Time, date: str = "") -> Iterator[tuple[str, Any]]:
    """The element of a date or time: its text, and an extension if it is less precise than FHIR can write."""
    text = iso_text(value)
    zone = offset_text(0) if date else ""
    if isinstance(value, DateTime) and "T" in text:
        zone = offset_text(value.offset or 0)
        text = text.removesuffix(offset_text(value.offset))
    yield name, f"{date}{text}{_MISSING.get(value.precision, '')}{zone}"
    if value.precision in PRECISION_CODES:
        yield f"_{name}", _extension(TIME_PRECISION, PRECISION_CODES[value.precision])


# -- intervals --------------------------------------------------------------------------------------------------------


def _interval(value: Interval, type_: CqlType) -> Json:
    point = type_.point if isinstance(type_, IntervalType) else None
    if value.low is None and value.high is None and point is None:
        raise CqlError("an interval without boundaries and without a point type has no form in FHIR")
    low, high = value.low, value.high
    if low is not None and not value.low_closed:
        low = successor(low)
    elif low is None and value.low_closed:
        low = minimum(point) if high is None and point is not None else minimum_like(high)
    if high is not None and not value.high_closed:
        high = predecessor(high)
    elif high is None and value.high_closed:
        high = maximum(point) if low is None and point is not None else maximum_like(low)
    return _bounded(low, high, point)


def _bounded(low: Any, high: Any, point: CqlType | None = None) -> Json:
    """A Range or Period of closed boundaries; None is an unknown boundary."""
    known = high if low is None else low
    temporal = isinstance(known, Date | DateTime | Time) or str(point) in (
        "System.Date",
        "System.DateTime",
        "System.Time",
    )
    if temporal:
        return {"valuePeriod": {**_boundary("start", low), **_boundary("end", high)}}
    bounds = {name: _quantity(bound) for name, bound in (("low", low), ("high", high)) if bound is not None}
    return {"valueRange": bounds or _extension(ABSENT, "unknown")}


def _boundary(name: str, value: Date | DateTime | Time | None) -> Json:
    if value is None:
        return _extended(name, ABSENT, "unknown")
    return dict(_temporal(name, value, TIME_DATE if isinstance(value, Time) else ""))


def _quantity(value: Any) -> Json:
    return element_of(value if isinstance(value, Quantity) else Quantity(Decimal(value), _UNITY))


def _extended(name: str, url: str, value: bool | str) -> Json:
    """A primitive element without a value, but with an extension that says why."""
    return {f"_{name}": _extension(url, value)}


def _extension(url: str, value: bool | str) -> Json:
    kind = "valueBoolean" if isinstance(value, bool) else "valueCode"
    return {"extension": [{"url": url, kind: value}]}
