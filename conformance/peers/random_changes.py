"""Random changes of patients, chosen by weight."""

from __future__ import annotations

import copy
from collections.abc import Callable
from random import Random
from typing import Generic, TypeVar

Item = TypeVar("Item")
Change = Callable[[list[Item], list[Item]], None]
"""Changes a record in place; the second record is another patient, to borrow from."""


class RandomChanges(Generic[Item]):
    """Changes records, which are lists of resources or data elements; `ways` are the changes with their weights."""

    def __init__(self, random: Random, ways: list[tuple[int, Change[Item]]]) -> None:
        self.random = random
        self._ways = ways

    def mutated(self, record: list[Item], other: list[Item]) -> list[Item]:
        """A copy with one to four changes; `other` is another patient, to borrow from."""
        changed = copy.deepcopy(record)
        weights, ways = zip(*self._ways, strict=True)
        for way in self.random.choices(ways, weights, k=self.random.choice([1, 1, 1, 2, 2, 4])):
            way(changed, other)
        return changed
