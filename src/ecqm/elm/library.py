"""A library with its declarations by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol, TypeVar

from ecqm.elm.errors import ElmError
from ecqm.elm.nodes import (
    CodeDef,
    CodeSystemDef,
    ConceptDef,
    ExpressionDef,
    FunctionDef,
    IncludeDef,
    Library,
    ParameterDef,
    UsingDef,
    ValueSetDef,
)


@dataclass(frozen=True, slots=True)
class LibraryIdentifier:
    """The name and version of a library.

    `system` is its namespace, if it is stated. It is not compared, because publishers do not state it consistently.
    """

    name: str
    version: str | None = None
    system: str | None = field(default=None, compare=False)

    def __str__(self) -> str:
        return f"{self.name} {self.version}" if self.version else self.name


def included_identifier(include: IncludeDef) -> LibraryIdentifier:
    """The library that an include names.

    The path may begin with a namespace, as a URI or in CQL's notation (`hl7.fhir.uv.cql.FHIRHelpers`).
    """
    system, _, name = include.path.rpartition("/" if "/" in include.path else ".")
    return LibraryIdentifier(name, include.version, system or None)


class _Named(Protocol):
    @property
    def name(self) -> str: ...


_N = TypeVar("_N", bound=_Named)


def _by_name(definitions: Iterable[_N]) -> dict[str, _N]:
    return {definition.name: definition for definition in definitions}


class IndexedLibrary:
    """A library (`node`) with its declarations by name, and the name of its document (`origin`).

    `notes` are messages about keys of the document that ELM does not define.
    """

    def __init__(self, node: Library, origin: str = "memory", notes: Iterable[str] = ()) -> None:
        self.node = node
        self.origin = origin
        self.notes = tuple(notes)

    def __repr__(self) -> str:
        return f"<library {self.identifier}>"

    @cached_property
    def identifier(self) -> LibraryIdentifier:
        """The name and version; the name is empty if the library states none."""
        stated = self.node.identifier
        return LibraryIdentifier(stated.id or "", stated.version, stated.system)

    @cached_property
    def expressions(self) -> Mapping[str, ExpressionDef]:
        """The expression definitions, without functions, by name in the order of the document."""
        return _by_name(d for d in self.node.statements if not isinstance(d, FunctionDef))

    @cached_property
    def functions(self) -> Mapping[str, tuple[FunctionDef, ...]]:
        """The overloads of all functions, by name."""
        found: dict[str, tuple[FunctionDef, ...]] = {}
        for definition in self.node.statements:
            if isinstance(definition, FunctionDef):
                found[definition.name] = (*found.get(definition.name, ()), definition)
        return found

    @cached_property
    def parameters(self) -> Mapping[str, ParameterDef]:
        """The parameters, by name."""
        return _by_name(self.node.parameters)

    @cached_property
    def value_sets(self) -> Mapping[str, ValueSetDef]:
        """The value sets, by name."""
        return _by_name(self.node.valueSets)

    @cached_property
    def code_systems(self) -> Mapping[str, CodeSystemDef]:
        """The code systems, by name."""
        return _by_name(self.node.codeSystems)

    @cached_property
    def codes(self) -> Mapping[str, CodeDef]:
        """The codes, by name."""
        return _by_name(self.node.codes)

    @cached_property
    def concepts(self) -> Mapping[str, ConceptDef]:
        """The concepts, by name."""
        return _by_name(self.node.concepts)

    @cached_property
    def includes(self) -> Mapping[str, LibraryIdentifier]:
        """The included libraries by local name."""
        return {i.localIdentifier or included_identifier(i).name: included_identifier(i) for i in self.node.includes}

    @property
    def usings(self) -> tuple[UsingDef, ...]:
        """The models that the library uses, except System."""
        return tuple(using for using in self.node.usings if using.localIdentifier != "System")

    def expression(self, name: str) -> ExpressionDef:
        """The definition with this name. Raises ElmError if there is none."""
        found = self.expressions.get(name)
        if found is None:
            raise ElmError(f"has no definition {name!r}", library=str(self.identifier))
        return found
