"""Membership in lists (`elm:20`), where elements are the same if they are equal or both null."""

from __future__ import annotations

import numpy as np

from ecqm.columns import (
    BooleanColumn,
    CodeColumn,
    Column,
    IntegerColumn,
    ListColumn,
    Mask,
    NullColumn,
    ResourceColumn,
    Rows,
    StringColumn,
    broadcast_length,
    concat,
)
from ecqm.kernels.segments import any_within, combine_keys, gather, occurs_in, parents_of_offsets
from ecqm.operators.vectors import Result

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


def contains_element(container: ListColumn, element: Column) -> Result:
    """Whether each element is in its list, as Contains has it: null matches null, and a null list has no elements."""
    found = _found(container, element)
    return None if found is None else BooleanColumn.of(found)


def included_element(element: Column, container: ListColumn) -> Result:
    """Whether each element is in its list, as IncludedIn has it: null for a null element."""
    found = _found(container, element)
    return None if found is None else BooleanColumn.of(found, element.valid)


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


def includes_list(container: ListColumn, part: ListColumn) -> Result:
    """Whether every element of `part` is in `container`; null where one of the lists is."""
    keys = keyed(container.values, part.values)
    if keys is None:
        return None
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
