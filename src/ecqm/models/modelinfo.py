"""Published model definitions (urn:hl7-org:elm-modelinfo:r1) in the layout of model files.

The result contains facts about types: names, base types, elements, contexts, conversions, and the mapping of elements
to the target model. It does not contain descriptions, comments and constraints.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree

from ecqm.models.layout import ModelFileError
from ecqm.xml_parsing import parse

MODELINFO_NAMESPACE = "urn:hl7-org:elm-modelinfo:r1"
_TAG = f"{{{MODELINFO_NAMESPACE}}}"
_XSI_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
_KINDS = {"ClassInfo": "class", "ProfileInfo": "profile", "SimpleTypeInfo": "simple"}
# The models that others are written with or derived from.
_REQUIRED = ("System.", "FHIR.", "USCore.")
_TYPE_ATTRIBUTES = ("identifier", "label", "target", "primaryCodePath")
_MODEL_ATTRIBUTES = (
    "targetUrl", "targetQualifier", "patientClassName", "patientClassIdentifier", "patientBirthDatePropertyName",
    "strictRetrieveTyping",
)  # fmt: skip


def model_text(data: bytes) -> str:
    """A model definition as the text of a model file. Raises ModelFileError or UnsafeDocument."""
    root = parse(data)
    if root.tag != f"{_TAG}modelInfo":
        raise ModelFileError(f"the root is not modelInfo, but {root.tag}")
    model, version = str(root.get("name")), str(root.get("version"))
    head = [_line("model", model, version, str(root.get("url")))]
    head += [_line(key, str(root.get(key))) for key in _MODEL_ATTRIBUTES if root.get(key)]
    head += [_line("requires", str(r.get("name")), str(r.get("version"))) for r in _children(root, "requiredModelInfo")]
    for context in _children(root, "contextInfo"):
        of = next(_children(context, "contextType"))
        type_name = f"{of.get('namespace') or of.get('modelName')}.{of.get('name')}"
        birth = context.get("birthDateElement") or ""
        head.append(_line("context", str(context.get("name")), type_name, str(context.get("keyElement")), birth))
    for conversion in _children(root, "conversionInfo"):
        ends = (str(conversion.get(key)) for key in ("fromType", "toType", "functionName"))
        head.append(_line("conversion", *ends))
    blocks = sorted(_type_block(info, model) for info in _children(root, "typeInfo"))
    return "\n\n".join(["\n".join(head), *blocks]) + "\n"


def _children(element: etree._Element, *tags: str) -> Iterator[etree._Element]:
    for tag in tags:
        yield from element.iterchildren(_TAG + tag)


def _specifier_kind(element: etree._Element) -> str:
    return (element.get(_XSI_TYPE) or "").rpartition(":")[2]


def _qualified(name: str, model: str) -> str:
    """`name` qualified by its model. A dot alone does not show that it already is (`Account.Guarantor`)."""
    return name if name.startswith((f"{model}.", *_REQUIRED)) else f"{model}.{name}"


def _written_type(text: str, model: str) -> str:
    """A type given as text, such as `list<QDM.Id>`, in the notation of model files."""
    generic = re.fullmatch(r"(list|interval)<(.+)>", text, re.IGNORECASE)
    if generic:
        return f"{generic[1].capitalize()}<{_written_type(generic[2], model)}>"
    return _qualified(text, model)


def _specified_type(specifier: etree._Element, model: str) -> str:
    """A type given as a type specifier."""

    def part(attribute: str, tag: str) -> str:
        if text := specifier.get(attribute):
            return _written_type(text, model)
        return _specified_type(next(_children(specifier, tag)), model)

    match _specifier_kind(specifier):
        case "ListTypeSpecifier":
            return f"List<{part('elementType', 'elementTypeSpecifier')}>"
        case "IntervalTypeSpecifier":
            return f"Interval<{part('pointType', 'pointTypeSpecifier')}>"
        case "ChoiceTypeSpecifier":
            types = [_specified_type(choice, model) for choice in _children(specifier, "choice", "type")]
            return f"Choice<{', '.join(types)}>"
        case "NamedTypeSpecifier":
            return f"{specifier.get('namespace') or specifier.get('modelName') or model}.{specifier.get('name')}"
        case kind:
            raise ModelFileError(f"{model}: unknown kind of type specifier {kind!r}")


def _element_type(element: etree._Element, model: str) -> str:
    """The type of an element; System.Any if the definition has none."""
    if text := element.get("elementType") or element.get("type"):
        return _written_type(text, model)
    specifier = next(_children(element, "elementTypeSpecifier", "typeSpecifier"), None)
    return "System.Any" if specifier is None else _specified_type(specifier, model)


def _base_type(info: etree._Element, model: str) -> str:
    if text := info.get("baseType"):
        return _written_type(text, model)
    specifier = next(_children(info, "baseTypeSpecifier"), None)
    return "" if specifier is None else _specified_type(specifier, model)


def _line(*fields: str) -> str:
    """A line of a model file. Raises ModelFileError for fields that would not be single fields there."""
    if any("\t" in each or "\n" in each for each in fields):
        raise ModelFileError(f"a tab or a line break in {fields}")
    return "\t".join(fields).rstrip("\t")


def _type_block(info: etree._Element, model: str) -> str:
    attributes = [f"{key}={info.get(key)}" for key in _TYPE_ATTRIBUTES if info.get(key)]
    if info.get("retrievable") == "true":
        attributes.append("retrievable")
    name = str(info.get("name")).removeprefix(f"{model}.")
    lines = [_line(_KINDS[_specifier_kind(info)], name, _base_type(info, model), *attributes)]
    lines += (
        _line("", str(element.get("name")), _element_type(element, model), element.get("target") or "")
        for element in _children(info, "element")
    )
    for tag, mark in (("contextRelationship", "@"), ("targetContextRelationship", "@@")):
        lines += (
            _line("", f"{mark}{relation.get('context')}", str(relation.get("relatedKeyElement")))
            for relation in _children(info, tag)
        )
    return "\n".join(lines)
