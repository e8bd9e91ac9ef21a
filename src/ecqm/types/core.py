"""The kinds of CQL types (CQL, Developer's Guide, Type System), and the types of System."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass


class CqlType:
    """Base class of all types: immutable, hashable, and `str()` gives the CQL form."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class NamedType(CqlType):
    """A type that a model declares: `System.Integer`, `FHIR.Encounter`, `QDM.PositiveEncounterPerformed`."""

    model: str
    name: str

    def __str__(self) -> str:
        return f"{self.model}.{self.name}"


@dataclass(frozen=True, slots=True)
class ListType(CqlType):
    """`List<element>`."""

    element: CqlType

    def __str__(self) -> str:
        return f"List<{self.element}>"


@dataclass(frozen=True, slots=True)
class IntervalType(CqlType):
    """`Interval<point>`."""

    point: CqlType

    def __str__(self) -> str:
        return f"Interval<{self.point}>"


@dataclass(frozen=True, slots=True)
class TupleType(CqlType):
    """`Tuple { name type, … }` as (name, type) pairs, in the order of declaration."""

    elements: tuple[tuple[str, CqlType], ...]

    def __str__(self) -> str:
        return "Tuple{" + ", ".join(f"{name} {type_}" for name, type_ in self.elements) + "}"


@dataclass(frozen=True, slots=True)
class ChoiceType(CqlType):
    """`Choice<a, b, …>`: a value of any one of the alternatives."""

    choices: tuple[CqlType, ...]

    def __str__(self) -> str:
        return "Choice<" + ", ".join(map(str, self.choices)) + ">"


def _system(name: str) -> NamedType:
    return NamedType("System", name)


ANY = _system("Any")
BOOLEAN = _system("Boolean")
INTEGER = _system("Integer")
LONG = _system("Long")
DECIMAL = _system("Decimal")
STRING = _system("String")
DATE = _system("Date")
DATETIME = _system("DateTime")
TIME = _system("Time")
QUANTITY = _system("Quantity")
RATIO = _system("Ratio")
CODE = _system("Code")
CONCEPT = _system("Concept")
VOCABULARY = _system("Vocabulary")
VALUE_SET = _system("ValueSet")
CODE_SYSTEM = _system("CodeSystem")


def choice_of(types: Iterable[CqlType]) -> CqlType:
    """The type that covers all of `types`: nested choices are flattened and duplicates dropped; a single type that
    remains is returned as it is."""
    flat: dict[CqlType, None] = {}
    for type_ in types:
        for part in type_.choices if isinstance(type_, ChoiceType) else (type_,):
            flat[part] = None
    if len(flat) == 1:
        return next(iter(flat))
    return ChoiceType(tuple(flat))


def leaves(type_: CqlType) -> Iterator[CqlType]:
    """The types that a type is composed of, and that are not composed themselves."""
    match type_:
        case ListType(element):
            yield from leaves(element)
        case IntervalType(point):
            yield from leaves(point)
        case ChoiceType(choices):
            for choice in choices:
                yield from leaves(choice)
        case TupleType(elements):
            for _, element in elements:
                yield from leaves(element)
        case _:
            yield type_


def map_leaves(type_: CqlType, change: Callable[[CqlType], CqlType]) -> CqlType:
    """A type with `change` applied to each of its leaves."""
    match type_:
        case ListType(element):
            return ListType(map_leaves(element, change))
        case IntervalType(point):
            return IntervalType(map_leaves(point, change))
        case ChoiceType(choices):
            return choice_of(map_leaves(choice, change) for choice in choices)
        case TupleType(elements):
            return TupleType(tuple((name, map_leaves(element, change)) for name, element in elements))
    return change(type_)
