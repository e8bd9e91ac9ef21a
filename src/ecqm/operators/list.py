"""Operators on lists (CQL reference, list operators; ELM chapter 20).

A list is a tuple. Set operations keep the order of first appearance, which the specification leaves open.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ecqm.operators.list_membership import ElementSet, List, contains, distinct, includes, properly_contains, same
from ecqm.operators.registry import NONE, operator, overload
from ecqm.values.errors import CqlError
from ecqm.values.structure import Tuple

_LISTS = "(List<T>, List<T>) -> Boolean"
_LIST_AND_ELEMENT = "(List<T>, T) -> Boolean"
_ELEMENT_AND_LIST = "(T, List<T>) -> Boolean"


@operator("Exists", spec="elm:20.8")
class Exists:
    """Whether a list has an element that is not null."""

    @overload("(List<T>) -> Boolean", nulls=NONE)
    def lists(argument: List | None) -> bool:
        return argument is not None and any(element is not None for element in argument)


@operator("Flatten", spec="elm:20.11")
class Flatten:
    """The elements of the lists of a list, in order; a null list has none."""

    @overload("(List<List<T>>) -> List<T>")
    def lists(argument: Sequence[List | None]) -> tuple[Any, ...]:
        return tuple(element for part in argument if part is not None for element in part)


@operator("First", spec="elm:20.10")
class First:
    """The first element; null if the list is empty."""

    @overload("(List<T>) -> T")
    def lists(argument: List) -> Any:
        return argument[0] if argument else None


@operator("Last", spec="elm:20.18")
class Last:
    """The last element; null if the list is empty."""

    @overload("(List<T>) -> T")
    def lists(argument: List) -> Any:
        return argument[-1] if argument else None


@operator("Indexer", spec="elm:17.6")
class Indexer:
    """The element at a position, counted from 0; null if out of range."""

    @overload("(List<T>, Integer) -> T")
    def lists(argument: List, index: int) -> Any:
        return argument[index] if 0 <= index < len(argument) else None


@operator("IndexOf", spec="elm:20.16")
class IndexOf:
    """The position of the first occurrence of an element, counted from 0; -1 if there is none."""

    @overload("(List<T>, T) -> Integer")
    def lists(argument: List, element: Any) -> int:
        return next((at for at, present in enumerate(argument) if same(present, element)), -1)


@operator("Length", spec="elm:17.8")
class Length:
    """The number of elements of a list; 0 for null."""

    @overload("(List<T>) -> Integer", nulls=NONE)
    def lists(argument: List | None) -> int:
        return 0 if argument is None else len(argument)


@operator("Contains", spec="elm:20.2")
class Contains:
    """Whether an element is in a list; false for a null list."""

    @overload(_LIST_AND_ELEMENT, nulls=NONE)
    def lists(argument: List | None, element: Any) -> bool:
        return argument is not None and contains(argument, element)


@operator("In", spec="elm:20.13")
class In:
    """Whether an element is in a list; false for a null list."""

    @overload(_ELEMENT_AND_LIST, nulls=NONE)
    def lists(element: Any, argument: List | None) -> bool:
        return argument is not None and contains(argument, element)


@operator("ProperContains", spec="elm:20.20")
class ProperContains:
    """Whether an element is in a list that has another element, too; false for a null list."""

    @overload(_LIST_AND_ELEMENT, nulls=NONE)
    def lists(argument: List | None, element: Any) -> bool | None:
        return properly_contains(argument, element) if argument is not None else False


@operator("ProperIn", spec="elm:20.21")
class ProperIn:
    """Whether an element is in a list that has another element, too; false for a null list."""

    @overload(_ELEMENT_AND_LIST, nulls=NONE)
    def lists(element: Any, argument: List | None) -> bool | None:
        return properly_contains(argument, element) if argument is not None else False


@operator("Includes", spec="elm:20.14")
class Includes:
    """Whether every element of the second list is in the first."""

    @overload(_LISTS)
    def lists(left: List, right: List) -> bool:
        return includes(left, right)

    @overload(_LIST_AND_ELEMENT, nulls=NONE)
    def element(argument: List | None, element: Any) -> bool:
        return argument is not None and contains(argument, element)


@operator("IncludedIn", spec="elm:20.15")
class IncludedIn:
    """Whether every element of the first list is in the second."""

    @overload(_LISTS)
    def lists(left: List, right: List) -> bool:
        return includes(right, left)

    @overload(_ELEMENT_AND_LIST, nulls=NONE)
    def element(element: Any, argument: List | None) -> bool | None:
        """Null for a null element, unlike `In`."""
        if element is None:
            return None
        return argument is not None and contains(argument, element)


@operator("ProperIncludes", spec="elm:20.22")
class ProperIncludes:
    """Whether every element of the second list is in the first, and the first is longer."""

    @overload(_LISTS)
    def lists(left: List, right: List) -> bool:
        return len(left) > len(right) and includes(left, right)

    @overload(_LIST_AND_ELEMENT, nulls=NONE)
    def element(argument: List | None, element: Any) -> bool | None:
        return properly_contains(argument, element) if argument is not None else False


@operator("ProperIncludedIn", spec="elm:20.23")
class ProperIncludedIn:
    """Whether every element of the first list is in the second, and the second is longer."""

    @overload(_LISTS)
    def lists(left: List, right: List) -> bool:
        return len(right) > len(left) and includes(right, left)

    @overload(_ELEMENT_AND_LIST, nulls=NONE)
    def element(element: Any, argument: List | None) -> bool | None:
        return properly_contains(argument, element) if argument is not None else False


@operator("Union", spec="elm:20.29")
class Union:
    """The distinct elements of the lists; null counts as an empty list."""

    @overload("(List<T>...) -> List<T>", nulls=NONE)
    def lists(*parts: List | None) -> tuple[Any, ...]:
        return distinct([element for part in parts if part is not None for element in part])


@operator("Intersect", spec="elm:20.17")
class Intersect:
    """The distinct elements that are in every list."""

    @overload("(List<T>...) -> List<T>")
    def lists(first: List, *others: List) -> tuple[Any, ...]:
        members = [ElementSet(other) for other in others]
        return tuple(element for element in distinct(first) if all(element in other for other in members))


@operator("Except", spec="elm:20.7")
class Except:
    """The distinct elements of the first list that are in no other; null for a null first list, while other nulls count
    as empty lists."""

    @overload("(List<T>...) -> List<T>", nulls=NONE)
    def lists(first: List | None, *others: List | None) -> tuple[Any, ...] | None:
        if first is None:
            return None
        members = [ElementSet(other) for other in others if other is not None]
        return tuple(element for element in distinct(first) if not any(element in other for other in members))


@operator("Distinct", spec="elm:20.4")
class Distinct:
    """The list without duplicates."""

    @overload("(List<T>) -> List<T>")
    def lists(argument: List) -> tuple[Any, ...]:
        return distinct(argument)


@operator("SingletonFrom", spec="elm:20.25")
class SingletonFrom:
    """The only element; null if the list is empty, a run-time error if there are several."""

    @overload("(List<T>) -> T", may_raise=True)
    def lists(argument: List) -> Any:
        if len(argument) > 1:
            raise CqlError(f"singleton from a list of {len(argument)} elements")
        return argument[0] if argument else None


@operator("Slice", spec="elm:20.26")
class Slice:
    """The elements from a start position (by default 0) to before an end position (by default that of the list). A
    negative position gives an empty list, as the reference requires of Skip and Take, which are translated to Slice."""

    @overload(
        "(List<T>) -> List<T>",
        "(List<T>, Integer) -> List<T>",
        "(List<T>, Integer, Integer) -> List<T>",
        nulls=NONE,
    )
    def lists(source: List | None, start: int | None = None, end: int | None = None) -> tuple[Any, ...] | None:
        if source is None:
            return None
        first, last = start or 0, len(source) if end is None else end
        return tuple(source[first:last]) if 0 <= first <= last else ()


@operator("Times", spec="elm:20.28")
class Times:
    """The tuples of the first list, each combined with each tuple of the second."""

    @overload("(List<T>, List<U>) -> List<Any>")
    def lists(left: Sequence[Tuple | None], right: Sequence[Tuple | None]) -> tuple[Tuple, ...]:
        return tuple(Tuple({**one, **other}) for one in left if one is not None for other in right if other is not None)
