"""FHIR resources in XML, converted to JSON for the readers (FHIR R4, "XML Representation", "JSON Representation").

Names, types and cardinalities are those of the FHIR model. The value of a primitive is an attribute; its id and
extensions go into the sibling that begins with `_`. Narrative is kept as text. Elements that the model does not have
are kept as they look (a string if they have a value, a list if they are repeated), so that readers report them as they
do in JSON.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

import msgspec
from lxml import etree

from ecqm.data.fhir.schema import Element, FhirSchema, fhir_schema
from ecqm.data.problems import DataError
from ecqm.xml_parsing import UnsafeDocument, parse

NAMESPACE = "http://hl7.org/fhir"
_XHTML = "{http://www.w3.org/1999/xhtml}div"
_FHIR = f"{{{NAMESPACE}}}"
LARGEST_DOCUMENT = 512 << 20
_SEEN_AT_THE_START = 2048

_START_TAG = re.compile(rb"<(?:([A-Za-z][\w.-]*):)?[A-Za-z][\w.-]*([^>]*)")
_JSON_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?")
_RESOURCES = ("Resource", "DomainResource")


def is_fhir_xml(data: bytes) -> bool:
    """Whether a document begins as XML in FHIR's namespace, which ELM also mentions, for its types."""
    start = data[:_SEEN_AT_THE_START].lstrip(b"\xef\xbb\xbf \t\r\n")
    root = _START_TAG.search(start) if start.startswith(b"<") else None
    if root is None:
        return False
    declaration = b"xmlns" if root[1] is None else b"xmlns:" + root[1]
    return re.search(rb"\s%s\s*=\s*[\"']%s[\"']" % (declaration, NAMESPACE.encode()), root[2]) is not None


def json_of_xml(data: bytes) -> bytes:
    """A resource in XML as JSON.

    Entities, document types, network access and unlimited trees are refused. Raises DataError for a document that is no
    well-formed resource, or larger than 512 MB.
    """
    try:
        root = parse(data, LARGEST_DOCUMENT)
    except UnsafeDocument as error:
        raise DataError(str(error)) from error
    return msgspec.json.encode(_resource(root, fhir_schema()))


def _resource(element: etree._Element, schema: FhirSchema) -> dict[str, Any]:
    name = _name(element)
    if name not in schema.resource_types:
        raise DataError(f"XML of {element.tag}, which is no FHIR resource")
    return {"resourceType": name} | _object(element, name, schema)


def _object(element: etree._Element, type_name: str, schema: FhirSchema) -> dict[str, Any]:
    """The attributes and children of an element of a complex type; of no type that is known, if its name is empty."""
    known = _known(type_name, schema)
    found: dict[str, Any] = {
        str(name): value for name, value in element.attrib.items() if not str(name).startswith("{")
    }
    by_name: dict[str, list[etree._Element]] = {}
    for child in element:
        by_name.setdefault(_name(child), []).append(child)
    for name, children in by_name.items():
        listed, child_type = known.get(name, (None, ""))
        values, beside = zip(*(_valued(child, child_type, schema) for child in children), strict=True)
        repeated = listed.repeated if listed is not None else len(children) > 1
        # A primitive that has no value but extensions: JSON has only its sibling.
        for key, several in ((name, values), (f"_{name}", beside)):
            if any(each is not None for each in several):
                found[key] = list(several) if repeated else several[-1]
    return found


def _valued(element: etree._Element, type_name: str, schema: FhirSchema) -> tuple[Any, dict[str, Any] | None]:
    """An element's value, and what of it JSON has beside: id and extensions of a primitive."""
    if type_name in _RESOURCES:
        return _resource(element[0] if len(element) == 1 else element, schema), None
    if element.tag == _XHTML:
        return etree.tostring(element, encoding="unicode", with_tail=False), None
    if not _is_primitive(element, type_name, schema):
        return _object(element, type_name, schema), None
    text = element.get("value")
    kind = schema.primitive(type_name) if type_name else "String"
    beside = None
    if len(element) or len(element.attrib) > (text is not None):
        beside = _object(element, "Element", schema)
        beside.pop("value", None)
    return None if text is None else _value(text, kind), beside or None


@lru_cache(maxsize=4096)
def _known(type_name: str, schema: FhirSchema) -> dict[str, tuple[Element, str]]:
    if not type_name:
        return {}
    elements = schema.elements(type_name)
    return {name: (element, child_type) for element in elements for name, child_type in element.json_names}


def _is_primitive(element: etree._Element, type_name: str, schema: FhirSchema) -> bool:
    return schema.primitive(type_name) is not None if type_name else element.get("value") is not None


def _value(text: str, kind: str | None) -> Any:
    """A value as JSON. Text that is not a value of its type stays text, which readers report."""
    if kind == "Boolean":
        return {"true": True, "false": False}.get(text, text)
    if kind in ("Integer", "Decimal"):
        if _JSON_NUMBER.fullmatch(text):
            # As it is written: 1.50 is more precise than 1.5.
            return msgspec.Raw(text.encode())
        try:
            number = Decimal(text)
        except InvalidOperation:
            return text
        return msgspec.Raw(f"{number:f}".encode()) if number.is_finite() else text
    return text


def _name(element: etree._Element) -> str:
    tag = str(element.tag)
    return tag.removeprefix(_FHIR) if tag.startswith(_FHIR) else etree.QName(element).localname
