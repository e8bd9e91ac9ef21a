"""From scalar values to columns: literals, parameters, and the results of operators that are evaluated on scalars."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt

from ecqm.columns.base import Column
from ecqm.columns.boolean import BooleanColumn
from ecqm.columns.code import CodeColumn, CodeDictionary, ConceptColumn
from ecqm.columns.interval import IntervalColumn
from ecqm.columns.join import merge
from ecqm.columns.number import DecimalColumn, IntegerColumn, narrow
from ecqm.columns.quantity import QuantityColumn
from ecqm.columns.ragged import ListColumn
from ecqm.columns.record import RecordColumn, ResourceColumn, ResourceRow
from ecqm.columns.scalar import ScalarColumn
from ecqm.columns.temporal import EPOCH_DAY, EPOCH_INSTANT, DateColumn, DateTimeColumn, TimeColumn
from ecqm.columns.text import StringColumn
from ecqm.columns.to_values import EXACT
from ecqm.kernels.calendar import MS_PER_MINUTE
from ecqm.kernels.segments import offsets_of_lengths
from ecqm.types import LONG, CqlType, IntervalType, NamedType, TupleType
from ecqm.values import Code, Concept, Date, DateTime, Interval, Long, Quantity, Time, Tuple, request_offset
from ecqm.values.numbers import places_of

Values = Sequence[Any]


def from_values(values: Values, codes: CodeDictionary) -> Column:
    """A column of scalar values (None for null); values of different kinds give a choice. Codes get ids of `codes`."""
    kinds: dict[_Kind, list[int]] = {}
    for row, value in enumerate(values):
        if value is not None:
            kinds.setdefault(_kind(value), []).append(row)
    pieces = []
    for (class_, _), rows in kinds.items():
        make = _FROM_VALUES.get(class_, _from_scalars)
        pieces.append((np.array(rows, np.int64), make([values[row] for row in rows], codes)))
    return merge(len(values), pieces)


# What the values of one column have in common: their class, and for some of them what else tells layouts apart.
_Kind = tuple[type, Hashable]


def _kind(value: Any) -> _Kind:
    if isinstance(value, ResourceRow):
        return ResourceRow, id(value.table)
    if isinstance(value, Tuple):
        # Instances of a class have only the elements that are not null, tuples all of them.
        return Tuple, value.type_name or frozenset(value)
    return tuple if isinstance(value, (tuple, list)) else type(value), None


def _from_booleans(values: Values, codes: CodeDictionary) -> Column:
    return BooleanColumn.of(np.array(values, np.bool_))


def _from_integers(values: Values, codes: CodeDictionary) -> Column:
    column = IntegerColumn(np.array(values, np.int64), np.ones(len(values), np.bool_))
    return column.retype(LONG) if isinstance(values[0], Long) else column


def _from_decimals(values: Values, codes: CodeDictionary) -> DecimalColumn:
    digits = [places_of(value) for value in values]
    scale = max(digits)
    unscaled = np.array([int(value.scaleb(scale, EXACT)) for value in values], object)
    has_zeros = any(count and not value.as_tuple().digits[-1] for count, value in zip(digits, values, strict=True))
    written = np.array(digits, np.int8) if has_zeros else None
    return DecimalColumn(narrow(unscaled), scale, np.ones(len(values), np.bool_), digits=written)


def _from_strings(values: Values, codes: CodeDictionary) -> Column:
    return StringColumn.of(values)


def _precisions(values: Values) -> npt.NDArray[np.uint8]:
    return np.array([value.rank for value in values], np.uint8)


def _from_dates(values: Values, codes: CodeDictionary) -> Column:
    low = np.array([value.ordinal() - EPOCH_DAY for value in values], np.int64)
    return DateColumn(low, _precisions(values), np.ones(len(values), np.bool_))


def _from_datetimes(values: Values, codes: CodeDictionary) -> Column:
    default = request_offset()
    offset = np.array([default if value.offset is None else value.offset for value in values], np.int16)
    local = np.array([value.ordinal() - EPOCH_INSTANT for value in values], np.int64)
    low = local - offset.astype(np.int64) * MS_PER_MINUTE
    return DateTimeColumn(low, _precisions(values), offset, np.ones(len(values), np.bool_))


def _from_times(values: Values, codes: CodeDictionary) -> Column:
    low = np.array([value.ordinal() for value in values], np.int64)
    return TimeColumn(low, _precisions(values), np.ones(len(values), np.bool_))


def _from_quantities(values: Values, codes: CodeDictionary) -> Column:
    value = _from_decimals([quantity.value for quantity in values], codes)
    return QuantityColumn(value, StringColumn.of([quantity.unit for quantity in values]))


def _from_codes(values: Values, codes: CodeDictionary) -> CodeColumn:
    ids = [-1 if code is None else codes.intern(code.system, code.code or "") for code in values]
    displays = [code and code.display for code in values]
    versions = [code and code.version for code in values]
    return CodeColumn(
        np.array(ids, np.int32),
        codes,
        StringColumn.of(displays) if any(displays) else None,
        StringColumn.of(versions) if any(versions) else None,
    )


def _from_concepts(values: Values, codes: CodeDictionary) -> Column:
    flat = _from_codes([code for concept in values for code in concept.codes], codes)
    displays = [concept.display for concept in values]
    return ConceptColumn(
        offsets_of_lengths(np.array([len(concept.codes) for concept in values], np.int64)),
        flat,
        np.ones(len(values), np.bool_),
        StringColumn.of(displays) if any(displays) else None,
    )


def _from_intervals(values: Values, codes: CodeDictionary) -> Column:
    # One column for the low and the high boundaries, so that a side with nothing but nulls has the same point type.
    bounds = from_values([value.low for value in values] + [value.high for value in values], codes)
    n = len(values)
    rows = np.arange(n)
    return IntervalColumn(
        bounds.take(rows),
        bounds.take(rows + n),
        np.array([value.low_closed for value in values], np.bool_),
        np.array([value.high_closed for value in values], np.bool_),
        np.ones(n, np.bool_),
        IntervalType(bounds.type),
    )


def _from_lists(values: Values, codes: CodeDictionary) -> Column:
    elements = from_values([element for value in values for element in value], codes)
    return ListColumn(offsets_of_lengths(np.array([len(value) for value in values], np.int64)), elements)


def _from_tuples(values: Values, codes: CodeDictionary) -> Column:
    names = list(dict.fromkeys(name for value in values for name in value))
    fields = {name: from_values([value.get(name) for value in values], codes) for name in names}
    type_: CqlType = TupleType(tuple((name, column.type) for name, column in fields.items()))
    if values[0].type_name is not None:
        model, _, local = values[0].type_name.partition(".")
        type_ = NamedType(model, local)
    return RecordColumn.of(fields, np.ones(len(values), np.bool_), type_)


def _from_resources(values: Values, codes: CodeDictionary) -> Column:
    table = values[0].table
    rows = np.array([value.row for value in values], np.int64)
    return ResourceColumn(table, rows, NamedType(table.model, table.resource_type))


def _from_scalars(values: Values, codes: CodeDictionary) -> Column:
    return ScalarColumn.of(values, NamedType("System", type(values[0]).__name__))


_FROM_VALUES: dict[type, Callable[[Values, CodeDictionary], Column]] = {
    bool: _from_booleans,
    int: _from_integers,
    Long: _from_integers,
    Decimal: _from_decimals,
    str: _from_strings,
    Date: _from_dates,
    DateTime: _from_datetimes,
    Time: _from_times,
    Quantity: _from_quantities,
    Code: _from_codes,
    Concept: _from_concepts,
    Interval: _from_intervals,
    tuple: _from_lists,
    Tuple: _from_tuples,
    ResourceRow: _from_resources,
}
