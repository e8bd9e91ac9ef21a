"""Values with named elements: tuples, and instances that have an identity."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


class Identified:
    """A value that has an identity, as resources have: the same value is equal and equivalent to itself, and to no
    other. Comparing its elements would give the same answer, because the identifier is one of them."""

    __slots__ = ()


class Tuple(Mapping[str, Any]):
    """An immutable mapping from element name to value. The order of the elements is that in which Equal compares them;
    tuples with the same elements in another order are the same.

    `type_name` is the qualified name of a model's class when the tuple is an instance of one."""

    __slots__ = ("_elements", "type_name")

    def __init__(
        self, elements: Mapping[str, Any] | None = None, /, type_name: str | None = None, **named: Any
    ) -> None:
        self._elements: dict[str, Any] = {**(elements or {}), **named}
        self.type_name = type_name

    def __getitem__(self, name: str) -> Any:
        return self._elements[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._elements)

    def __len__(self) -> int:
        return len(self._elements)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Tuple):
            return NotImplemented
        return self.type_name == other.type_name and self._elements == other._elements

    def __hash__(self) -> int:
        return hash((self.type_name, frozenset(self._elements.items())))

    def __repr__(self) -> str:
        inside = ", ".join(f"{name}={value!r}" for name, value in self._elements.items())
        return f"Tuple({inside})"
