"""Signatures: the overloads of operators and functions."""

from __future__ import annotations

from dataclasses import dataclass

from ecqm.types import CqlType, NamedType, map_leaves, parse_type, split_types


@dataclass(frozen=True, slots=True)
class TypeVariable(CqlType):
    """A type that the operands of a call determine: the `T` of `First(List<T>) : T`."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Signature:
    """One overload: the name of an operator or function, its operand types and its result type."""

    name: str
    operands: tuple[CqlType, ...]
    result: CqlType

    def __str__(self) -> str:
        return f"{self.name}({', '.join(map(str, self.operands))})"


def _with_variables(type_: CqlType) -> CqlType:
    def variable(part: CqlType) -> CqlType:
        if isinstance(part, NamedType) and part.model == "System" and len(part.name) == 1:
            return TypeVariable(part.name)
        return part

    return map_leaves(type_, variable)


def parse_signature(line: str) -> Signature:
    """An overload written as `First(List<T>) : T`; a single capital letter is a type variable."""
    call, _, result = line.rpartition(" : ")
    name, _, operands = call.partition("(")
    types = tuple(_with_variables(parse_type(part)) for part in split_types(operands.rstrip(")")))
    return Signature(name, types, _with_variables(parse_type(result)))
