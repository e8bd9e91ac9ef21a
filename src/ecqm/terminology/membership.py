"""Membership in value sets as look-up tables over code ids."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from ecqm.kernels.arrays import Mask
from ecqm.terminology.codes import CodeIndex
from ecqm.terminology.expansion import Expansion
from ecqm.terminology.identity import ValueSetKey, value_set_key
from ecqm.terminology.systems import VALUE_SETS, canonical_system


class ValueSets(Protocol):
    """A source of value sets."""

    def find(self, identifier: str, version: str | None = None) -> Expansion | None:
        """The value set; None if it is not available."""
        ...


class Membership:
    """One boolean table per value set: `table(id)[code_id]` says whether the code is a member.

    Tables are computed once and extended when the index grows. The caller must mask `NO_CODE` (-1). A missing value set
    has no members; missing value sets are reported before a run (`ValueSetStore.missing`).
    """

    def __init__(self, codes: CodeIndex, value_sets: ValueSets) -> None:
        self.codes = codes
        self.value_sets = value_sets
        self._tables: dict[ValueSetKey, Mask] = {}

    def table(self, identifier: str, version: str | None = None) -> Mask:
        """A read-only boolean array over all ids assigned so far, of shape `(len(codes),)`."""
        identity, _ = key = value_set_key(identifier, version)
        known = self._tables.get(key)
        start = 0 if known is None else len(known)
        if known is not None and start == len(self.codes):
            return known
        expansion = self.value_sets.find(identifier, version)
        members = expansion.codes if expansion is not None else frozenset()
        # "None of this value set" is coded by the value set itself, which is a member of no other value set.
        members |= {(canonical_system(VALUE_SETS), identity)}
        if start == 0 and len(members) < len(self.codes):
            table = np.zeros(len(self.codes), dtype=np.bool_)
            ids = np.fromiter((self.codes.find(*code) for code in members), dtype=np.int64, count=len(members))
            table[ids[ids >= 0]] = True
        else:
            fresh = self.codes.since(start)
            added = np.fromiter((code in members for code in fresh), dtype=np.bool_, count=len(fresh))
            table = added if known is None else np.concatenate((known, added))
        table.flags.writeable = False
        self._tables[key] = table
        return table

    def has(self, identifier: str, version: str | None = None) -> bool:
        """Whether a value set is available."""
        return self.value_sets.find(identifier, version) is not None

    def strings(self, identifier: str, version: str | None = None) -> frozenset[str]:
        """The codes of a value set without their systems, to compare strings with (`elm:23.5`)."""
        expansion = self.value_sets.find(identifier, version)
        return frozenset() if expansion is None else frozenset(code for _, code in expansion.codes)
