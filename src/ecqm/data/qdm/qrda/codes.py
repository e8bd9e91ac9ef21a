"""Codes and identifiers in CDA's XML (HL7 V3 data types CD and II)."""

from __future__ import annotations

from lxml import etree

from ecqm.data.qdm.qrda.problems import Unwritable
from ecqm.data.qdm.qrda.xml import SDTC, Element, name
from ecqm.data.qdm.structs import Code
from ecqm.terminology import VALUE_SETS, system_oid

ROOT_OF_IDS = "1.3.6.1.4.1.115"


def read_code(element: Element) -> Code | None:
    """The code of an element; of one with a nullFlavor the first translation, or the value set that it stands for."""
    codes = read_codes(element)
    return codes[0] if codes else None


def read_codes(element: Element) -> list[Code]:
    """All codes of an element: its own, its translations; or the value set of which none was done."""
    found = []
    for each in (element, *element.iterchildren(name("translation"))):
        code = each.get("code")
        if code:
            system, version = each.get("codeSystem"), each.get("codeSystemVersion")
            found.append(Code(code, system, version, each.get("displayName")))
    value_set = element.get(f"{{{SDTC}}}valueSet")
    if not found and value_set:
        found.append(Code(value_set, VALUE_SETS))
    return found


def write_code(element: Element, value: Code) -> None:
    """Write a code, or a value set in place of one. Raises Unwritable if its code system has no known OID."""
    if value.system == VALUE_SETS:
        element.set("nullFlavor", "NA")
        element.set(f"{{{SDTC}}}valueSet", value.code or "")
        return
    if not value.code:
        element.set("nullFlavor", "UNK")
        return
    element.set("code", value.code)
    if value.system:
        oid = system_oid(value.system)
        if oid is None:
            raise Unwritable(f"code system {value.system!r} has no OID that is known")
        element.set("codeSystem", oid)
    if value.version:
        element.set("codeSystemVersion", value.version)
    if value.display:
        element.set("displayName", value.display)


def write_codes(element: Element, values: list[Code]) -> None:
    """Codes of one thing: the first as the element's own, the others as translations."""
    first, *others = values
    write_code(element, first)
    for other in others:
        write_code(etree.SubElement(element, name("translation")), other)


def read_identifier(element: Element) -> str | None:
    """The identifier of a thing: its extension, or its root where that is all."""
    return element.get("extension") or element.get("root")


def write_identifier(element: Element, value: str) -> None:
    """Write an identifier, below the root that this package gives to identifiers."""
    element.set("root", ROOT_OF_IDS)
    element.set("extension", value)
