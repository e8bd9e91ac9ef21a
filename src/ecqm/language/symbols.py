"""Symbols: the declarations of libraries, and the scopes inside expressions."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from ecqm.language.signatures import Signature
from ecqm.types import CqlType


class Declared(Enum):
    """The kind of a declaration; the value is its name in messages."""

    EXPRESSION = "expression"
    PARAMETER = "parameter"
    VALUE_SET = "value set"
    CODE_SYSTEM = "code system"
    CODE = "code"
    CONCEPT = "concept"


@dataclass(frozen=True, slots=True)
class Symbol:
    """A named declaration of a library. `context` is the evaluation context of an expression."""

    kind: Declared
    name: str
    type: CqlType
    public: bool = True
    context: str | None = None


@dataclass(frozen=True, slots=True)
class FunctionSymbol:
    """An overload of a function; `result` is None until its body has been translated."""

    name: str
    operands: tuple[tuple[str, CqlType], ...]
    result: CqlType | None
    fluent: bool = False
    public: bool = True
    external: bool = False

    def signature(self, result: CqlType) -> Signature:
        """The signature, with this result type."""
        return Signature(self.name, tuple(type_ for _, type_ in self.operands), result)


@dataclass(slots=True)
class Exports:
    """The declarations of a compiled library that including libraries can refer to."""

    id: str
    version: str | None
    symbols: dict[str, Symbol] = field(default_factory=dict)
    functions: dict[str, list[FunctionSymbol]] = field(default_factory=dict)

    def names(self) -> list[str]:
        return [*self.symbols, *self.functions]


@dataclass(slots=True)
class Scope:
    """The names that one query or function body introduces: aliases, lets, operands.

    For the scope of a sort clause, `row` is the type of the elements to be sorted.
    """

    aliases: dict[str, CqlType] = field(default_factory=dict)
    lets: dict[str, CqlType] = field(default_factory=dict)
    operands: dict[str, CqlType] = field(default_factory=dict)
    row: CqlType | None = None

    def names(self) -> list[str]:
        return [*self.aliases, *self.lets, *self.operands]
