"""The layout of a model file, `<name>-<version>.model`: lines of tab-separated fields, in blocks parted by blank lines.

The first block is about the model:

    model  NAME  VERSION  URL
    targetUrl  URL                          (and so on: one line per attribute of the model)
    requires  MODEL  VERSION
    context  NAME  TYPE  KEY-ELEMENT  [BIRTH-DATE-ELEMENT]
    conversion  FROM  TO  FUNCTION

A version of which only the differences are known has `rest  VERSION` in its first block: what it does not tell is as in
that version. There, `like  NAME  TYPE  [attribute=value …]` is a type with the elements of TYPE.

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


def completed(text: str, rest: str) -> str:
    """A model file of differences with everything that the file of another version, `rest`, has besides."""
    head, *told = text.rstrip("\n").split("\n\n")
    rest_head, *blocks = rest.rstrip("\n").split("\n\n")
    by_name = {_name(block): block for block in blocks}
    for block in told:
        by_name[_name(block)] = _alike(block, by_name) if block.startswith("like\t") else block
    first = head.split("\n")
    keys = {line.partition("\t")[0] for line in first}
    first += [line for line in rest_head.split("\n") if line.partition("\t")[0] not in keys]
    return "\n\n".join(["\n".join(first), *(by_name[name] for name in sorted(by_name))]) + "\n"


def _name(block: str) -> str:
    return block.split("\t", 2)[1].split("\n", 1)[0]


def _alike(block: str, known: dict[str, str]) -> str:
    _, name, pattern, *own = block.split("\t")
    original = pattern.partition(".")[2]
    head, *elements = known[original].split("\n")
    kind, _, base, *attributes = head.split("\t")
    stated = {attribute.partition("=")[0] for attribute in own}
    if not any(attribute.startswith("target=") for attribute in attributes):
        attributes.insert(0, f"target={original}")
    kept = [attribute for attribute in attributes if attribute.partition("=")[0] not in stated]
    return "\n".join(["\t".join([kind, name, base, *own, *kept]), *elements])


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
