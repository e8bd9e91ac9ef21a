"""The layout of a model file, `<name>-<version>.model`: lines of tab-separated fields, in blocks parted by blank lines.

The first block is about the model:

    model  NAME  VERSION  URL
    targetUrl  URL                          (and so on: one line per attribute of the model)
    requires  MODEL  VERSION
    context  NAME  TYPE  KEY-ELEMENT  [BIRTH-DATE-ELEMENT]
    conversion  FROM  TO  FUNCTION

Every other block is about one type: `KIND  NAME  BASE  [attribute=value …]  [retrievable]`, KIND being class, profile
or simple, then for each element `⇥NAME  TYPE  [TARGET]` and for each context `⇥@CONTEXT  KEY-ELEMENT` (`@@` where
the relation is with the target of the type). Types are written as in CQL with the model in front; what follows the
first dot is the name of the type, which may have dots, blanks and hyphens of its own.
"""

from __future__ import annotations

from functools import cache

from ecqm.types import ChoiceType, CqlType, IntervalType, ListType, NamedType


class ModelFileError(ValueError):
    """A model file that does not keep to the layout."""


@cache
def read_type(text: str) -> CqlType:
    """The type written as `text` in a model file. Raises ModelFileError."""
    outer, bracket, rest = text.partition("<")
    if not bracket:
        model, dot, name = text.partition(".")
        if not dot:
            raise ModelFileError(f"a type without a model: {text!r}")
        return NamedType(model, name)
    if not rest.endswith(">"):
        raise ModelFileError(f"a type without an end: {text!r}")
    parts = [read_type(part) for part in _split(rest[:-1])]
    match outer, parts:
        case "List", [element]:
            return ListType(element)
        case "Interval", [point]:
            return IntervalType(point)
        case "Choice", _:
            return ChoiceType(tuple(parts))
    raise ModelFileError(f"not a type: {text!r}")


def _split(text: str) -> list[str]:
    """`text` parted at the commas that no bracket encloses."""
    parts, depth, start = [], 0, 0
    for at, character in enumerate(text):
        if character == "<":
            depth += 1
        elif character == ">":
            depth -= 1
        elif character == "," and depth == 0:
            parts.append(text[start:at].strip())
            start = at + 1
    return [*parts, text[start:].strip()]
