"""The notation of types, which is that of CQL: `List<System.Integer>`, `Tuple{low Integer, high Integer}`.

`str()` writes it. Names of a model may have dots, spaces and hyphens after the first dot (`QICore.observation-bp`).
"""

from __future__ import annotations

import re
from functools import lru_cache

from ecqm.types.core import ChoiceType, CqlType, IntervalType, ListType, NamedType, TupleType

_NAME = re.compile(r"\w[\w. -]*")
_GENERIC = re.compile(r"(List|Interval|Choice)\s*<(.*)>", re.DOTALL)
_TUPLE = re.compile(r"Tuple\s*\{(.*)\}", re.DOTALL)
_ELEMENT = re.compile(r"(\w+)\s+(.+)", re.DOTALL)


class TypeSyntaxError(ValueError):
    """Text that is not a CQL type."""


@lru_cache(maxsize=4096)
def parse_type(text: str) -> CqlType:
    """The type with a notation; a name without a model belongs to `System`. Raises TypeSyntaxError."""
    text = text.strip()
    if _NAME.fullmatch(text):
        # Names of models contain no dots, names of types may: FHIR.Encounter.Diagnosis.
        model, _, name = text.partition(".")
        return NamedType(model, name) if name else NamedType("System", model)
    if generic := _GENERIC.fullmatch(text):
        return _generic(generic[1], [parse_type(part) for part in split_types(generic[2])])
    if tuple_ := _TUPLE.fullmatch(text):
        return TupleType(tuple(map(_element, split_types(tuple_[1]))))
    raise TypeSyntaxError(f"{text!r} is not a type")


def _generic(name: str, arguments: list[CqlType]) -> CqlType:
    match name, arguments:
        case "List", [element]:
            return ListType(element)
        case "Interval", [point]:
            return IntervalType(point)
        case "Choice", [_, *_]:
            return ChoiceType(tuple(arguments))
    raise TypeSyntaxError(f"{name} of {len(arguments)} types is not a type")


def _element(text: str) -> tuple[str, CqlType]:
    named = _ELEMENT.fullmatch(text)
    if named is None:
        raise TypeSyntaxError(f"{text!r} is not an element of a tuple")
    return named[1], parse_type(named[2])


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
