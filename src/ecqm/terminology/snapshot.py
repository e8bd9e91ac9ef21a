"""A selection of value sets, to be sent to other processes or machines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ecqm.terminology.expansion import Expansion
from ecqm.terminology.identity import ValueSetKey, value_set_key
from ecqm.terminology.membership import ValueSets


class ValueSetSnapshot:
    """Value sets by identity and requested version."""

    def __init__(self, found: Mapping[ValueSetKey, Expansion]) -> None:
        self._found = found

    @classmethod
    def of(cls, value_sets: ValueSets, wanted: Iterable[ValueSetKey]) -> ValueSetSnapshot:
        """The `wanted` value sets (identifier, version) that are available."""
        found = {value_set_key(*each): value_sets.find(*each) for each in wanted}
        return cls({key: expansion for key, expansion in found.items() if expansion is not None})

    def find(self, identifier: str, version: str | None = None) -> Expansion | None:
        """The value set; None if it was not available, or not selected."""
        return self._found.get(value_set_key(identifier, version))
