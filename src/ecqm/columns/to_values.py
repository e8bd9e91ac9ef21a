"""From columns to scalar values: results, messages, and the operands of operators that are evaluated on scalars."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Context, Decimal
from typing import Any

from ecqm.columns.base import Column
from ecqm.columns.boolean import BooleanColumn
from ecqm.columns.choice import ChoiceColumn
from ecqm.columns.code import CodeColumn, ConceptColumn
from ecqm.columns.interval import IntervalColumn
from ecqm.columns.null import NullColumn
from ecqm.columns.number import DecimalColumn, IntegerColumn
from ecqm.columns.quantity import QuantityColumn
from ecqm.columns.ragged import ListColumn
from ecqm.columns.record import RecordColumn, ResourceColumn, ResourceRow
from ecqm.columns.scalar import ScalarColumn
from ecqm.columns.temporal import EPOCH_DAY, EPOCH_INSTANT, DateColumn, DateTimeColumn, TimeColumn
from ecqm.columns.text import StringColumn
from ecqm.types import LONG, NamedType
from ecqm.values import Code, Concept, Date, DateTime, Interval, Long, Quantity, Time, Tuple
from ecqm.values.temporal import HOUR

# Enough digits for any decimal of a column: the default context would round to 28.
EXACT = Context(prec=100)


def to_values(column: Column) -> list[Any]:
    """The scalar value of each row; None for null, a tuple for a list."""
    values = _TO_VALUES[type(column)](column)
    valid = column.valid
    return values if valid.all() else [value if ok else None for value, ok in zip(values, valid.tolist(), strict=True)]


def _nulls(column: NullColumn) -> list[Any]:
    return [None] * len(column)


def _choices(column: ChoiceColumn) -> list[Any]:
    parts = [to_values(part) for part in column.alternatives]
    return [None if tag < 0 else parts[tag][row] for row, tag in enumerate(column.tag.tolist())]


def _booleans(column: BooleanColumn) -> list[Any]:
    return list(column.is_true.tolist())


def _integers(column: IntegerColumn) -> list[Any]:
    values = column.values.tolist()
    return [Long(value) for value in values] if column.type == LONG else list(values)


def _decimals(column: DecimalColumn) -> list[Any]:
    digits = [column.NEEDED] * len(column) if column.digits is None else column.digits.tolist()
    return [_decimal(value, column.scale, kept) for value, kept in zip(column.unscaled.tolist(), digits, strict=True)]


def _decimal(unscaled: int, scale: int, digits: int) -> Decimal:
    """unscaled × 10 ** -scale, written with `digits` decimal places, or more if the number needs them."""
    while scale > max(digits, 0) and unscaled % 10 == 0:
        unscaled //= 10
        scale -= 1
    return Decimal(unscaled).scaleb(-scale, EXACT)


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
    fields = DateTime.from_ordinal(local + EPOCH_INSTANT).fields[: rank + 1]
    return DateTime.from_fields(fields, offset)


def _times(column: TimeColumn) -> list[Any]:
    return [
        Time(*Time.from_ordinal(low).fields[: rank - HOUR + 1])
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
    # The fields of a class are the elements that occur in the data of any patient: leave out those without a value.
    return [
        Tuple({name: value for name, value in zip(names, row, strict=True) if value is not None}, type_name)
        for row in rows
    ]


def _resources(column: ResourceColumn) -> list[Any]:
    return [ResourceRow(column.table, row) for row in column.rows.tolist()]


def _scalars(column: ScalarColumn) -> list[Any]:
    return list(column.values)


# Each function gives arbitrary values in rows that are null.
_TO_VALUES: dict[type[Column], Callable[[Any], list[Any]]] = {
    NullColumn: _nulls,
    ChoiceColumn: _choices,
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
