"""Choosing an overload by run-time values, with the implicit conversions of CQL.

The translator resolves calls by static types. Choices, ELM without types, and calls from Python have to be resolved by
the types that the values show.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ecqm import types as t
from ecqm.columns.record import ResourceRow
from ecqm.values import (
    Code,
    CodeSystem,
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
    ValueSet,
)

if TYPE_CHECKING:
    from ecqm.operators.registry import Operator, Overload

_KINDS: dict[type, t.CqlType] = {
    bool: t.BOOLEAN,
    int: t.INTEGER,
    Long: t.LONG,
    Decimal: t.DECIMAL,
    str: t.STRING,
    Date: t.DATE,
    DateTime: t.DATETIME,
    Time: t.TIME,
    Quantity: t.QUANTITY,
    Ratio: t.RATIO,
    Code: t.CODE,
    Concept: t.CONCEPT,
    ValueSet: t.VALUE_SET,
    CodeSystem: t.CODE_SYSTEM,
}


def type_of(value: Any) -> t.CqlType:
    """The CQL type of a value, `Any` where the value does not show it (null, the elements of an empty list).
    Raises TypeError if it is not a CQL value."""
    kind = _KINDS.get(type(value))
    if kind is not None:
        return kind
    match value:
        case None:
            return t.ANY
        case Uncertainty(low, high):
            return _common(map(type_of, (low, high)))
        case Interval(low, high):
            return t.IntervalType(_common(map(type_of, (low, high))))
        case tuple() | list():
            return t.ListType(_common(map(type_of, value)))
        case Tuple(type_name=str() as name):
            return t.parse_type(name)
        case ResourceRow(table):
            return t.NamedType(table.model, table.resource_type)
        case Tuple():
            return t.TupleType(tuple((name, type_of(element)) for name, element in value.items()))
    raise TypeError(f"{type(value).__name__} is not a kind of CQL value")


def _common(types: Iterable[t.CqlType]) -> t.CqlType:
    shown = {type_ for type_ in types if type_ != t.ANY}
    return shown.pop() if len(shown) == 1 else t.ANY


Conversion = Callable[[Any], Any]


def _date_to_datetime(value: Date) -> DateTime:
    return DateTime(*value.fields)


# The implicit conversions (source, target, function), in order of preference (CQL reference, conversion precedence).
_CONVERSIONS: tuple[tuple[t.CqlType, t.CqlType, Conversion], ...] = (
    (t.INTEGER, t.LONG, Long),
    (t.INTEGER, t.DECIMAL, Decimal),
    (t.LONG, t.DECIMAL, Decimal),
    (t.DATE, t.DATETIME, _date_to_datetime),
    (t.CODE, t.CONCEPT, lambda value: Concept((value,), value.display)),
    (t.INTEGER, t.QUANTITY, lambda value: Quantity(Decimal(value))),
    (t.LONG, t.QUANTITY, lambda value: Quantity(Decimal(value))),
    (t.DECIMAL, t.QUANTITY, Quantity),
)


def choose(
    operator: Operator, values: Sequence[Any], attributes: Collection[str] = ()
) -> tuple[Overload, Sequence[Any]]:
    """The overload of `operator` with these attributes for these values, and the values converted to its operand types.
    Raises CqlError if there is none."""
    types = [type_of(value) for value in values]
    found = operator.resolve(types, attributes)
    if found is not None:
        return found, values
    for source, target, convert in _CONVERSIONS:
        if source not in map(_innermost, types):
            continue
        converted = [_convert(value, source, convert) for value in values]
        converted_types = [type_of(value) for value in converted]
        found = operator.resolve(converted_types, attributes)
        if found is not None and target in map(_innermost, converted_types):
            return found, converted
    shown = ", ".join(str(type_).replace("System.", "") for type_ in types)
    raise CqlError(f"{operator.name} is not defined for ({shown})")


def _innermost(type_: t.CqlType) -> t.CqlType:
    """The element type of lists and the point type of intervals, however deeply nested."""
    match type_:
        case t.ListType(inner) | t.IntervalType(inner):
            return _innermost(inner)
    return type_


def _convert(value: Any, source: t.CqlType, convert: Conversion) -> Any:
    """`value` with every value of type `source` inside it converted."""
    match value:
        case tuple() | list():
            return tuple(_convert(element, source, convert) for element in value)
        case Interval(low, high):
            return replace(value, low=_convert(low, source, convert), high=_convert(high, source, convert))
        case Uncertainty(low, high):
            bounds = _convert(low, source, convert), _convert(high, source, convert)
            # Arithmetic is defined for uncertain numbers, not for uncertain quantities.
            return value if any(isinstance(bound, Quantity) for bound in bounds) else Uncertainty(*bounds)
    return convert(value) if type_of(value) == source else value
