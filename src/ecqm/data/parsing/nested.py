"""The parts of nested Arrow arrays, without copying. Null lists must have no items, as JSON parsers make them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pyarrow as pa

from ecqm.columns import Rows
from ecqm.data.store.arrow import nulls_of

Arrays = Mapping[str, pa.Array]


def fields_of(array: pa.Array) -> Arrays:
    """The fields of structs, by name."""
    return {field.name: array.field(place) for place, field in enumerate(array.type)}


def offsets_of(array: pa.Array) -> Rows:
    """The offsets of lists in `items_of`: where each list starts, and where the last one ends."""
    ends = np.frombuffer(array.buffers()[1], np.int32)[array.offset : array.offset + len(array) + 1]
    return ends.astype(np.int64) - ends[:1]


def items_of(array: pa.Array) -> pa.Array:
    """The items of all lists, one after the other."""
    if not len(array):
        return array.values[:0]
    first, last = np.frombuffer(array.buffers()[1], np.int32)[[array.offset, array.offset + len(array)]].tolist()
    return array.values.slice(first, last - first)


def overlaid(structs: Sequence[pa.Array], names: Collection[str]) -> pa.Array:
    """Structs with some of the fields of several arrays: in each row, those of the last array that is not null."""
    if len(structs) == 1:
        return structs[0]
    parts = [{name: part for name, part in fields_of(array).items() if name in names} for array in structs]
    joined = pa.concat_tables(map(pa.table, parts), promote_options="permissive").combine_chunks()
    rows = np.arange(len(structs[0]))
    place = rows
    for number, array in enumerate(structs):
        place = np.where(nulls_of(array), place, number * len(rows) + rows)
    return pa.StructArray.from_arrays([column.chunk(0) for column in joined.columns], joined.column_names).take(
        pa.array(place)
    )
