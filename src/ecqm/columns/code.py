"""Codes, as ids of a terminology index, and concepts, as lists of codes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from ecqm.columns.base import Column, MaskedColumn
from ecqm.columns.join import concat
from ecqm.columns.null import NullColumn
from ecqm.columns.text import StringColumn
from ecqm.kernels.arrays import Mask, Rows
from ecqm.kernels.segments import combine_keys, distinct, gather, offsets_of_lengths, parents_of_offsets, segment_keys
from ecqm.types import CODE, CONCEPT, CqlType

CodeIds = npt.NDArray[np.int32]
_C = TypeVar("_C", bound=Column)


class CodeDictionary(Protocol):
    """What a code column needs of the terminology index: ids for (system, code) pairs."""

    def code(self, code_id: int) -> tuple[str, str]:
        """The (system, code) pair of an id; the system is empty if the code has none."""
        ...

    def intern(self, system: str | None, code: str) -> int:
        """The id of a pair, assigned now if it is new."""
        ...


class CodeColumn(Column):
    """`ids` int32 (n) of `index`, -1 is null; `display` and `version` are columns of n strings, None if all are null.

    `beside` has what codings of data hold in addition (extensions): n records, None if there is nothing. It does not
    count when codes are compared. Columns that are joined or compared have the same index."""

    def __init__(
        self,
        ids: CodeIds,
        index: CodeDictionary,
        display: StringColumn | None = None,
        version: StringColumn | None = None,
        type_: CqlType = CODE,
        beside: Column | None = None,
    ) -> None:
        self.ids = ids
        self.index = index
        self.display = display
        self.version = version
        self.type = type_
        self.beside = beside

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def valid(self) -> Mask:
        return self.ids >= 0

    def take(self, rows: Rows) -> CodeColumn:
        return CodeColumn(
            self.ids[rows],
            self.index,
            _taken(self.display, rows),
            _taken(self.version, rows),
            self.type,
            _taken(self.beside, rows),
        )

    def where(self, keep: Mask) -> CodeColumn:
        ids = np.where(keep, self.ids, np.int32(-1))
        beside = None if self.beside is None else self.beside.where(keep)
        return CodeColumn(ids, self.index, self.display, self.version, self.type, beside)

    def nulls(self, n: int) -> CodeColumn:
        return CodeColumn(np.full(n, -1, np.int32), self.index, type_=self.type)

    def concat(self, others: Sequence[CodeColumn]) -> CodeColumn:
        parts = (self, *others)
        return CodeColumn(
            np.concatenate([part.ids for part in parts]),
            self.index,
            _concat_texts([part.display for part in parts], [len(part) for part in parts]),
            _concat_texts([part.version for part in parts], [len(part) for part in parts]),
            self.type,
            _concat_beside(parts),
        )

    def matches(self, predicate: Callable[[str, str], bool]) -> Mask:
        """The mask (n) of the codes for which predicate(system, code) holds, called once per distinct code."""
        ids, place = distinct(self.ids)
        return np.array([i >= 0 and predicate(*self.index.code(i)) for i in ids.tolist()], np.bool_)[place]

    def keys(self) -> Rows:
        # Code, system, version and display all count for equality (ELM Equal); equivalence compares ids alone.
        texts = [text.keys() for text in (self.display, self.version) if text is not None]
        if not texts:
            return self.ids.astype(np.int64)
        return np.where(self.valid, combine_keys(self.ids.astype(np.int64), *texts), -1)


class ConceptColumn(MaskedColumn):
    """Row i has the `codes` at offsets[i]:offsets[i + 1] and a `display` string; null where not `valid`.

    `beside` has what concepts of data hold in addition, as in CodeColumn.
    """

    def __init__(
        self,
        offsets: Rows,
        codes: CodeColumn,
        valid: Mask,
        display: StringColumn | None = None,
        type_: CqlType = CONCEPT,
        beside: Column | None = None,
    ) -> None:
        self.offsets = offsets
        self.codes = codes
        self._valid = valid
        self.display = display
        self.type = type_
        self.beside = beside

    @cached_property
    def parents(self) -> Rows:
        """For each code the row that it belongs to."""
        return parents_of_offsets(self.offsets)

    def take(self, rows: Rows) -> ConceptColumn:
        offsets, codes = gather(self.offsets, rows)
        return ConceptColumn(
            offsets,
            self.codes.take(codes),
            self._valid[rows],
            _taken(self.display, rows),
            self.type,
            _taken(self.beside, rows),
        )

    def where(self, keep: Mask) -> ConceptColumn:
        beside = None if self.beside is None else self.beside.where(keep)
        return ConceptColumn(self.offsets, self.codes, self._valid & keep, self.display, self.type, beside)

    def nulls(self, n: int) -> ConceptColumn:
        return ConceptColumn(np.zeros(n + 1, np.int64), self.codes.nulls(0), np.zeros(n, np.bool_), type_=self.type)

    def concat(self, others: Sequence[ConceptColumn]) -> ConceptColumn:
        parts = (self, *others)
        return ConceptColumn(
            offsets_of_lengths(np.concatenate([np.diff(part.offsets) for part in parts])),
            self.codes.concat([part.codes for part in others]),
            np.concatenate([part.valid for part in parts]),
            _concat_texts([part.display for part in parts], [len(part) for part in parts]),
            self.type,
            _concat_beside(parts),
        )

    def keys(self) -> Rows:
        parts = [segment_keys(self.offsets, self.codes.keys())]
        if self.display is not None:
            parts.append(self.display.keys())
        return np.where(self._valid, combine_keys(*parts), -1)


def _taken(part: _C | None, rows: Rows) -> _C | None:
    """The rows of a column that there may be."""
    return None if part is None else part.take(rows)


def _concat_texts(columns: list[StringColumn | None], lengths: list[int]) -> StringColumn | None:
    """String columns end to end, where None stands for as many nulls as its length says."""
    if all(column is None for column in columns):
        return None
    ids = [
        np.full(length, -1, np.int32) if column is None else column.ids
        for column, length in zip(columns, lengths, strict=True)
    ]
    return StringColumn(np.concatenate(ids))


def _concat_beside(parts: Sequence[CodeColumn | ConceptColumn]) -> Column | None:
    """What is beside the values of columns end to end."""
    if all(part.beside is None for part in parts):
        return None
    return concat([NullColumn(len(part)) if part.beside is None else part.beside for part in parts])
