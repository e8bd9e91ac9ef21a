"""The kinds of CQL types, and the parser of their textual form."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache


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


class TypeSyntaxError(ValueError):
    """Text that is not a CQL type."""


@lru_cache(maxsize=4096)
def parse_type(text: str) -> CqlType:
    """Parse the textual form of a type; a name without a model belongs to `System`. Raises TypeSyntaxError."""
    parser = _TypeParser(text)
    type_ = parser.type()
    parser.expect_end()
    return type_


def split_types(text: str) -> list[str]:
    """The parts of `text` between commas that are not inside a type: `List<T>, Tuple{a T, b T}` has two."""
    parts, depth, start = [], 0, 0
    for at, character in enumerate(text):
        depth += (character in "<{") - (character in ">}")
        if character == "," and depth == 0:
            parts.append(text[start:at].strip())
            start = at + 1
    last = text[start:].strip()
    return [*parts, last] if last else parts


class _TypeParser:
    """A recursive-descent parser over `text`; `at` is the position of the next character."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def _skip(self) -> None:
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1

    def _peek(self) -> str:
        self._skip()
        return self.text[self.at : self.at + 1]

    def _take(self, token: str) -> None:
        if self._peek() != token:
            raise TypeSyntaxError(f"expected {token!r} at {self.at} of type {self.text!r}")
        self.at += 1

    def _name(self) -> str:
        self._skip()
        start = self.at
        while self.at < len(self.text) and (self.text[self.at].isalnum() or self.text[self.at] in "_."):
            self.at += 1
        if start == self.at:
            raise TypeSyntaxError(f"expected a name at {start} of type {self.text!r}")
        return self.text[start : self.at]

    def _arguments(self) -> list[CqlType]:
        self._take("<")
        found = [self.type()]
        while self._peek() == ",":
            self._take(",")
            found.append(self.type())
        self._take(">")
        return found

    def type(self) -> CqlType:
        name = self._name()
        if name == "Tuple" and self._peek() == "{":
            return self._tuple()
        if self._peek() == "<":
            arguments = self._arguments()
            if name == "Choice":
                return ChoiceType(tuple(arguments))
            if name in ("List", "Interval") and len(arguments) == 1:
                return ListType(arguments[0]) if name == "List" else IntervalType(arguments[0])
            raise TypeSyntaxError(f"{name}<…> is not a type, in {self.text!r}")
        # Model names contain no dots, type names may: FHIR.Encounter.Diagnosis.
        model, _, local = name.partition(".")
        return NamedType(model, local) if local else NamedType("System", name)

    def _tuple(self) -> TupleType:
        self._take("{")
        elements: list[tuple[str, CqlType]] = []
        while self._peek() != "}":
            if elements:
                self._take(",")
            name = self._name()
            elements.append((name, self.type()))
        self._take("}")
        return TupleType(tuple(elements))

    def expect_end(self) -> None:
        if self._peek():
            raise TypeSyntaxError(f"unexpected {self.text[self.at :]!r} in type {self.text!r}")
