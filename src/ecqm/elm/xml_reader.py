"""Reading ELM from XML. Documents are treated as untrusted (see `ecqm.xml_parsing`)."""

from __future__ import annotations

from typing import Any

from lxml import etree

from ecqm.elm.errors import ElmError
from ecqm.elm.nodes import Field, Library, Node
from ecqm.elm.schema import (
    ANNOTATIONS,
    OLDER_NAMES,
    XSI,
    attribute_value,
    build,
    located,
    node_declaration,
    read_library,
    unknown_key,
)
from ecqm.xml_parsing import UnsafeDocument, parse

_TYPE = f"{{{XSI}}}type"


def read_xml(data: bytes | str, notes: list[str] | None = None) -> Library:
    """The library in an ELM XML document; annotations get the same structure as in JSON.

    `notes` collects a message for each attribute or element that ELM does not define. Raises ElmError, with the library
    and the place, if the document is truncated, nested too deeply, declares a document type, or is not ELM.
    """
    root = parse_xml(data.encode() if isinstance(data, str) else data)
    if etree.QName(root).localname != "library":
        raise ElmError(f"not an ELM library: the root element is {root.tag}")
    identifier = next((_attributes(child) for child in root if _local(child) == "identifier"), None)
    return read_library(identifier, lambda found: _XmlReader(found).node(root, "Library"), notes)


def is_xml(data: bytes) -> bool:
    """Whether an ELM document is XML, and not JSON."""
    return data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<"


def parse_xml(data: bytes) -> etree._Element:
    """The root of an ELM document. Raises ElmError if it is malformed or unsafe."""
    try:
        return parse(data)
    except UnsafeDocument as error:
        raise ElmError(str(error)) from None


def _local(element: etree._Element) -> str:
    return etree.QName(element).localname


def _attributes(element: etree._Element) -> dict[str, str]:
    return {str(key): str(text) for key, text in element.attrib.items()}


def _expanded(name: str, element: etree._Element) -> str:
    """`prefix:local` as `{namespace}local`."""
    prefix, colon, local = name.partition(":")
    if not colon or name.startswith("{"):
        return name
    namespace = element.nsmap.get(prefix)
    if namespace is None:
        raise ElmError(f"the namespace prefix of {name!r} is not declared")
    return f"{{{namespace}}}{local}"


class _XmlReader:
    def __init__(self, notes: list[str]) -> None:
        self._notes = notes

    def node(self, element: etree._Element, declared: str) -> Node:
        """The node in `element`, where the schema declares the type `declared`."""
        type_name = (element.get(_TYPE) or declared).rpartition(":")[2]
        try:
            node_class, known = node_declaration(type_name, declared)
            values: dict[str, Any] = {}
            for key, text in _attributes(element).items():
                field = known.get(key)
                if field is not None:
                    value = _expanded(text, element) if field.kind == "qname" else text
                    values[field.name] = attribute_value(field, value)
                elif key != _TYPE:
                    self._notes.append(unknown_key(type_name, key, _attributes(element)))
            older: dict[str, Any] = {}
            for child in element:
                key = _local(child)
                field = known.get(key)
                if field is not None:
                    self._add(values, field, child)
                elif present := OLDER_NAMES.get(type_name, {}).get(key):
                    self._add(older, known[present], child)
                else:
                    self._notes.append(unknown_key(type_name, key, _attributes(element)))
            return build(node_class, older | values)
        except ElmError as error:
            raise located(error, type_name, _attributes(element)) from None

    def _add(self, values: dict[str, Any], field: Field, child: etree._Element) -> None:
        match field.kind:
            case "node":
                values[field.name] = self.node(child, field.declared)
            case "nodes":
                values.setdefault(field.name, []).append(self.node(child, field.declared))
            case "defs":
                values[field.name] = [self.node(part, field.declared) for part in child]
            case "raw":
                values.setdefault(field.name, []).append(_annotation(child))
            case _:
                values[field.name] = attribute_value(field, child.text or "")


def _annotation(element: etree._Element) -> dict[str, Any]:
    """An annotation as in JSON: attributes by name, tags `t` as a list, the narrative `s` as nested spans."""
    shaped: dict[str, Any] = {
        etree.QName(key).localname: text.rpartition(":")[2] if key == _TYPE else text
        for key, text in _attributes(element).items()
    }
    for child in element:
        key = _local(child)
        if child.tag == f"{{{ANNOTATIONS}}}s":
            shaped[key] = _span(child)
        else:
            shaped.setdefault(key, []).append(_annotation(child))
    return shaped


def _span(element: etree._Element) -> dict[str, Any]:
    """A span of the narrative: `r`, the localId of its node, and either its text or inner spans."""
    span: dict[str, Any] = {**_attributes(element)}
    if len(element):
        span["s"] = [_span(child) for child in element]
    else:
        span["value"] = [element.text or ""]
    return span
