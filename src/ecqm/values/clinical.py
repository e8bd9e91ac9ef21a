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
    """One meaning said with codes of any number of code systems."""

    codes: tuple[Code | None, ...]
    display: str | None = None


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """A value set or a code system by identifier; what it contains is known to the terminology service."""

    id: str
    version: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class CodeSystem(Vocabulary):
    """A code system by identifier."""


@dataclass(frozen=True, slots=True)
class ValueSet(Vocabulary):
    """A value set by identifier, with the code systems whose versions it fixes."""

    code_systems: tuple[CodeSystem, ...] = ()
