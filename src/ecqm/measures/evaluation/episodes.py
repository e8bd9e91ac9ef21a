"""The elements of lists as episodes."""

from __future__ import annotations

from collections.abc import Container, Iterable

import numpy as np

from ecqm.columns import ChoiceColumn, Column, ListColumn, Mask, NullColumn, ResourceColumn, Rows
from ecqm.engine.identity import numbered
from ecqm.measures.scoring.criteria import Episodes


def episodes(lists: Iterable[ListColumn], bases: Container[str] = ()) -> list[Episodes]:
    """The elements of lists as episodes, identified across the lists; nulls are left out.

    Resources are identified by their row. Those of a type that no group counts are left out where the others are of
    one of the `bases`. Other values are the same episode if they are equal. Raises EvaluationError if that cannot be
    told.
    """
    found = list(lists)
    resources = [rows_of_resources(column.values, bases) for column in found]
    others = [column.values for column, rows in zip(found, resources, strict=True) if rows is None]
    of_others = iter(numbered(others))
    episodes_of = []
    for column, rows in zip(found, resources, strict=True):
        key, present = (next(of_others), column.values.valid) if rows is None else (rows, rows >= 0)
        episodes_of.append(Episodes(column.parents[present], key[present]))
    return episodes_of


def listed(values: Column, bases: Container[str]) -> Mask:
    """Which elements of a list are among its episodes, see `episodes`, shape (elements,)."""
    rows = rows_of_resources(values, bases)
    return values.valid if rows is None else rows >= 0


def rows_of_resources(values: Column, bases: Container[str]) -> Rows | None:
    """The rows of resources in their table, -1 for null, shape (elements,); None for other values."""
    if isinstance(values, (ResourceColumn, NullColumn)):
        return values.rows if isinstance(values, ResourceColumn) else np.full(len(values), -1, np.int64)
    if not isinstance(values, ChoiceColumn) or not all(isinstance(e, ResourceColumn) for e in values.alternatives):
        return None
    tables = [part for part in values.alternatives if isinstance(part, ResourceColumn)]
    counted = [part for part in tables if part.table.resource_type in bases] or tables
    rows: Rows = np.max([part.rows for part in counted], axis=0)
    return rows
