"""Signatures of overloads such as `(List<T>, T) -> Boolean`: parsing them, and matching operand types against them.

A single capital letter is a type variable, which stands for the same type everywhere in the signature. `T...` as the
last operand may be given any number of times.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ecqm.types import (
    ANY,
    CODE_SYSTEM,
    VALUE_SET,
    VOCABULARY,
    CqlType,
    IntervalType,
    ListType,
    NamedType,
    TupleType,
    map_leaves,
    parse_type,
    split_types,
)

Bindings = dict[str, CqlType]


@dataclass(frozen=True, slots=True)
class OverloadSignature:
    """The operand types and the result type of one overload."""

    operands: tuple[CqlType, ...]
    result: CqlType
    variadic: bool = False

    @classmethod
    def parse(cls, text: str) -> OverloadSignature:
        """Parse `(operand, …) -> result`. Raises ValueError if it is malformed."""
        left, arrow, right = text.partition("->")
        left = left.strip()
        if not arrow or not (left.startswith("(") and left.endswith(")")):
            raise ValueError(f"{text!r} is not a signature")
        parts = split_types(left[1:-1])
        variadic = bool(parts) and parts[-1].endswith("...")
        operands = tuple(parse_type(part.removesuffix("...")) for part in parts)
        return cls(operands, parse_type(right.strip()), variadic)

    def __str__(self) -> str:
        operands = ", ".join(_short(operand) for operand in self.operands)
        return f"({operands}{'...' if self.variadic else ''}) -> {_short(self.result)}"

    def expand(self, arity: int) -> tuple[CqlType, ...] | None:
        """The operand types of a call with `arity` operands; None if the overload takes another number of them."""
        if not self.variadic:
            return self.operands if arity == len(self.operands) else None
        fixed = len(self.operands) - 1
        return self.operands[:-1] + self.operands[-1:] * (arity - fixed) if arity >= fixed else None

    def match(self, types: Sequence[CqlType]) -> tuple[int, Bindings] | None:
        """How well operand types fit without conversions: a cost (0 is an exact match) and the bindings of the type
        variables; None if they do not fit.

        An operand of type `Any` (null) fits every declared type, and a declared `Any` every operand."""
        declared = self.expand(len(types))
        if declared is None:
            return None
        bindings: Bindings = {}
        total = 0
        for operand, type_ in zip(declared, types, strict=True):
            cost = _fit(operand, type_, bindings)
            if cost is None:
                return None
            total += cost + (_BARE_VARIABLE if is_variable(operand) else 0)
        return total, bindings


def is_variable(type_: CqlType) -> bool:
    """Whether a type in a signature is a type variable."""
    return isinstance(type_, NamedType) and type_.model == "System" and len(type_.name) == 1


def substitute(type_: CqlType, bindings: Bindings) -> CqlType:
    """A type with its variables replaced; an unbound variable becomes `Any`."""

    def bound(leaf: CqlType) -> CqlType:
        return bindings.get(leaf.name, ANY) if isinstance(leaf, NamedType) and is_variable(leaf) else leaf

    return map_leaves(type_, bound)


# Costs of matching a declared type; only their order matters.
_EXACT, _GENERIC, _NULL, _SUPERTYPE = 0, 1, 1, 3
# Added for `T` as a whole operand, so that `List<T>` is preferred for null.
_BARE_VARIABLE = 1


def _fit(declared: CqlType, actual: CqlType, bindings: Bindings) -> int | None:
    """The cost of `actual` for `declared`, None if it does not fit; binds type variables."""
    if isinstance(declared, NamedType) and is_variable(declared):
        bound = bindings.get(declared.name)
        if bound is None or bound == ANY:
            bindings[declared.name] = actual
            return _GENERIC
        return _GENERIC if actual in (bound, ANY) else _fit_same(bound, actual, bindings)
    if declared == actual:
        return _EXACT
    if actual == ANY:
        return _NULL
    if declared == ANY:
        return _SUPERTYPE
    if declared == VOCABULARY and actual in (VALUE_SET, CODE_SYSTEM):
        return _SUPERTYPE
    if isinstance(declared, ListType) and isinstance(actual, ListType):
        return _fit(declared.element, actual.element, bindings)
    if isinstance(declared, IntervalType) and isinstance(actual, IntervalType):
        return _fit(declared.point, actual.point, bindings)
    if isinstance(declared, TupleType) and isinstance(actual, TupleType):
        return _fit_elements(dict(declared.elements), dict(actual.elements), bindings)
    return None


def _fit_elements(declared: dict[str, CqlType], actual: dict[str, CqlType], bindings: Bindings) -> int | None:
    """Tuples fit if they have the same element names and the types of each element fit in either direction."""
    if declared.keys() != actual.keys():
        return None
    costs = [_fit_same(declared[name], actual[name], bindings) for name in declared]
    return None if None in costs else sum(cost for cost in costs if cost)


def _fit_same(bound: CqlType, actual: CqlType, bindings: Bindings) -> int | None:
    """The cost for another use of a bound variable: the types must agree, except where either is unknown (null, the
    elements of an empty list)."""
    forward = _fit(bound, actual, bindings)
    return forward if forward is not None else _fit(actual, bound, bindings)


def _short(type_: CqlType) -> str:
    return str(type_).replace("System.", "")
