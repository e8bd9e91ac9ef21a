"""What the translator may call, the registry can evaluate, with the same result type."""

from __future__ import annotations

import pytest

from ecqm.language.system_operators import system_signatures
from ecqm.operators import registry
from ecqm.operators.signature import substitute
from ecqm.types.core import INTEGER, CqlType, IntervalType, ListType, NamedType

# Addition of strings is a spelling of Concatenate, which the translator writes for it.
ELSEWHERE = {("Add", "(System.String, System.String)")}


def _with_integers(type_: CqlType) -> CqlType:
    """A type with Integer for every type variable."""
    match type_:
        case ListType(element):
            return ListType(_with_integers(element))
        case IntervalType(point):
            return IntervalType(_with_integers(point))
        case NamedType(model="System", name=name) if len(name) > 1:
            return type_
    return INTEGER


def _calls() -> list[tuple[str, list[CqlType], CqlType]]:
    return [
        (name, [_with_integers(operand) for operand in signature.operands], _with_integers(signature.result))
        for name, signatures in system_signatures().items()
        for signature in signatures
    ]


@pytest.mark.parametrize("name", sorted(system_signatures()))
def test_the_registry_has_what_the_translator_calls(name: str) -> None:
    operator = registry.get(name)
    for called, operands, result in _calls():
        shown = f"({', '.join(map(str, operands))})"
        if called == name and (name, shown) not in ELSEWHERE:
            overload = operator.resolve(operands)
            assert overload is not None, f"{name}{shown}"
            matched = overload.signature.match(operands)
            assert matched is not None
            assert substitute(overload.signature.result, matched[1]) == result, f"{name}{shown} by {overload}"
