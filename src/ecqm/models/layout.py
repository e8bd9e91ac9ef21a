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


class ModelFileError(ValueError):
    """A model file does not have the expected layout."""


def completed(text: str, rest: str) -> str:
    """A model file with only differences, completed with the content of `rest`, the file of the other version."""
    head, *differences = text.rstrip("\n").split("\n\n")
    rest_head, *blocks = rest.rstrip("\n").split("\n\n")
    by_name = {_name(block): block for block in blocks}
    for block in differences:
        by_name[_name(block)] = _expanded_like(block, by_name) if block.startswith("like\t") else block
    first = head.split("\n")
    keys = {line.partition("\t")[0] for line in first}
    first += [line for line in rest_head.split("\n") if line.partition("\t")[0] not in keys]
    return "\n\n".join(["\n".join(first), *(by_name[name] for name in sorted(by_name))]) + "\n"


def derived(text: str, profiles: str) -> str:
    """A model file with the profiles in `profiles`, the file of another version, as types derived from FHIR's."""
    head, *own = text.rstrip("\n").split("\n\n")
    profiles_head, *blocks = profiles.rstrip("\n").split("\n\n")
    described = head.split("\n")
    keys = {line.partition("\t")[0] for line in described}
    described += [line for line in profiles_head.split("\n") if line.partition("\t")[0] not in keys]
    types = [_derived_type(block) for block in blocks if _is_profile(block)]
    return "\n\n".join(["\n".join(described), *own, *types]) + "\n"


def _is_profile(block: str) -> bool:
    attributes = block.partition("\n")[0].split("\t")[3:]
    of_fhir = any(each.startswith("identifier=http://hl7.org/fhir/StructureDefinition/") for each in attributes)
    return "retrievable" in attributes and not of_fhir


def _derived_type(block: str) -> str:
    kind, name, _, *attributes = block.partition("\n")[0].split("\t")
    targets = [each.partition("=")[2] for each in attributes if each.startswith("target=")]
    return "\t".join([kind, name, f"FHIR.{targets[0] if targets else name}", *attributes])


def _name(block: str) -> str:
    return block.split("\t", 2)[1].split("\n", 1)[0]


def _expanded_like(block: str, known: dict[str, str]) -> str:
    """A `like` block as a full block: its own attributes, and the other attributes and elements of TYPE."""
    _, name, pattern, *own = block.split("\t")
    original = pattern.partition(".")[2]
    head, *elements = known[original].split("\n")
    kind, _, base, *attributes = head.split("\t")
    stated = {attribute.partition("=")[0] for attribute in own}
    if not any(attribute.startswith("target=") for attribute in attributes):
        attributes.insert(0, f"target={original}")
    kept = [attribute for attribute in attributes if attribute.partition("=")[0] not in stated]
    return "\n".join(["\t".join([kind, name, base, *own, *kept]), *elements])
