"""Columns from Arrow arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
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
from ecqm.data.cohort.elements import ElementNotRead
from ecqm.data.store.arrow.layout import Layout, nulls_of
from ecqm.terminology import CodeIndex
from ecqm.types import CqlType, parse_type

Ids = npt.NDArray[np.int32]


@dataclass(frozen=True)
class ArrowReading:
    """The context in which stored columns are read.

    `code_ids` (one per code of the shard) are its codes' ids in `codes`. `left_out(type_name, element)` tells whether
    FHIR has an element that was not stored because the demand did not name it.
    """

    codes: CodeIndex
    code_ids: Ids
    left_out: Callable[[str, str], bool]


class StoredElements(Mapping[str, Column]):
    """The stored elements of a FHIR type, each read when it is first asked for."""

    def __init__(
        self, n: int, type_name: str, arrays: Callable[[str], pa.Array], layouts: Layout, reading: ArrowReading
    ) -> None:
        self._n = n
        self._type_name = type_name
        self._arrays = arrays
        self._layouts = layouts
        self._reading = reading
        self._columns: dict[str, Column] = {}

    def __getitem__(self, name: str) -> Column:
        """The column of an element; nulls for one that occurs nowhere. Raises as `Elements` does."""
        found = self._columns.get(name)
        if found is None:
            found = self._columns[name] = self._read(name)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._layouts)

    def __len__(self) -> int:
        return len(self._layouts)

    def _read(self, name: str) -> Column:
        layout = self._layouts.get(name)
        if layout is not None:
            return from_arrow(self._arrays(name), layout, self._reading)
        if self._reading.left_out(self._type_name, name.removeprefix("_")):
            raise ElementNotRead(f"{self._type_name}.{name} is not stored as a column")
        return NullColumn(self._n)


def from_arrow(array: pa.Array, layout: Layout, reading: ArrowReading) -> Column:
    """The column that an array of this layout holds."""
    return _READERS[layout["layout"]](array, layout, parse_type(layout["type"]), reading)


def _numbers(array: pa.Array) -> npt.NDArray[Any]:
    numbers: npt.NDArray[Any] = (array.fill_null(0) if array.null_count else array).to_numpy(zero_copy_only=False)
    return numbers


def _read_null(array: pa.Array, layout: Layout, type_: CqlType, reading: ArrowReading) -> Column:
    return NullColumn(len(array), type_)


def _read_boolean(array: pa.Array, layout: Layout, type_: CqlType, reading: ArrowReading) -> Column:
    valid = ~nulls_of(array)
    is_true = (array.fill_null(False)).to_numpy(zero_copy_only=False)
    return BooleanColumn(is_true, valid & ~is_true, type_)


def _read_integer(array: pa.Array, layout: Layout, type_: CqlType, reading: ArrowReading) -> Column:
    return IntegerColumn(_numbers(array), ~nulls_of(array), type_)


def _read_decimal(array: pa.Array, layout: Layout, type_: CqlType, reading: ArrowReading) -> Column:
    valid = ~nulls_of(array)
    if pa.types.is_int64(array.type):
        return DecimalColumn(_numbers(array), layout["scale"], valid, type_)
    unscaled = np.array([int(text or 0) for text in array.to_pylist()], object)
    return DecimalColumn(unscaled, layout["scale"], valid, type_)


def _read_string(array: pa.Array, layout: Layout, type_: CqlType, reading: ArrowReading) -> Column:
    return StringColumn(_string_ids(array), type_)


def _string_ids(array: pa.Array) -> Ids:
    if not pa.types.is_dictionary(array.type):
        return POOL.ids_of(array.to_pylist())
    ids = POOL.ids_of(array.dictionary.to_pylist())
    if not len(ids):
        return np.full(len(array), -1, np.int32)
    return np.where(~nulls_of(array), ids[_numbers(array.indices)], np.int32(-1))


def _read_temporal(array: pa.Array, layout: Layout, type_: CqlType, reading: ArrowReading) -> Column:
    low, precision = _numbers(array.field("low")), _numbers(array.field("precision"))
    if layout["layout"] == "dateTime":
        return DateTimeColumn(low, precision, _numbers(array.field("offset")), ~nulls_of(array), type_)
    return (DateColumn if layout["layout"] == "date" else TimeColumn)(low, precision, ~nulls_of(array), type_)


def _read_code(array: pa.Array, layout: Layout, type_: CqlType, reading: ArrowReading) -> CodeColumn:
    names = {field.name for field in array.type}
    stored = _numbers(array.field("id"))
    # The last entry is for null codes, whose id is -1.
    ids = reading.code_ids[stored]
    texts = {
        name: StringColumn(_string_ids(array.field(name))) if name in names else None for name in ("display", "version")
    }
    beside = _read_beside(array, layout, reading)
    return CodeColumn(ids, reading.codes, texts["display"], texts["version"], type_, beside)


def _read_beside(array: pa.Array, layout: Layout, reading: ArrowReading) -> Column | None:
    return from_arrow(array.field("beside"), layout["beside"], reading) if "beside" in layout else None


def _read_concept(array: pa.Array, layout: Layout, type_: CqlType, reading: ArrowReading) -> Column:
    codes = array.field("codes")
    names = {field.name for field in array.type}
    display = StringColumn(_string_ids(array.field("display"))) if "display" in names else None
    column = _read_code(codes.values, layout["codes"], parse_type(layout["codes"]["type"]), reading)
    beside = _read_beside(array, layout, reading)
    return ConceptColumn(_numbers(codes.offsets), column, ~nulls_of(array), display, type_, beside)


def _read_record(array: pa.Array, layout: Layout, type_: CqlType, reading: ArrowReading) -> Column:
    valid = _numbers(array) if not layout["fields"] else ~nulls_of(array)
    name = str(type_).partition(".")[2]
    # A record without fields is stored as Booleans, which have no `field` to look up now.
    fields = StoredElements(len(array), name, lambda field: array.field(field), layout["fields"], reading)  # noqa: PLW0108
    return RecordColumn.of(fields, valid, type_)


def _read_list(array: pa.Array, layout: Layout, type_: CqlType, reading: ArrowReading) -> Column:
    values = from_arrow(array.values, layout["values"], reading)
    return ListColumn(_numbers(array.offsets), values, ~nulls_of(array), type_)


def _read_choice(array: pa.Array, layout: Layout, type_: CqlType, reading: ArrowReading) -> Column:
    parts = [from_arrow(array.field(str(i)), inner, reading) for i, inner in enumerate(layout["alternatives"])]
    return ChoiceColumn(_numbers(array.field("tag")), parts, type_)


_READERS: dict[str, Callable[[pa.Array, Layout, CqlType, ArrowReading], Column]] = {
    "null": _read_null,
    "boolean": _read_boolean,
    "integer": _read_integer,
    "decimal": _read_decimal,
    "string": _read_string,
    "date": _read_temporal,
    "time": _read_temporal,
    "dateTime": _read_temporal,
    "code": _read_code,
    "concept": _read_concept,
    "record": _read_record,
    "list": _read_list,
    "choice": _read_choice,
}
