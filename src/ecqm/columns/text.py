"""Strings, dictionary encoded."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from ecqm.columns.base import Column, Mask, Rows
from ecqm.types import STRING, CqlType

Ids = npt.NDArray[np.int32]


class _Numbers(dict[str | None, int]):
    """Numbers strings when they are looked up; null is -1."""

    def __init__(self, strings: list[str]) -> None:
        super().__init__()
        self._strings = strings
        self[None] = -1

    def __missing__(self, text: str) -> int:
        number = self[text] = len(self._strings)
        self._strings.append(text)
        return number


class StringPool:
    """Numbers strings as they come: equal strings of one pool have equal ids. Grows, never shrinks."""

    def __init__(self) -> None:
        self.strings: list[str] = []
        self._numbers = _Numbers(self.strings)

    def id_of(self, text: str) -> int:
        """The id of `text`, given now if it is new."""
        return self._numbers[text]

    def ids_of(self, texts: Iterable[str | None]) -> Ids:
        """The ids of many strings; -1 for null."""
        return np.fromiter(map(self._numbers.__getitem__, texts), np.int32)

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
