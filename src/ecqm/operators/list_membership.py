"""Membership in lists: which elements are the same, and which a list has (CQL reference, list operators).

Two elements are the same if they are equal or both null; if equality is null (`@2012` and `@2012-03`) they are not.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from decimal import Decimal
from typing import Any

from ecqm.values.clinical import Code
from ecqm.values.equality import equal
from ecqm.values.temporal import Date

List = Sequence[Any]


def same(left: Any, right: Any) -> bool:
    """Whether two elements are the same in lists: equal, or both null."""
    if left is None or right is None:
        return left is right
    return equal(left, right) is True


class ElementSet:
    """The elements of a list, for tests of membership: a look-up if equality of all elements is that of hashable keys,
    otherwise a search."""

    __slots__ = ("_elements", "_keys")

    def __init__(self, elements: List = ()) -> None:
        self._elements: list[Any] = []
        self._keys: set[Hashable] | None = set()
        for element in elements:
            self.add(element)

    def add(self, element: Any) -> None:
        """Add an element."""
        self._elements.append(element)
        key = _exact_key(element)
        if key is None:
            self._keys = None
        elif self._keys is not None:
            self._keys.add(key)

    def __contains__(self, element: Any) -> bool:
        key = _exact_key(element)
        if key is not None and self._keys is not None:
            return key in self._keys
        return any(same(present, element) for present in self._elements)


def _exact_key(element: Any) -> Hashable | None:
    """A key that two elements share exactly if they are the same; None for types without such a key."""
    match element:
        case None | bool() | str():
            return type(element), element
        case int() | Decimal():
            return int, element
        case Code() | Date():
            return element
    return None


def contains(list_: List, element: Any) -> bool:
    """Whether some element of a list is the same as `element`."""
    return any(same(present, element) for present in list_)


def distinct(elements: List) -> tuple[Any, ...]:
    """The elements without duplicates, in order of first appearance."""
    members, found = ElementSet(), []
    for element in elements:
        if element not in members:
            members.add(element)
            found.append(element)
    return tuple(found)


def includes(list_: List, part: List) -> bool:
    """Whether every element of `part` is in `list_`."""
    members = ElementSet(list_)
    return all(element in members for element in part)


def properly_contains(list_: List, element: Any) -> bool | None:
    """Whether `element` is in a list that has another element, too; null if either is unknown. (A null in the list may
    or may not be the element.)"""
    matches = [_agrees(present, element) for present in list_]
    if True not in matches:
        return None if element is not None and _unclear(list_, matches) else False
    if False in matches:
        return True
    return None if None in matches else False


def _agrees(present: Any, element: Any) -> bool | None:
    if element is None:
        return present is None
    return None if present is None else equal(present, element)


def _unclear(list_: List, matches: Sequence[bool | None]) -> bool:
    return any(match is None and present is not None for present, match in zip(list_, matches, strict=True))
