"""CDA's XML: documents read safely, elements found and made by paths.

A path is steps with `/` between them: `participant[typeCode=LOC]{24.3.100:2017-08-01}/participantRole/code`. Brackets
hold attributes, braces templates (OID under CDA's own root, and extension). An element answers to a step with templates
if it has the last of them, to one without if it has the attributes, its class and mood aside; made, it has all that the
step says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import zip_longest
from typing import Any, cast

from lxml import etree

CDA = "urn:hl7-org:v3"
SDTC = "urn:hl7-org:sdtc"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
NAMESPACES: Any = {None: CDA, "sdtc": SDTC, "xsi": XSI}
XSI_TYPE = f"{{{XSI}}}type"
# Templates of CDA (C-CDA, QRDA) are arcs of this.
TEMPLATES = "2.16.840.1.113883.10.20."

Element = etree._Element

# The order of the children that this package writes, as CDA's schema has it for the elements that they occur in.
_CHILDREN = (
    "realmCode", "typeId", "templateId", "id", "code", "title", "text", "statusCode", "effectiveTime",
    "sdtc:dischargeDispositionCode", "priorityCode", "confidentialityCode", "languageCode", "setId", "repeatNumber",
    "independentInd", "quantity", "value", "interpretationCode", "methodCode", "targetSiteCode", "routeCode",
    "doseQuantity", "low", "high", "time", "assignedAuthor", "recordTarget", "custodian", "subject", "product",
    "consumable", "performer", "author", "participant", "participantRole", "sdtc:templateId", "sdtc:actReference",
    "addr", "telecom", "playingDevice", "playingEntity", "scopingEntity", "entryRelationship", "reference",
    "referenceRange", "component", "sdtc:inFulfillmentOf1",
)  # fmt: skip
_ORDER = {tag: place for place, tag in enumerate(_CHILDREN)}
# What kind of thing an element is about; documents differ in it for one and the same.
_OF_KIND = ("classCode", "moodCode", "inversionInd")


def name(tag: str) -> str:
    """`{namespace}code` for `code`, of SDTC for `sdtc:code`."""
    return f"{{{SDTC}}}{tag[5:]}" if tag.startswith("sdtc:") else f"{{{CDA}}}{tag}"


@dataclass(frozen=True)
class Template:
    """A template by its OID and the extension (version) that R5.3 gives it."""

    oid: str
    extension: str | None = None

    def write(self, element: Element, tag: str = "templateId") -> None:
        """Add the template's identifier to an element."""
        template = etree.SubElement(element, name(tag), root=self.oid)
        if self.extension is not None:
            template.set("extension", self.extension)


@dataclass(frozen=True)
class Step:
    """One step of a path."""

    tag: str
    attributes: tuple[tuple[str, str], ...]
    templates: tuple[Template, ...]

    def fits(self, element: Element) -> bool:
        """Whether an element answers to the step."""
        if self.templates:
            return self.templates[-1].oid in template_oids(element)
        return all(element.get(key) == value for key, value in self.attributes if key not in _OF_KIND)

    def make(self, parent: Element) -> Element:
        """A new child with everything that the step says."""
        element = etree.SubElement(parent, name(self.tag), dict(self.attributes))
        for template in self.templates:
            template.write(element, "sdtc:templateId" if self.tag.startswith("sdtc:") else "templateId")
        return element


_STEP = re.compile(r"(?P<tag>[\w:]+)(?P<attributes>(\[\w+=[^\]]*\])*)(?P<templates>(\{[^}]*\})*)")


@lru_cache(maxsize=1024)
def steps(path: str) -> tuple[Step, ...]:
    """The steps of a path."""
    found = []
    for text in path.split("/"):
        match = _STEP.fullmatch(text)
        assert match is not None, path
        attributes = tuple((key, value) for key, value in re.findall(r"\[(\w+)=([^\]]*)\]", match["attributes"]))
        templates = tuple(template(each) for each in re.findall(r"\{([^}]*)\}", match["templates"]))
        found.append(Step(match["tag"], attributes, templates))
    return tuple(found)


def template(text: str) -> Template:
    """`24.3.88:2017-08-01` as a template."""
    arc, _, extension = text.partition(":")
    return Template(TEMPLATES + arc, extension or None)


def template_oids(element: Element) -> list[str]:
    """The OIDs of an element's templates, in order."""
    own = [each.get("root", "") for each in element.iterchildren(name("templateId"))]
    return own or [each.get("root", "") for each in element.iterchildren(name("sdtc:templateId"))]


def find_all(element: Element, path: str) -> Iterator[Element]:
    """The elements at a path."""
    return _find(element, steps(path)) if path else iter((element,))


def _find(element: Element, path: tuple[Step, ...]) -> Iterator[Element]:
    step, rest = path[0], path[1:]
    for child in element.iterchildren(name(step.tag)):
        if step.fits(child):
            if rest:
                yield from _find(child, rest)
            else:
                yield child


def find(element: Element, path: str) -> Element | None:
    """The first element at a path."""
    return next(find_all(element, path), None)


def ensure(element: Element, path: str) -> Element:
    """The element at a path, made with whatever leads to it if there is none.

    An entryRelationship holds one statement (CDA schema), so that one with another statement is not the one sought.
    """
    sought = steps(path) if path else ()
    for step, inner in zip_longest(sought, sought[1:]):
        fitting = (child for child in element.iterchildren(name(step.tag)) if step.fits(child))
        if step.tag == "entryRelationship" and inner is not None:
            fitting = (child for child in fitting if any(map(inner.fits, child.iterchildren(name(inner.tag)))))
        found = next(fitting, None)
        element = step.make(element) if found is None else found
    return element


def add(element: Element, path: str) -> Element:
    """A new element at a path: its first step is made anew, what is within as `ensure` does."""
    first, *_ = steps(path)
    made = first.make(element)
    _, slash, rest = path.partition("/") if "/" in path else (path, "", "")
    return ensure(made, rest) if slash else made


def add_code(element: Element, tag: str, code: str, system: str | None) -> Element:
    """A new child with a code of a code system (an OID)."""
    child = etree.SubElement(element, name(tag), code=code)
    if system is not None:
        child.set("codeSystem", system)
    return child


def add_text(element: Element, tag: str, text: str) -> None:
    """A new child with a text."""
    etree.SubElement(element, name(tag)).text = text


def add_null(element: Element, tag: str, flavor: str = "UNK") -> None:
    """A new child without a value, and the reason (HL7 V3 NullFlavor): unknown, unless told otherwise."""
    etree.SubElement(element, name(tag), nullFlavor=flavor)


def put_in_order(element: Element) -> None:
    """Sort the children of every element made here into the order of the schema."""

    def place(child: Element) -> int:
        qname = etree.QName(child)
        tag = f"sdtc:{qname.localname}" if qname.namespace == SDTC else qname.localname
        return _ORDER.get(tag, _ORDER["value"])

    for each in element.iter():
        each[:] = sorted(each, key=place)


def local(element: Element) -> str:
    """The name of an element without its namespace."""
    return etree.QName(element).localname


def line(element: Element) -> int | None:
    """The line of the document that an element begins on."""
    return cast("int | None", element.sourceline)
