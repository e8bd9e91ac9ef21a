"""Checks that parsed lines of JSON are complete: the parser skips fields that it was not told of, without an error.

Every key and every string in JSON has a pair of quotes. A line with more pairs than the parsed values account for has
fields that were skipped.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from ecqm.columns import Rows
from ecqm.data.parsing.json_text import count_quotes, odd_numbers, quotes_in
from ecqm.data.parsing.nested import Arrays, fields_of, items_of, offsets_of
from ecqm.data.store.arrow import nulls_of
from ecqm.kernels.isodates import Bytes

# More than the strings in all lines together.
_MANY = 1 << 32


def rows_at(places: Rows, ends: Rows) -> set[int]:
    """The rows that some bytes are in; row i is from `ends[i]` to `ends[i + 1]`."""
    return set((np.searchsorted(ends, places, side="right") - 1).tolist())


def incomplete_rows(text: Bytes, ends: Rows, batch: pa.RecordBatch) -> set[int]:
    """The rows (see `rows_at`) that have more or fewer strings than were parsed of them."""
    if 2 * _strings(_arrays(batch)) == count_quotes(text):
        return set()
    quotes = np.diff(np.searchsorted(quotes_in(text), ends))
    return set(np.flatnonzero(2 * _strings_by_row(_arrays(batch), len(batch)) != quotes).tolist())


def rows_with_odd_numbers(text: Bytes, ends: Rows, batch: pa.RecordBatch) -> set[int]:
    """The rows with numbers that the parser misreads (see `ecqm.data.parsing.json_text`)."""
    numbers = set(_numbers(_arrays(batch)))
    if not numbers:
        return set()
    integers = {name for name, is_integer in numbers if is_integer}
    return rows_at(odd_numbers(text, integers), ends)


def _arrays(batch: pa.RecordBatch) -> Arrays:
    return dict(zip(batch.schema.names, batch.columns, strict=True))


def _strings(arrays: Arrays) -> int:
    """How many keys and strings objects have, at every depth, given their fields. A null in a list of objects counts as
    more than there can be, so that its row is noticed."""
    return sum(len(array) - array.null_count + _strings_within(name, array) for name, array in arrays.items())


def _strings_within(name: str, array: pa.Array) -> int:
    if pa.types.is_struct(array.type):
        return _strings(fields_of(array))
    if pa.types.is_list(array.type):
        items = items_of(array)
        return _strings_within(name, items) + (items.null_count * _MANY if _are_objects(name, items) else 0)
    return len(array) - array.null_count if pa.types.is_string(array.type) else 0


def _strings_by_row(arrays: Arrays, n: int) -> Rows:
    """The number of keys and strings in each of n objects, see `_strings`."""
    counts = np.zeros(n, np.int64)
    for name, array in arrays.items():
        counts += ~nulls_of(array)
        counts += _strings_within_rows(name, array)
    return counts


def _strings_within_rows(name: str, array: pa.Array) -> Rows:
    if pa.types.is_struct(array.type):
        return _strings_by_row(fields_of(array), len(array))
    if pa.types.is_list(array.type):
        items = items_of(array)
        counts = _strings_within_rows(name, items)
        if _are_objects(name, items):
            counts = counts + nulls_of(items) * _MANY
        return np.diff(np.append(0, np.cumsum(counts))[offsets_of(array)])
    return (~nulls_of(array)).astype(np.int64) if pa.types.is_string(array.type) else np.zeros(len(array), np.int64)


def _are_objects(name: str, items: pa.Array) -> bool:
    """Whether the items of a list are objects that must not be null. (Siblings of primitives, `_given`, may be.)"""
    return pa.types.is_struct(items.type) and not name.startswith("_")


def _numbers(arrays: Arrays) -> Iterator[tuple[str, bool]]:
    """The names of all fields that have numbers, at every depth, and whether these are integers."""
    for name, array in arrays.items():
        values = items_of(array) if pa.types.is_list(array.type) else array
        if pa.types.is_struct(values.type):
            yield from _numbers(fields_of(values))
        elif _is_number(values.type) and values.null_count < len(values):
            yield name, pa.types.is_integer(values.type)


def _is_number(type_: pa.DataType) -> bool:
    return pa.types.is_integer(type_) or pa.types.is_decimal(type_)  # type: ignore[no-any-return]
