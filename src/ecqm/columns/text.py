"""Strings, dictionary encoded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

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
        self._mapped: dict[Callable[[str], str | None], Ids] = {}

    def id_of(self, text: str) -> int:
        """The id of `text`, given now if it is new."""
        return self._numbers[text]

    def ids_of(self, texts: Iterable[str | None]) -> Ids:
        """The ids of many strings; -1 for null."""
        return np.fromiter(map(self._numbers.__getitem__, texts), np.int32)

    def mapped(self, ids: Ids, function: Callable[[str], str | None]) -> Ids:
        """The ids of what a function makes of each string (-1 of -1); each is computed once in the life of the pool."""
        table = self._mapped.get(function)
        if table is None or len(table) <= len(self.strings):
            grown = np.full(2 * len(self.strings) + 64, _NOT_MAPPED, np.int32)
            if table is not None:
                grown[: len(table) - 1] = table[:-1]
            grown[-1] = -1
            table = self._mapped[function] = grown
        found = table[ids]
        new = ids[found == _NOT_MAPPED]
        if len(new):
            for text_id in set(new.tolist()):
                result = function(self.strings[text_id])
                table[text_id] = -1 if result is None else self.id_of(result)
            found = table[ids]
        return found

    def __len__(self) -> int:
        return len(self.strings)


_NOT_MAPPED = -2

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

    def nulls(self, n: int) -> StringColumn:
        return StringColumn(np.full(n, -1, np.int32), self.type, self.pool)

    def concat(self, others: Sequence[StringColumn]) -> StringColumn:
        return StringColumn(np.concatenate([self.ids, *(other.ids for other in others)]), self.type, self.pool)

    def keys(self) -> Rows:
        return self.ids.astype(np.int64)

    def mapped(self, function: Callable[[str], str | None]) -> StringColumn:
        """What a function makes of each string. It is asked once for each string ever, so name it at module level."""
        return StringColumn(self.pool.mapped(self.ids, function), self.type, self.pool)

    def texts(self) -> list[str | None]:
        """The strings themselves."""
        strings = self.pool.strings
        return [None if i < 0 else strings[i] for i in self.ids.tolist()]
