"""The layout of model files, `<name>-<version>.model`: blocks of lines with tab-separated fields.

Blank lines separate blocks. The first block describes the model:

    model  NAME  VERSION  URL
    targetUrl  URL                          (and so on: one line per attribute of the model)
    requires  MODEL  VERSION
    context  NAME  TYPE  KEY-ELEMENT  [BIRTH-DATE-ELEMENT]
    conversion  FROM  TO  FUNCTION

A file may contain only the differences to another version. It then has `rest  VERSION` in its first block, and
everything else is as in that version. In such a file, `like  NAME  TYPE  [attribute=value …]` is a type with the
elements of TYPE.

A file with `derived  VERSION` in its first block has the profiles of that version as types derived from FHIR's
("derived model information" in the implementation guide Using CQL with FHIR): with their names and attributes, and with
the elements of the FHIR type that they profile.

Every other block describes a type: `KIND  NAME  BASE  [attribute=value …]  [retrievable]`, where KIND is class, profile
or simple; then `⇥NAME  TYPE  [TARGET]` for each element, and `⇥@CONTEXT  KEY-ELEMENT` for each context (`@@` if the
target of the type has the relation). Types are written as in CQL, qualified by the model. The name of a type is what
follows the first dot; it may contain dots, spaces and hyphens.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

TARGET, CODE_PATH = "target", "primaryCodePath"
_PROFILED_BY_FHIR = "http://hl7.org/fhir/StructureDefinition/"


class ModelFileError(ValueError):
    """A model file does not have the expected layout."""


@dataclass(slots=True)
class TypeBlock:
    """The block of a type. `lines` are those of its elements and contexts, as they are written."""

    kind: str
    name: str
    base: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    retrievable: bool = False
    lines: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, block: str) -> TypeBlock:
        """The block that a text is."""
        first, *lines = block.split("\n")
        kind, name, *rest = first.split("\t")
        base, *marks = rest or ("",)
        attributes = dict(mark.split("=", 1) for mark in marks if "=" in mark)
        return cls(kind, name, base, attributes, "retrievable" in marks, lines)

    def __str__(self) -> str:
        marks = [f"{name}={value}" for name, value in self.attributes.items()]
        first = "\t".join([self.kind, self.name, self.base, *marks, *(["retrievable"] * self.retrievable)])
        return "\n".join([first.rstrip("\t"), *self.lines])


@dataclass(slots=True)
class ModelFile:
    """A model file: the fields of the lines of its first block, after that of the model itself, and its types."""

    name: str
    version: str
    url: str
    head: list[tuple[str, ...]] = field(default_factory=list)
    types: dict[str, TypeBlock] = field(default_factory=dict)

    @classmethod
    def read(cls, text: str) -> ModelFile:
        """The file with a text. Raises ModelFileError."""
        head, *blocks = text.rstrip("\n").split("\n\n")
        first, *others = (tuple(line.split("\t")) for line in head.split("\n"))
        if len(first) != 4 or first[0] != "model":
            raise ModelFileError("a model file begins with the name, version and URL of the model")
        types = map(TypeBlock.read, blocks)
        return cls(*first[1:], others, {block.name: block for block in types})

    def __str__(self) -> str:
        first = ("model", self.name, self.version, self.url)
        head = "\n".join("\t".join(line).rstrip("\t") for line in (first, *self.head))
        return "\n\n".join([head, *map(str, self.types.values())]) + "\n"

    def lines(self, key: str) -> Iterator[tuple[str, ...]]:
        """The values of all lines of the first block with a key."""
        return (line[1:] for line in self.head if line[0] == key)

    def attribute(self, key: str) -> str | None:
        """The value of the line with a key; None if there is none."""
        return next((value for value, *_ in self.lines(key)), None)

    @property
    def required(self) -> dict[str, str]:
        """The versions of the models that this one requires, by their names."""
        return {name: version for name, version in self.lines("requires")}  # noqa: C416 (the lines have two values)

    def with_head_of(self, other: ModelFile) -> list[tuple[str, ...]]:
        """The lines of the first block, with those of another file that have other keys."""
        keys = {"model", *(line[0] for line in self.head)}
        return [*self.head, *(line for line in other.head if line[0] not in keys)]


def completed(file: ModelFile, rest: ModelFile) -> ModelFile:
    """A model file with only differences, completed with the content of `rest`, the file of the other version."""
    types = dict(rest.types)
    for block in file.types.values():
        types[block.name] = _expanded_like(block, types) if block.kind == "like" else block
    return replace(file, head=file.with_head_of(rest), types=dict(sorted(types.items())))


def _expanded_like(block: TypeBlock, known: dict[str, TypeBlock]) -> TypeBlock:
    """A `like` block as a full block: its own attributes, and the other attributes and elements of TYPE."""
    pattern = known[block.base.partition(".")[2]]
    attributes = {TARGET: pattern.name} | pattern.attributes | block.attributes
    return replace(pattern, name=block.name, attributes=attributes)


def derived(file: ModelFile, profiles: ModelFile) -> ModelFile:
    """A model file with the profiles in `profiles`, the file of another version, as types derived from FHIR's."""
    types = {name: _derived_type(block) for name, block in profiles.types.items() if _is_profile(block)}
    return replace(file, head=file.with_head_of(profiles), types=file.types | types)


def _is_profile(block: TypeBlock) -> bool:
    return block.retrievable and not block.attributes.get("identifier", "").startswith(_PROFILED_BY_FHIR)


def _derived_type(block: TypeBlock) -> TypeBlock:
    return replace(block, base=f"FHIR.{block.attributes.get(TARGET, block.name)}", lines=[])
