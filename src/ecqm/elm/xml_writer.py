"""Writing ELM as XML. Values that equal the schema's default, and empty lists, are omitted."""

from __future__ import annotations

import re
from typing import Any, cast

from lxml import etree

from ecqm.elm.errors import ElmError
from ecqm.elm.nodes import Library, Node, fields, walk
from ecqm.elm.schema import ANNOTATIONS, ELM, XSI

_PREFIXES = {
    "urn:hl7-org:elm-types:r1": "t",
    "http://www.w3.org/2001/XMLSchema": "xsd",
    "http://hl7.org/fhir": "fhir",
    ANNOTATIONS: "a",
    XSI: "xsi",
}
_QNAME = re.compile(r"\{(.+)\}([^{}]+)")


def write_xml(library: Library) -> bytes:
    """The ELM XML document of a library, indented. Raises ElmError if a text has a character that XML does not have."""
    writer = _XmlWriter(_namespaces(library))
    try:
        root = writer.node(library, "library", "Library", None)
    except ValueError as error:
        message = "cannot be written as XML, which has no control characters: write it as JSON"
        raise ElmError(message, library=library.identifier.id) from error
    etree.indent(root)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _namespaces(library: Library) -> dict[str | None, str]:
    """A prefix for each namespace of the library's type names; the default namespace is ELM."""
    found: dict[str, None] = {}
    for node in walk(library):
        for field in fields(type(node)):
            values = [getattr(node, field.name)] if field.kind == "qname" else []
            if field.name == "resultTypeSpecifier" and getattr(node, field.name) is not None:
                specifiers = walk(getattr(node, field.name))
                values = [getattr(part, "name", None) for part in specifiers]
            found |= {match[1]: None for value in values if value and (match := _QNAME.fullmatch(value))}
    result: dict[str | None, str] = {None: ELM}
    result |= {prefix: namespace for namespace, prefix in _PREFIXES.items()}
    unnamed = (namespace for namespace in found if namespace not in _PREFIXES)
    return result | {f"m{number}": namespace for number, namespace in enumerate(unnamed, 1)}


class _XmlWriter:
    def __init__(self, namespaces: dict[str | None, str]) -> None:
        self._namespaces = namespaces
        self._prefixes = {namespace: prefix for prefix, namespace in namespaces.items()}

    def _element(self, parent: etree._Element | None, tag: str) -> etree._Element:
        if parent is None:
            return etree.Element(tag, nsmap=cast(Any, self._namespaces))
        return etree.SubElement(parent, tag)

    def node(self, node: Node, tag: str, declared: str, parent: etree._Element | None) -> etree._Element:
        """The element `tag` of a node; it has a type unless that is the type `declared` by the schema."""
        element = self._element(parent, f"{{{ELM}}}{tag}")
        if type(node).__name__ != declared:
            element.set(f"{{{XSI}}}type", type(node).__name__)
        for field in fields(type(node)):
            value = getattr(node, field.name)
            if value is None or value == field.default:
                continue
            match field.kind:
                case "node":
                    self.node(value, field.elm_name, field.declared, element)
                case "nodes":
                    for part in value:
                        self.node(part, field.elm_name, field.declared, element)
                case "defs":
                    wrapper = self._element(element, f"{{{ELM}}}{field.elm_name}")
                    for part in value:
                        self.node(part, "def", field.declared, wrapper)
                case "raw":
                    self._annotations(value, f"{{{ELM}}}{field.elm_name}", element)
                case _:
                    element.set(field.elm_name, self._attribute(value))
        return element

    def _attribute(self, value: Any) -> str:
        if isinstance(value, bool):
            return "true" if value else "false"
        text = format(value, "f") if not isinstance(value, str) else value
        if match := _QNAME.fullmatch(text):
            return f"{self._prefixes[match[1]]}:{match[2]}" if match[1] in self._prefixes else text
        return text

    def _annotations(self, annotations: Any, tag: str, parent: etree._Element) -> None:
        """Annotations, structured as in JSON, as elements. Those with another structure are omitted."""
        for annotation in annotations if isinstance(annotations, list) else [annotations]:
            if isinstance(annotation, dict):
                self._annotation(annotation, self._element(parent, tag))

    def _annotation(self, annotation: dict[str, Any], element: etree._Element) -> None:
        for key, value in annotation.items():
            if key == "type":
                element.set(f"{{{XSI}}}type", f"a:{value}")
            elif key == "s" and isinstance(value, dict):
                self._span(value, element)
            elif isinstance(value, list | dict):
                self._annotations(value, f"{{{ANNOTATIONS}}}{key}", element)
            elif value is not None:
                element.set(key, self._attribute(value))

    def _span(self, span: dict[str, Any], parent: etree._Element) -> None:
        element = self._element(parent, f"{{{ANNOTATIONS}}}s")
        if span.get("r"):
            element.set("r", str(span["r"]))
        if "value" in span:
            element.text = "".join(map(str, span["value"]))
        for part in span.get("s", []):
            self._span(part, element)
