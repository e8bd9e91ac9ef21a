"""Generate the model files of `ecqm.models` from published model definitions (urn:hl7-org:elm-modelinfo:r1).

    python tools/build_models.py FOLDER [--into src/ecqm/models/data]

FOLDER has the definitions as XML. The model files contain facts about types: names, base types, elements, contexts,
conversions, and the mapping of elements to the target model. They do not contain descriptions, comments and
constraints. `ecqm.models.layout` describes the layout of model files.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

from lxml import etree

from ecqm.xml_parsing import parse

MODELINFO = "{urn:hl7-org:elm-modelinfo:r1}"
XSI_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
KINDS = {"ClassInfo": "class", "ProfileInfo": "profile", "SimpleTypeInfo": "simple"}
# The models that others are written with or derived from.
REQUIRED = ("System.", "FHIR.", "USCore.")
TYPE_ATTRIBUTES = ("identifier", "label", "target", "primaryCodePath")
MODEL_ATTRIBUTES = (
    "targetUrl", "targetQualifier", "patientClassName", "patientClassIdentifier", "patientBirthDatePropertyName",
    "strictRetrieveTyping",
)  # fmt: skip


def children(element: etree._Element, *tags: str) -> Iterator[etree._Element]:
    for tag in tags:
        yield from element.iterchildren(MODELINFO + tag)


def specifier_kind(element: etree._Element) -> str:
    return (element.get(XSI_TYPE) or "").rpartition(":")[2]


def qualified(name: str, model: str) -> str:
    """`name` qualified by its model. A dot alone does not show that it already is (`Account.Guarantor`)."""
    return name if name.startswith((f"{model}.", *REQUIRED)) else f"{model}.{name}"


def written_type(text: str, model: str) -> str:
    """A type given as text, such as `list<QDM.Id>`, in the notation of model files."""
    generic = re.fullmatch(r"(list|interval)<(.+)>", text, re.IGNORECASE)
    if generic:
        return f"{generic[1].capitalize()}<{written_type(generic[2], model)}>"
    return qualified(text, model)


def specified_type(specifier: etree._Element, model: str) -> str:
    """A type given as a type specifier."""

    def part(attribute: str, tag: str) -> str:
        if text := specifier.get(attribute):
            return written_type(text, model)
        return specified_type(next(children(specifier, tag)), model)

    match specifier_kind(specifier):
        case "ListTypeSpecifier":
            return f"List<{part('elementType', 'elementTypeSpecifier')}>"
        case "IntervalTypeSpecifier":
            return f"Interval<{part('pointType', 'pointTypeSpecifier')}>"
        case "ChoiceTypeSpecifier":
            return "Choice<" + ", ".join(specified_type(c, model) for c in children(specifier, "choice", "type")) + ">"
        case "NamedTypeSpecifier":
            return f"{specifier.get('namespace') or specifier.get('modelName') or model}.{specifier.get('name')}"
        case kind:
            raise ValueError(f"{model}: unknown kind of type specifier {kind!r}")


def element_type(element: etree._Element, model: str) -> str:
    """The type of an element; System.Any if the definition has none."""
    if text := element.get("elementType") or element.get("type"):
        return written_type(text, model)
    specifier = next(children(element, "elementTypeSpecifier", "typeSpecifier"), None)
    return "System.Any" if specifier is None else specified_type(specifier, model)


def base_type(info: etree._Element, model: str) -> str:
    if text := info.get("baseType"):
        return written_type(text, model)
    specifier = next(children(info, "baseTypeSpecifier"), None)
    return "" if specifier is None else specified_type(specifier, model)


def line(*fields: str) -> str:
    return "\t".join(fields).rstrip("\t")


def type_block(info: etree._Element, model: str) -> str:
    attributes = [f"{key}={info.get(key)}" for key in TYPE_ATTRIBUTES if info.get(key)]
    if info.get("retrievable") == "true":
        attributes.append("retrievable")
    name = str(info.get("name")).removeprefix(f"{model}.")
    lines = [line(KINDS[specifier_kind(info)], name, base_type(info, model), *attributes)]
    for element in children(info, "element"):
        lines.append(line("", str(element.get("name")), element_type(element, model), element.get("target") or ""))
    for tag, mark in (("contextRelationship", "@"), ("targetContextRelationship", "@@")):
        for relation in children(info, tag):
            lines.append(line("", f"{mark}{relation.get('context')}", str(relation.get("relatedKeyElement"))))
    return "\n".join(lines)


def model_text(root: etree._Element) -> str:
    model, version = str(root.get("name")), str(root.get("version"))
    head = [line("model", model, version, str(root.get("url")))]
    head += [line(key, str(root.get(key))) for key in MODEL_ATTRIBUTES if root.get(key)]
    head += [line("requires", str(r.get("name")), str(r.get("version"))) for r in children(root, "requiredModelInfo")]
    for context in children(root, "contextInfo"):
        of = next(children(context, "contextType"))
        type_name = f"{of.get('namespace') or of.get('modelName')}.{of.get('name')}"
        birth = context.get("birthDateElement") or ""
        head.append(line("context", str(context.get("name")), type_name, str(context.get("keyElement")), birth))
    for conversion in children(root, "conversionInfo"):
        ends = (str(conversion.get(key)) for key in ("fromType", "toType", "functionName"))
        head.append(line("conversion", *ends))
    blocks = sorted(type_block(info, model) for info in children(root, "typeInfo"))
    return "\n\n".join(["\n".join(head), *blocks]) + "\n"


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--into", type=Path, default=Path("src/ecqm/models/data"))
    given = arguments.parse_args()
    given.into.mkdir(parents=True, exist_ok=True)
    for source in sorted(given.folder.glob("*.xml")):
        root = parse(source.read_bytes())
        target = given.into / f"{root.get('name')}-{root.get('version')}.model"
        target.write_text(model_text(root), encoding="utf-8")
        print(f"{target.name:24} {target.stat().st_size:8,} bytes  {len(list(children(root, 'typeInfo'))):4} types")


if __name__ == "__main__":
    main()
