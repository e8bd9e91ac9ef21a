"""Columns as Arrow arrays."""

from __future__ import annotations

from functools import singledispatch

import numpy as np
import pyarrow as pa

from ecqm.columns import (
    POOL,
    BooleanColumn,
    ChoiceColumn,
    CodeColumn,
    Column,
    ConceptColumn,
    DateColumn,
    DateTimeColumn,
    DecimalColumn,
    IntegerColumn,
    ListColumn,
    NullColumn,
    RecordColumn,
    StringColumn,
    TimeColumn,
)
from ecqm.data.store.arrow.layout import Layout, Stored, struct


def to_arrow(column: Column) -> Stored:
    """A column as an array, and its layout. Raises TypeError for a column that no table of data has."""
    array, layout = _written(column)
    return array, {**layout, "type": str(column.type)}


@singledispatch
def _written(column: Column) -> Stored:
    """The array and its layout, without the type."""
    raise TypeError(f"{column!r} is not stored")


@_written.register
def _null(column: NullColumn) -> Stored:
    return pa.nulls(len(column)), {"layout": "null"}


@_written.register
def _boolean(column: BooleanColumn) -> Stored:
    return pa.array(column.is_true, mask=~column.valid), {"layout": "boolean"}


@_written.register
def _integer(column: IntegerColumn) -> Stored:
    return pa.array(column.values, mask=~column.valid), {"layout": "integer"}


@_written.register
def _decimal(column: DecimalColumn) -> Stored:
    unscaled = column.unscaled
    if unscaled.dtype == object:
        unscaled = np.array([str(value) for value in unscaled], object)
    return pa.array(unscaled, mask=~column.valid), {"layout": "decimal", "scale": column.scale}


@_written.register
def _string(column: StringColumn) -> Stored:
    return _texts(column), {"layout": "string"}


def _texts(column: StringColumn) -> pa.Array:
    distinct, places = np.unique(column.ids, return_inverse=True)
    if 2 * len(distinct) > len(column):
        return pa.array(column.texts(), pa.large_utf8())
    strings = POOL.strings
    dictionary = pa.array(["" if i < 0 else strings[i] for i in distinct.tolist()], pa.utf8())
    return pa.DictionaryArray.from_arrays(pa.array(places.astype(np.int32), mask=~column.valid), dictionary)


@_written.register
def _date(column: DateColumn) -> Stored:
    return _points(column), {"layout": "date"}


@_written.register
def _time(column: TimeColumn) -> Stored:
    return _points(column), {"layout": "time"}


@_written.register
def _datetime(column: DateTimeColumn) -> Stored:
    return _points(column, offset=pa.array(column.offset)), {"layout": "dateTime"}


def _points(column: DateColumn | TimeColumn | DateTimeColumn, **offset: pa.Array) -> pa.Array:
    parts = {"low": pa.array(column.low), "precision": pa.array(column.precision), **offset}
    return struct(parts, ~column.valid)


@_written.register
def _code(column: CodeColumn) -> Stored:
    parts = {"id": pa.array(column.ids)}
    if column.display is not None:
        parts["display"] = _texts(column.display)
    if column.version is not None:
        parts["version"] = _texts(column.version)
    layout = {"layout": "code", **_beside(column, parts)}
    return struct(parts), layout


def _beside(column: CodeColumn | ConceptColumn, parts: dict[str, pa.Array]) -> Layout:
    """The entry of a layout for what is beside codes, which is added to the `parts` of their array."""
    if column.beside is None:
        return {}
    parts["beside"], layout = to_arrow(column.beside)
    return {"beside": layout}


@_written.register
def _concept(column: ConceptColumn) -> Stored:
    codes, layout = to_arrow(column.codes)
    parts = {"codes": pa.LargeListArray.from_arrays(pa.array(column.offsets), codes)}
    if column.display is not None:
        parts["display"] = _texts(column.display)
    beside = _beside(column, parts)
    return struct(parts, ~column.valid), {"layout": "concept", "codes": layout, **beside}


@_written.register
def _record(column: RecordColumn) -> Stored:
    fields = {name: to_arrow(column.field(name)) for name in column.fields}
    layouts = {name: layout for name, (_, layout) in fields.items()}
    if not fields:
        # An object whose elements were not demanded is still there.
        return pa.array(column.valid), {"layout": "record", "fields": {}}
    arrays = {name: array for name, (array, _) in fields.items()}
    return struct(arrays, ~column.valid), {"layout": "record", "fields": layouts}


@_written.register
def _list(column: ListColumn) -> Stored:
    values, layout = to_arrow(column.values)
    array = pa.LargeListArray.from_arrays(pa.array(column.offsets), values, mask=pa.array(~column.valid))
    return array, {"layout": "list", "values": layout}


@_written.register
def _choice(column: ChoiceColumn) -> Stored:
    parts = [to_arrow(alternative) for alternative in column.alternatives]
    arrays = {"tag": pa.array(column.tag), **{str(i): array for i, (array, _) in enumerate(parts)}}
    layouts = [layout for _, layout in parts]
    return struct(arrays), {"layout": "choice", "alternatives": layouts}
