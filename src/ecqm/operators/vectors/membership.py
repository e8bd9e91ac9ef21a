"""Membership in lists (`elm:20`), where elements are the same if they are equal or both null."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ecqm.columns import (
    BooleanColumn,
    ChoiceColumn,
    CodeColumn,
    Column,
    DateTimeColumn,
    DecimalColumn,
    IntegerColumn,
    IntervalColumn,
    ListColumn,
    Mask,
    NullColumn,
    QuantityColumn,
    RecordColumn,
    ResourceColumn,
    Rows,
    StringColumn,
    TemporalColumn,
    broadcast_length,
    concat,
)
from ecqm.columns.ragged import ragged_keys
from ecqm.kernels.calendar import HOUR
from ecqm.kernels.segments import any_within, combine_keys, gather, occurs_in, parents_of_offsets
from ecqm.operators.vectors.amounts import amounts
from ecqm.operators.vectors.bounds import bounds_of

# Layouts whose values are equal exactly if their keys are, also across columns.
KEYED = (StringColumn, IntegerColumn, BooleanColumn, ResourceColumn, CodeColumn)
# A constant list of at most so many elements is compared element by element.
_SHORT = 64


def keyed(*columns: Column) -> list[Rows] | None:
    """Keys of columns of one layout of KEYED, the same key for equal values of any of the columns, and one key for
    null. None for other layouts and for columns of different layouts."""
    layouts = {type(column) for column in columns if not isinstance(column, NullColumn) and len(column)}
    types = {column.type for column in columns if isinstance(column, IntegerColumn)}
    if len(layouts) > 1 or len(types) > 1 or not all(issubclass(layout, KEYED) for layout in layouts):
        return None
    if layouts == {ResourceColumn} and len({id(c.table) for c in columns if isinstance(c, ResourceColumn)}) > 1:
        return None
    together = concat(columns)
    keys = np.where(together.valid, together.keys(), np.iinfo(np.int64).min)
    ends = np.cumsum([len(column) for column in columns])
    return list(np.split(keys, ends[:-1]))


def equality_keys(column: Column) -> Rows | None:
    """An integer per value, the same for two values exactly if they are equal or both null; None for values whose
    equality is left to the scalars."""
    if isinstance(column, QuantityColumn):
        units = column.unit.ids[column.valid]
        if len(units) == 0 or bool((units == units[0]).all()):
            return column.value.number_keys()
        (found,) = amounts(column)
        if found.number.dtype == object:
            return None
        return np.where(column.valid, combine_keys(found.kind, found.number), -1)
    if isinstance(column, DecimalColumn):
        return column.number_keys()
    if isinstance(column, TemporalColumn):
        # Seconds count as milliseconds. Values without a time of day are compared by their local dates.
        points = column.low
        if isinstance(column, DateTimeColumn):
            points = np.where(column.precision >= HOUR, column.low, column.local)
        written = np.minimum(column.precision, column.exact_from).astype(np.int64)
        return np.where(column.valid, combine_keys(points, written), -1)
    if isinstance(column, ListColumn):
        of_elements = equality_keys(column.values)
        return None if of_elements is None else np.where(column.valid, ragged_keys(column.offsets, of_elements), -1)
    if isinstance(column, RecordColumn):
        return _keys_of_parts(column.valid, [column.field(name) for name in column.fields])
    if isinstance(column, ChoiceColumn):
        return _keys_of_parts(column.valid, column.alternatives, column.tag.astype(np.int64))
    if isinstance(column, IntervalColumn):
        return _interval_keys(column)
    return column.keys()


def _interval_keys(column: IntervalColumn) -> Rows | None:
    # Intervals are equal if their first and last points are, whatever their boundaries.
    bounds = bounds_of(column)
    if bounds is None or bounds.start.undecided is not None or bounds.end.undecided is not None:
        return None
    keys = _keys_of_parts(column.valid, [bounds.start.lowest, bounds.end.lowest])
    if keys is None:
        return None
    unknown = column.valid & ~(bounds.start.lowest.valid & bounds.end.lowest.valid)
    for uncertain in (bounds.start.uncertain, bounds.end.uncertain):
        if uncertain is not None:
            unknown |= uncertain
    if not unknown.any():
        return keys
    # With a start or end that is not known, an interval is certainly the same as no other: each has a key of its own.
    return np.where(unknown, int(keys.max()) + 1 + np.arange(len(keys)), keys)


def _keys_of_parts(valid: Mask, parts: Sequence[Column], *keys: Rows) -> Rows | None:
    of_parts = [equality_keys(part) for part in parts]
    known = [part for part in of_parts if part is not None]
    if len(known) < len(of_parts):
        return None
    return np.where(valid, combine_keys(*keys, *known), -1) if keys or known else np.where(valid, 0, -1)


def contains_element(container: ListColumn, element: Column) -> Any:
    """Whether each element is in its list, as Contains has it: null matches null, and a null list has no elements."""
    found = _found(container, element)
    return NotImplemented if found is None else BooleanColumn.of(found)


def included_element(element: Column, container: ListColumn) -> Any:
    """Whether each element is in its list, as IncludedIn has it: null for a null element."""
    found = _found(container, element)
    return NotImplemented if found is None else BooleanColumn.of(found, element.valid)


def _found(container: ListColumn, element: Column) -> Mask | None:
    keys = keyed(container.values, element)
    if keys is None:
        return None
    of_elements, wanted = keys
    n = broadcast_length(container, element)
    if len(container) == 1:
        if len(of_elements) > _SHORT:
            return np.isin(wanted, of_elements) & container.valid
        found = np.zeros(len(wanted), np.bool_)
        for key in of_elements:
            found |= wanted == key
        return found & container.valid
    if len(wanted) == 1:
        return any_within(of_elements == wanted[0], container.parents, n)
    return any_within(of_elements == wanted[container.parents], container.parents, n)


def includes_list(container: ListColumn, part: ListColumn) -> Any:
    """Whether every element of `part` is in `container`; null where one of the lists is."""
    keys = keyed(container.values, part.values)
    if keys is None:
        return NotImplemented
    n = broadcast_length(container, part)
    of_container, container_rows = _repeated(container, keys[0], n)
    of_part, part_rows = _repeated(part, keys[1], n)
    pairs = combine_keys(np.concatenate([container_rows, part_rows]), np.concatenate([of_container, of_part]))
    present = occurs_in(pairs[len(of_container) :], pairs[: len(of_container)])
    missing = any_within(~present, part_rows, n)
    return BooleanColumn.of(~missing, container.valid & part.valid)


def _repeated(lists: ListColumn, keys: Rows, n: int) -> tuple[Rows, Rows]:
    """The keys of the elements, and the row of each, of lists broadcast to n rows."""
    if len(lists) == n:
        return keys, lists.parents
    offsets, elements = gather(lists.offsets, np.zeros(n, np.int64))
    return keys[elements], parents_of_offsets(offsets)
