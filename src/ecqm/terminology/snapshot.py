"""Some value sets out of a store, by themselves: what an evaluation in another process or on another machine needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from ecqm.terminology.codes import CodeKey
from ecqm.terminology.expansion import Expansion
from ecqm.terminology.store import value_set_key


class _Source(Protocol):
    def find(self, identifier: str, version: str | None = None) -> Expansion | None: ...


class ValueSetSnapshot:
    """Value sets by identity and the version that was asked for, as they were found."""

    def __init__(self, found: Mapping[tuple[str, str | None], Expansion]) -> None:
        self._found = found

    @classmethod
    def of(cls, value_sets: _Source, wanted: Iterable[tuple[str, str | None]]) -> ValueSetSnapshot:
        """Those that are `wanted` (identifier, version) and at hand."""
        found = {_key(identifier, version): value_sets.find(identifier, version) for identifier, version in wanted}
        return cls({key: expansion for key, expansion in found.items() if expansion is not None})

    def find(self, identifier: str, version: str | None = None) -> Expansion | None:
        """The value set; None if it was not at hand, or not wanted."""
        return self._found.get(_key(identifier, version))

    def expand(self, identifier: str, version: str | None = None) -> frozenset[CodeKey]:
        """The (system, code) members of a value set; none if it is not at hand."""
        found = self.find(identifier, version)
        return found.codes if found is not None else frozenset()


def _key(identifier: str, version: str | None) -> tuple[str, str | None]:
    identity, in_identifier = value_set_key(identifier)
    return identity, version or in_identifier
