"""Codes as integers: each distinct (system, code) pair has an id."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from ecqm.terminology.systems import canonical_system

CodeKey = tuple[str, str]
"""(canonical name of the system, code)."""

NO_CODE = -1
"""The id of a code that is not in the index."""


class CodeIndex:
    """Assigns int32 ids to (system, code) pairs, numbered from 0 in the order of first use.

    Systems are identified by their canonical name, so a code has the same id whether its system is given as OID or URI.
    Versions and displays are ignored, as in CQL's equivalence of codes; value sets list codes without them. Ids never
    change; the index only grows.
    """

    def __init__(self) -> None:
        self._ids: dict[tuple[str | None, str], int] = {}
        self._codes: list[CodeKey] = []

    def __len__(self) -> int:
        return len(self._codes)

    def intern(self, system: str | None, code: str) -> int:
        """The id of a code, assigned now if the code is new."""
        found = self._ids.get((system, code))
        if found is not None:
            return found
        key = (canonical_system(system), code)
        known = self._ids.get(key)
        if known is None:
            known = self._ids[key] = len(self._codes)
            self._codes.append(key)
        # Remember the given name of the system too, so that it is canonicalized only once.
        self._ids[(system, code)] = known
        return known

    def intern_all(self, codes: Iterable[tuple[str | None, str]]) -> NDArray[np.int32]:
        """The ids of many codes, in their order."""
        return np.fromiter((self.intern(system, code) for system, code in codes), dtype=np.int32)

    def find(self, system: str | None, code: str) -> int:
        """The id of a code, or `NO_CODE` if it was never interned."""
        found = self._ids.get((system, code))
        if found is not None:
            return found
        return self._ids.get((canonical_system(system), code), NO_CODE)

    def code(self, code_id: int) -> CodeKey:
        """The (system, code) with an id."""
        if code_id < 0:
            raise IndexError(f"no code has id {code_id}")
        return self._codes[code_id]

    def since(self, start: int) -> list[CodeKey]:
        """The codes with ids from `start` on."""
        return self._codes[start:]
