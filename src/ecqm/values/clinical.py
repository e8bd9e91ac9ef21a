"""Code, Concept, ValueSet and CodeSystem (CQL reference, clinical values)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """A code of a code system."""

    code: str | None
    system: str | None = None
    version: str | None = None
    display: str | None = None


@dataclass(frozen=True, slots=True)
class Concept:
    """A single meaning, given by codes of one or more code systems."""

    codes: tuple[Code | None, ...]
    display: str | None = None


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """A reference to a value set or code system by identifier; the terminology service knows its content."""

    id: str
    version: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class CodeSystem(Vocabulary):
    """A reference to a code system."""


@dataclass(frozen=True, slots=True)
class ValueSet(Vocabulary):
    """A reference to a value set, with the code systems whose versions it pins."""

    code_systems: tuple[CodeSystem, ...] = ()
