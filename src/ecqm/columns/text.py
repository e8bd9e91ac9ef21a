"""Strings, dictionary encoded."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from ecqm.columns.base import Column, Mask, Rows
from ecqm.types import STRING, CqlType

Ids = npt.NDArray[np.int32]


class StringPool:
    """Numbers strings as they come: equal strings of one pool have equal ids. Grows, never shrinks."""

    def __init__(self) -> None:
        self.strings: list[str] = []
        self._ids: dict[str, int] = {}

    def id_of(self, text: str) -> int:
        """The id of `text`, given now if it is new."""
        found = self._ids.get(text)
        if found is None:
            found = self._ids[text] = len(self.strings)
            self.strings.append(text)
        return found

    def ids_of(self, texts: Iterable[str | None]) -> Ids:
        """The ids of many strings; -1 for null."""
        known = self._ids
        ids = [-1 if text is None else known.get(text, -2) for text in texts] if isinstance(texts, list) else None
        if ids is not None and -2 not in ids:
            return np.array(ids, np.int32)
        return np.array([-1 if text is None else self.id_of(text) for text in texts], np.int32)

    def __len__(self) -> int:
        return len(self.strings)


# One pool serves a process, so that columns of different origin compare by id.
POOL = StringPool()


class StringColumn(Column):
    """`ids` int32 (n) into the pool of strings; -1 is null."""

    def __init__(self, ids: Ids, type_: CqlType = STRING, pool: StringPool = POOL) -> None:
        self.ids = ids
        self.pool = pool
        self.type = type_

    @classmethod
    def of(cls, texts: Iterable[str | None], type_: CqlType = STRING) -> StringColumn:
        """Encode strings (None for null)."""
        return cls(POOL.ids_of(list(texts)), type_)

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def valid(self) -> Mask:
        return self.ids >= 0

    def take(self, rows: Rows) -> StringColumn:
        return StringColumn(self.ids[rows], self.type, self.pool)

    def where(self, keep: Mask) -> StringColumn:
        return StringColumn(np.where(keep, self.ids, np.int32(-1)), self.type, self.pool)

    def concat(self, others: Sequence[StringColumn]) -> StringColumn:
        return StringColumn(np.concatenate([self.ids, *(other.ids for other in others)]), self.type, self.pool)

    def keys(self) -> Rows:
        return self.ids.astype(np.int64)

    def texts(self) -> list[str | None]:
        """The strings themselves."""
        strings = self.pool.strings
        return [None if i < 0 else strings[i] for i in self.ids.tolist()]
