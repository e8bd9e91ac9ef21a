"""Names and what they stand for: the exports of libraries, and the scopes inside expressions."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from ecqm.language.system_operators import Signature
from ecqm.types import CqlType


class Declared(Enum):
    """What kind of thing a name of a library stands for; the value is the kind in words."""

    EXPRESSION = "expression"
    PARAMETER = "parameter"
    VALUE_SET = "value set"
    CODE_SYSTEM = "code system"
    CODE = "code"
    CONCEPT = "concept"


@dataclass(frozen=True, slots=True)
class Symbol:
    """A named thing that a library declares."""

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
        return Signature(self.name, tuple(type_ for _, type_ in self.operands), result)


@dataclass(slots=True)
class Exports:
    """What a compiled library offers to those that include it."""

    id: str
    version: str | None
    symbols: dict[str, Symbol] = field(default_factory=dict)
    functions: dict[str, list[FunctionSymbol]] = field(default_factory=dict)

    def names(self) -> list[str]:
        return [*self.symbols, *self.functions]


@dataclass(slots=True)
class Scope:
    """The names that one query or function body brings: aliases, lets, operands.

    `row` is the type of the element that `sort by` orders, when this is the scope of a sort.
    """

    aliases: dict[str, CqlType] = field(default_factory=dict)
    lets: dict[str, CqlType] = field(default_factory=dict)
    operands: dict[str, CqlType] = field(default_factory=dict)
    row: CqlType | None = None

    def names(self) -> list[str]:
        return [*self.aliases, *self.lets, *self.operands]
