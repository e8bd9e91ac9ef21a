"""Membership in lists (`elm:20`): elements are the same when they are equal, or both null."""

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
from ecqm.kernels.segments import any_within, combine_keys, gather
from ecqm.operators.vectors.amounts import amounts
from ecqm.operators.vectors.bounds import bounds_of

# What compares by key: two values are equal exactly if their keys are, and equality is never in doubt.
KEYED = (StringColumn, IntegerColumn, BooleanColumn, ResourceColumn, CodeColumn)
# A list that is the same for all rows is gone through element by element, if it is short.
_SHORT = 64


def keyed(*columns: Column) -> list[Rows] | None:
    """Keys of columns that compare by key, the same key for the same value in any of them; -1 is null. None if they
    are not of one such layout."""
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
    """An integer per element of a list: elements have the same key exactly if they are equal, or both null. None for
    layouts whose equality is left to the scalars."""
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
        # Seconds are as good as milliseconds; what has no time of day is the same by what is written.
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
    if bool((column.low_closed & column.high_closed | ~column.valid).all()):
        return _keys_of_parts(column.valid, [column.low, column.high])
    # Those that are open are equal to others with other boundaries: it is their first and last points that count.
    bounds = bounds_of(column)
    if bounds is None or any(bound.uncertain is not None or bound.undecided is not None for bound in bounds[:2]):
        return None
    points = [bounds.start.lowest, bounds.end.lowest]
    if not all((point.valid | ~column.valid).all() for point in points):
        return None
    return _keys_of_parts(column.valid, points)


def _keys_of_parts(valid: Mask, parts: Sequence[Column], *keys: Rows) -> Rows | None:
    of_parts = [equality_keys(part) for part in parts]
    known = [part for part in of_parts if part is not None]
    if len(known) < len(of_parts):
        return None
    return np.where(valid, combine_keys(*keys, *known), -1) if keys or known else np.where(valid, 0, -1)


def contains_element(container: ListColumn, element: Column) -> Any:
    """Is the element in the list? Null is in it if one of its elements is null; nothing is in no list."""
    found = _found(container, element)
    return NotImplemented if found is None else BooleanColumn.of(found)


def included_element(element: Column, container: ListColumn) -> Any:
    """The same, but not known of null."""
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
    """Is every element of the one list in the other?"""
    keys = keyed(container.values, part.values)
    if keys is None:
        return NotImplemented
    n = broadcast_length(container, part)
    of_container, container_rows = _repeated(container, keys[0], n)
    of_part, part_rows = _repeated(part, keys[1], n)
    pairs = combine_keys(np.concatenate([container_rows, part_rows]), np.concatenate([of_container, of_part]))
    present = np.zeros(len(pairs) + 1, np.bool_)
    present[pairs[: len(of_container)]] = True
    missing = any_within(~present[pairs[len(of_container) :]], part_rows, n)
    return BooleanColumn.of(~missing, container.valid & part.valid)


def _repeated(lists: ListColumn, keys: Rows, n: int) -> tuple[Rows, Rows]:
    """The keys of the elements, and the row of each, of lists stretched to n rows."""
    if len(lists) == n:
        return keys, lists.parents
    offsets, elements = gather(lists.offsets, np.zeros(n, np.int64))
    return keys[elements], np.repeat(np.arange(n), np.diff(offsets))
