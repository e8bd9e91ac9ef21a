"""Strings, as ids of a pool of distinct strings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import numpy.typing as npt

from ecqm.columns.base import Column
from ecqm.kernels.arrays import Mask, Rows
from ecqm.kernels.segments import distinct
from ecqm.types import STRING, CqlType

Ids = npt.NDArray[np.int32]


class _Numbers(dict[str | None, int]):
    """The id of each string, assigned when it is first looked up; that of null is -1."""

    def __init__(self, strings: list[str]) -> None:
        super().__init__()
        self._strings = strings
        self[None] = -1

    def __missing__(self, text: str) -> int:
        number = self[text] = len(self._strings)
        self._strings.append(text)
        return number


class StringPool:
    """Distinct strings and their ids, in order of arrival; it only grows."""

    def __init__(self) -> None:
        self.strings: list[str] = []
        self._numbers = _Numbers(self.strings)
        self._mapped: dict[Callable[[str], str | None], Ids] = {}

    def id_of(self, text: str) -> int:
        """The id of `text`, assigned now if it is new."""
        return self._numbers[text]

    def ids_of(self, texts: Iterable[str | None]) -> Ids:
        """The ids of many strings; -1 for null."""
        return np.fromiter(map(self._numbers.__getitem__, texts), np.int32)

    def mapped(self, ids: Ids, function: Callable[[str], str | None]) -> Ids:
        """The ids of function(string) for each id, -1 for null. `function` is called once per string and remembered
        for the life of the pool, so it has to be a function that is defined once."""
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


# Marks the strings of a table of `mapped` that the function was not called for yet.
_NOT_MAPPED = -2

# The pool of the process: strings of all columns compare by id.
POOL = StringPool()


class StringColumn(Column):
    """`ids` int32 (n) of POOL; -1 is null."""

    def __init__(self, ids: Ids, type_: CqlType = STRING) -> None:
        self.ids = ids
        self.type = type_

    @classmethod
    def of(cls, texts: Iterable[str | None], type_: CqlType = STRING) -> StringColumn:
        """A column of strings; None for null."""
        return cls(POOL.ids_of(list(texts)), type_)

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def valid(self) -> Mask:
        return self.ids >= 0

    def take(self, rows: Rows) -> StringColumn:
        return StringColumn(self.ids[rows], self.type)

    def where(self, keep: Mask) -> StringColumn:
        return StringColumn(np.where(keep, self.ids, np.int32(-1)), self.type)

    def nulls(self, n: int) -> StringColumn:
        return StringColumn(np.full(n, -1, np.int32), self.type)

    def concat(self, others: Sequence[StringColumn]) -> StringColumn:
        return StringColumn(np.concatenate([self.ids, *(other.ids for other in others)]), self.type)

    def keys(self) -> Rows:
        return self.ids.astype(np.int64)

    def mapped(self, function: Callable[[str], str | None]) -> StringColumn:
        """function(string) in each row; see `StringPool.mapped`."""
        return StringColumn(POOL.mapped(self.ids, function), self.type)

    def matches(self, predicate: Callable[[str], bool]) -> Mask:
        """The mask (n) of the strings for which `predicate` holds, which is called once per distinct string."""
        ids, place = distinct(self.ids)
        return np.array([i >= 0 and predicate(POOL.strings[i]) for i in ids.tolist()], np.bool_)[place]

    def texts(self) -> list[str | None]:
        """The strings; None for null."""
        strings = POOL.strings
        return [None if i < 0 else strings[i] for i in self.ids.tolist()]
