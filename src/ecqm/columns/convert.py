"""Between columns and scalar values: literals coming in, results going out, operators lifted that have no kernel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Context, Decimal
from typing import Any

import numpy as np

from ecqm.columns.base import Column
from ecqm.columns.boolean import BooleanColumn
from ecqm.columns.choice import ChoiceColumn
from ecqm.columns.code import CodeColumn, CodeDictionary, ConceptColumn
from ecqm.columns.interval import IntervalColumn
from ecqm.columns.join import merge
from ecqm.columns.null import NullColumn
from ecqm.columns.number import DecimalColumn, IntegerColumn, narrow
from ecqm.columns.quantity import QuantityColumn
from ecqm.columns.ragged import ListColumn
from ecqm.columns.record import RecordColumn, ResourceColumn, ResourceRow
from ecqm.columns.scalar import ScalarColumn
from ecqm.columns.temporal import DateColumn, DateTimeColumn, TimeColumn
from ecqm.columns.text import StringColumn
from ecqm.kernels.calendar import MS_PER_DAY
from ecqm.kernels.segments import offsets_of_lengths
from ecqm.types import LONG, CqlType, IntervalType, NamedType, TupleType
from ecqm.values import Code, Concept, Date, DateTime, Interval, Long, Quantity, Time, Tuple, request_offset

EPOCH_DAY = Date(1970, 1, 1).ordinal()
# Digits enough for any decimal of a column: the default context would round those of more than 28.
_EXACT = Context(prec=100)

Values = Sequence[Any]


# -- columns to values ------------------------------------------------------------------------------------------------


def to_values(column: Column) -> list[Any]:
    """The scalar value of each row (a tuple for a list, None for null)."""
    if isinstance(column, NullColumn):
        return [None] * len(column)
    if isinstance(column, ChoiceColumn):
        parts = [to_values(part) for part in column.alternatives]
        return [None if tag < 0 else parts[tag][row] for row, tag in enumerate(column.tag.tolist())]
    values = _TO_VALUES[type(column)](column)
    valid = column.valid
    return values if valid.all() else [value if ok else None for value, ok in zip(values, valid.tolist(), strict=True)]


def _booleans(column: BooleanColumn) -> list[Any]:
    return list(column.is_true.tolist())


def _integers(column: IntegerColumn) -> list[Any]:
    values = column.values.tolist()
    return [Long(value) for value in values] if column.type == LONG else list(values)


def _decimals(column: DecimalColumn) -> list[Any]:
    digits = [column.NEEDED] * len(column) if column.digits is None else column.digits.tolist()
    return [_decimal(value, column.scale, kept) for value, kept in zip(column.unscaled.tolist(), digits, strict=True)]


def _decimal(unscaled: int, scale: int, digits: int) -> Decimal:
    """A scaled integer with that many digits after the point, at least those that it needs."""
    while scale > max(digits, 0) and unscaled % 10 == 0:
        unscaled //= 10
        scale -= 1
    return Decimal(unscaled).scaleb(-scale, _EXACT)


def _strings(column: StringColumn) -> list[Any]:
    return list(column.texts())


def _dates(column: DateColumn) -> list[Any]:
    days, ranks = column.low.tolist(), column.precision.tolist()
    return [
        Date(*Date.from_ordinal(day + EPOCH_DAY).fields[: rank + 1]) if ok else None
        for day, rank, ok in zip(days, ranks, column.valid.tolist(), strict=True)
    ]


def _datetimes(column: DateTimeColumn) -> list[Any]:
    rows = zip(
        column.local.tolist(), column.precision.tolist(), column.offset.tolist(), column.valid.tolist(), strict=True
    )
    return [_datetime(local, rank, offset) if ok else None for local, rank, offset, ok in rows]


def _datetime(local: int, rank: int, offset: int) -> DateTime:
    fields = DateTime.from_ordinal(local + EPOCH_DAY * MS_PER_DAY).fields[: rank + 1]
    rest: tuple[int | None, ...] = (*fields[1:], *(None,) * (6 - rank), offset)
    return DateTime(fields[0], *rest)


def _times(column: TimeColumn) -> list[Any]:
    return [
        Time(*Time.from_ordinal(low).fields[: rank - 2])
        for low, rank in zip(column.low.tolist(), column.precision.tolist(), strict=True)
    ]


def _quantities(column: QuantityColumn) -> list[Any]:
    rows = zip(to_values(column.value), column.unit.texts(), strict=True)
    return [None if value is None else Quantity(value, unit or "1") for value, unit in rows]


def _codes(column: CodeColumn) -> list[Any]:
    n = len(column)
    displays = column.display.texts() if column.display is not None else [None] * n
    versions = column.version.texts() if column.version is not None else [None] * n
    found: list[Any] = []
    for code_id, version, display in zip(column.ids.tolist(), versions, displays, strict=True):
        if code_id < 0:
            found.append(None)
        else:
            system, code = column.index.code(code_id)
            found.append(Code(code, system or None, version, display))
    return found


def _concepts(column: ConceptColumn) -> list[Any]:
    codes = _codes(column.codes)
    displays = column.display.texts() if column.display is not None else [None] * len(column)
    ends = column.offsets.tolist()
    return [Concept(tuple(codes[ends[i] : ends[i + 1]]), display) for i, display in enumerate(displays)]


def _intervals(column: IntervalColumn) -> list[Any]:
    rows = zip(
        to_values(column.low),
        to_values(column.high),
        column.low_closed.tolist(),
        column.high_closed.tolist(),
        strict=True,
    )
    return [Interval(*row) for row in rows]


def _lists(column: ListColumn) -> list[Any]:
    values = to_values(column.values)
    ends = column.offsets.tolist()
    return [tuple(values[ends[i] : ends[i + 1]]) for i in range(len(column))]


def _records(column: RecordColumn) -> list[Any]:
    names = list(column.fields)
    type_name = str(column.type) if isinstance(column.type, NamedType) else None
    rows = zip(*(to_values(column.field(name)) for name in names), strict=True)
    if not names:
        return [Tuple({}, type_name)] * len(column)
    if type_name is None:
        return [Tuple(dict(zip(names, row, strict=True))) for row in rows]
    # Which elements a class has in the data at hand depends on all patients: those without a value are left out.
    return [
        Tuple({name: value for name, value in zip(names, row, strict=True) if value is not None}, type_name)
        for row in rows
    ]


def _resources(column: ResourceColumn) -> list[Any]:
    return [ResourceRow(column.table, row) for row in column.rows.tolist()]


def _scalars(column: ScalarColumn) -> list[Any]:
    return list(column.values)


_TO_VALUES: dict[type[Column], Callable[[Any], list[Any]]] = {
    BooleanColumn: _booleans,
    IntegerColumn: _integers,
    DecimalColumn: _decimals,
    StringColumn: _strings,
    DateColumn: _dates,
    DateTimeColumn: _datetimes,
    TimeColumn: _times,
    QuantityColumn: _quantities,
    CodeColumn: _codes,
    ConceptColumn: _concepts,
    IntervalColumn: _intervals,
    ListColumn: _lists,
    RecordColumn: _records,
    ResourceColumn: _resources,
    ScalarColumn: _scalars,
}


# -- values to columns ------------------------------------------------------------------------------------------------


def from_values(values: Values, codes: CodeDictionary) -> Column:
    """A column of scalar values; values of different kinds make a choice. `codes` numbers the codes among them."""
    kinds: dict[Any, list[int]] = {}
    for row, value in enumerate(values):
        if value is not None:
            kinds.setdefault(_kind(value), []).append(row)
    if not kinds:
        return NullColumn(len(values))
    if len(kinds) == 1:
        kind, rows = next(iter(kinds.items()))
        if len(rows) == len(values):
            return _FROM_VALUES.get(kind[0] if isinstance(kind, tuple) else kind, _from_scalars)(values, codes)
    pieces = []
    for kind, rows in kinds.items():
        make = _FROM_VALUES.get(kind[0] if isinstance(kind, tuple) else kind, _from_scalars)
        pieces.append((np.array(rows, np.int64), make([values[row] for row in rows], codes)))
    return merge(len(values), pieces)


def _kind(value: Any) -> Any:
    if isinstance(value, ResourceRow):
        return (ResourceRow, id(value.table))
    if isinstance(value, Tuple):
        return (Tuple, value.type_name)
    return tuple if isinstance(value, (tuple, list)) else type(value)


def _from_booleans(values: Values, codes: CodeDictionary) -> Column:
    return BooleanColumn.of(np.array(values, np.bool_))


def _from_integers(values: Values, codes: CodeDictionary) -> Column:
    column = IntegerColumn(np.array(values, np.int64), np.ones(len(values), np.bool_))
    return column.retype(LONG) if isinstance(values[0], Long) else column


def _from_decimals(values: Values, codes: CodeDictionary) -> Column:
    digits = [max(0, -int(value.as_tuple().exponent)) for value in values]
    scale = max(digits)
    unscaled = np.array([int(value.scaleb(scale, _EXACT)) for value in values], object)
    has_zeros = any(count and not value.as_tuple().digits[-1] for count, value in zip(digits, values, strict=True))
    written = np.array(digits, np.int8) if has_zeros else None
    return DecimalColumn(narrow(unscaled), scale, np.ones(len(values), np.bool_), digits=written)


def _from_strings(values: Values, codes: CodeDictionary) -> Column:
    return StringColumn.of(values)


def _precisions(values: Values) -> Any:
    return np.array([value.rank for value in values], np.uint8)


def _from_dates(values: Values, codes: CodeDictionary) -> Column:
    low = np.array([value.ordinal() - EPOCH_DAY for value in values], np.int64)
    return DateColumn(low, _precisions(values), np.ones(len(values), np.bool_))


def _from_datetimes(values: Values, codes: CodeDictionary) -> Column:
    default = request_offset()
    offset = np.array([default if value.offset is None else value.offset for value in values], np.int16)
    local = np.array([value.ordinal() - EPOCH_DAY * MS_PER_DAY for value in values], np.int64)
    low = local - offset.astype(np.int64) * 60_000
    return DateTimeColumn(low, _precisions(values), offset, np.ones(len(values), np.bool_))


def _from_times(values: Values, codes: CodeDictionary) -> Column:
    low = np.array([value.ordinal() for value in values], np.int64)
    return TimeColumn(low, _precisions(values), np.ones(len(values), np.bool_))


def _from_quantities(values: Values, codes: CodeDictionary) -> Column:
    value = _from_decimals([quantity.value for quantity in values], codes)
    assert isinstance(value, DecimalColumn)
    return QuantityColumn(value, StringColumn.of([quantity.unit for quantity in values]))


def _from_codes(values: Values, codes: CodeDictionary) -> Column:
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
    assert isinstance(flat, CodeColumn)
    displays = [concept.display for concept in values]
    return ConceptColumn(
        offsets_of_lengths(np.array([len(concept.codes) for concept in values], np.int64)),
        flat,
        np.ones(len(values), np.bool_),
        StringColumn.of(displays) if any(displays) else None,
    )


def _from_intervals(values: Values, codes: CodeDictionary) -> Column:
    # Boundaries are laid end to end first, so that an unbounded side has the point type of the others.
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


_FROM_VALUES: dict[Any, Callable[[Values, CodeDictionary], Column]] = {
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
