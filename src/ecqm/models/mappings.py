"""Mappings: how an element of a model is read from the data of another (`target` in the models QI-Core and US Core).

A mapping refers to the value of the element in the data (%value) and to the instance (%parent):

    %value.value                                     a part of the value
    FHIRHelpers.ToConcept(%value)                    a function of the value
    %parent.extension[url='…'].value.value           another place in the instance
    System.Concept:F(%value);System.ValueSet:G(…)    depends on the type of the value

The mapping of a list applies to each of its elements.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TypeAlias

from ecqm.types import CqlType, TypeSyntaxError, parse_type

_FUNCTION = re.compile(r"(\w+)\.(\w+)\((.*)\)", re.DOTALL)
_BY_TYPE = re.compile(r"[A-Z]\w*\.[\w.<>]+:")
_PATH = re.compile(r"([^\[\]]+)(?:\[(.*)\](?:\.(.+))?)?")
_CRITERION = re.compile(r"([\w.]+)='([^']*)'")


@dataclass(frozen=True, slots=True)
class ValuePath:
    """The value, or the part of it at a dotted path."""

    path: str = ""


@dataclass(frozen=True, slots=True)
class InstancePath:
    """What is at a dotted path of the instance. With `criteria` (path, text), the elements there that meet all of
    them, or what these have at the path `rest`."""

    path: str
    criteria: tuple[tuple[str, str], ...] = ()
    rest: str = ""


@dataclass(frozen=True, slots=True)
class MappingFunction:
    """A function of a library, applied to what is at a place."""

    library: str
    name: str
    operand: ElementMapping


@dataclass(frozen=True, slots=True)
class MappingByType:
    """The mappings for the types that the value, or the instance, may have."""

    alternatives: tuple[tuple[CqlType, ElementMapping], ...]


@dataclass(frozen=True, slots=True)
class UnknownMapping:
    """A mapping that is none of these."""

    text: str


ElementMapping: TypeAlias = ValuePath | InstancePath | MappingFunction | MappingByType | UnknownMapping


@cache
def parse_mapping(text: str) -> ElementMapping:
    """The mapping that a model file has as text."""
    if _BY_TYPE.match(text):
        try:
            parts = (part.partition(":") for part in text.split(";"))
            return MappingByType(tuple((parse_type(type_), parse_mapping(mapped)) for type_, _, mapped in parts))
        except TypeSyntaxError:
            return UnknownMapping(text)
    if function := _FUNCTION.fullmatch(text):
        library, name, operand = function.groups()
        return MappingFunction(library, name, parse_mapping(operand))
    place, _, path = text.partition(".")
    if place == "%value" and "[" not in path:
        return ValuePath(path)
    # `medication[x]` names all elements of a choice, which is one element in ELM.
    found = _PATH.fullmatch(path.replace("[x]", "")) if place == "%parent" else None
    if found is None:
        return UnknownMapping(text)
    return InstancePath(found[1], tuple(_CRITERION.findall(found[2] or "")), found[3] or "")
