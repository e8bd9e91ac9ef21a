"""An index from codes to the rows of a table, so that a retrieve visits only the rows it finds."""

from __future__ import annotations

from collections.abc import Callable
from weakref import WeakKeyDictionary

import numpy as np

from ecqm.columns import (
    ChoiceColumn,
    CodeColumn,
    Column,
    ConceptColumn,
    ListColumn,
    Mask,
    NullColumn,
    ResourceTable,
    Rows,
)
from ecqm.kernels.segments import gather

# If at most one row of so many is found, sorting them is faster than marking them in a mask of the table.
SPARSE = 64


class CodeRows:
    """The rows of a table by code id: rows[offsets[i]:offsets[i + 1]] have the code ids[i] (`ids` is increasing)."""

    def __init__(self, ids: Rows, rows: Rows, n: int) -> None:
        """From all codes of a table of `n` rows: their ids, and the row of each."""
        order = np.argsort(ids, kind="stable")
        ordered = ids[order]
        starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]])) if len(ids) else ids
        self.n = n
        self.ids = ordered[starts]
        self.offsets = np.append(starts, len(ids))
        self.rows = rows[order]

    def having(self, members: Mask) -> Rows:
        """The rows with any code for which the mask `members`, indexed by code id, holds; increasing."""
        known = self.ids[: np.searchsorted(self.ids, len(members))]
        _, hits = gather(self.offsets, np.flatnonzero(members[known]))
        rows = self.rows[hits]
        if len(rows) > self.n // SPARSE:
            found = np.zeros(self.n, np.bool_)
            found[rows] = True
            return np.flatnonzero(found)
        rows.sort()
        return rows[np.diff(rows, prepend=-1) > 0]


_INDEXES: WeakKeyDictionary[ResourceTable, dict[str, CodeRows | None]] = WeakKeyDictionary()


def code_rows(table: ResourceTable, path: str, column: Callable[[], Column]) -> CodeRows | None:
    """The index of a table by the codes of the element at `path`, made once from `column()`, its values for all rows.
    None if the element contains something other than codes."""
    indexes = _INDEXES.setdefault(table, {})
    if path not in indexes:
        flat = _flat(column())
        indexes[path] = None if flat is None else CodeRows(*flat, len(table))
    return indexes[path]


def _flat(column: Column) -> tuple[Rows, Rows] | None:
    """The ids of all codes of a column, and the row of each; None if it contains something other than codes."""
    if isinstance(column, NullColumn):
        none = np.zeros(0, np.int64)
        return none, none
    if isinstance(column, CodeColumn):
        rows = np.flatnonzero(column.ids >= 0)
        return column.ids[rows].astype(np.int64), rows
    if isinstance(column, ConceptColumn):
        present = (column.codes.ids >= 0) & column.valid[column.parents]
        return column.codes.ids[present].astype(np.int64), column.parents[present]
    if isinstance(column, ListColumn):
        flat = _flat(column.values)
        return None if flat is None else (flat[0], column.parents[flat[1]])
    if isinstance(column, ChoiceColumn):
        parts = [_flat(part) for part in column.alternatives]
        if any(part is None for part in parts):
            return None
        known = [part for part in parts if part is not None]
        return np.concatenate([ids for ids, _ in known]), np.concatenate([rows for _, rows in known])
    return None
