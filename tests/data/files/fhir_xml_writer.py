"""FHIR resources written as XML, from their JSON, for tests that read them."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from lxml import etree

FHIR = "http://hl7.org/fhir"


def to_xml(resource: dict[str, Any] | bytes) -> bytes:
    """A resource in XML; numbers are as JSON writes them."""
    if isinstance(resource, bytes):
        resource = json.loads(resource, parse_float=Decimal)
    root = etree.Element(f"{{{FHIR}}}{resource['resourceType']}", nsmap={None: FHIR})  # type: ignore[dict-item]
    _fill(root, resource, is_resource=True)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _fill(element: etree._Element, content: dict[str, Any], is_resource: bool = False) -> None:
    names = dict.fromkeys(name.removeprefix("_") for name in content)
    for name in names:
        value, beside = content.get(name), content.get(f"_{name}")
        if name == "resourceType":
            continue
        if (name == "id" and not is_resource) or (name == "url" and _is_extension(element)):
            element.set(name, value)
            continue
        values = value if isinstance(value, list) else [value]
        extras = beside if isinstance(beside, list) else [beside]
        several = max(len(values), len(extras))
        for number in range(several):
            one = values[number] if number < len(values) else None
            extra = extras[number] if number < len(extras) else None
            _add(element, name, one, extra)


def _is_extension(element: etree._Element) -> bool:
    return etree.QName(element).localname in ("extension", "modifierExtension")


def _add(parent: etree._Element, name: str, value: Any, extra: dict[str, Any] | None) -> None:
    if name == "div":
        parent.append(etree.fromstring(value))
        return
    child = etree.SubElement(parent, f"{{{FHIR}}}{name}")
    if isinstance(value, dict) and "resourceType" in value:
        inner = etree.SubElement(child, f"{{{FHIR}}}{value['resourceType']}")
        _fill(inner, value, is_resource=True)
    elif isinstance(value, dict):
        _fill(child, value)
    elif value is not None:
        child.set("value", str(value).lower() if isinstance(value, bool) else str(value))
    if extra is not None:
        _fill(child, extra)
