"""What the templates of QRDA Category I require of a statement beside what QDM tells of it.

Where the data do not tell it, it is written as unknown or not applicable (HL7 V3 NullFlavor). The requirements are
those that HL7's Schematron for the guide makes errors.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy

from lxml import etree

from ecqm.data.qdm.qrda.entry_template import SNOMED_CT
from ecqm.data.qdm.qrda.xml import XSI_TYPE, Element, add_code, add_null, ensure, find, local, name, template
from ecqm.data.qdm.qrda.xml import template_oids as oids_of

_AUTHOR = "author{24.3.155:2019-12-01}/time"
_MEDICATION = "manufacturedProduct[classCode=MANU]{22.4.23:2014-06-09}"


def _of(*rows: tuple[str, str]) -> Mapping[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for path, arcs in rows:
        for arc in arcs.split():
            oid = template(arc).oid
            found[oid] = (*found.get(oid, ()), path)
    return found


# Paths that a statement with a template has, by the template's OID.
_PATHS = _of(
    ("id", "22.4.2 22.4.3 22.4.4 22.4.9 22.4.12 22.4.13 22.4.14 22.4.16 22.4.18 22.4.39 22.4.40 22.4.41 22.4.42 22.4.43"
           " 22.4.44 22.4.45 22.4.46 22.4.49 22.4.52 22.4.79 22.4.120 22.4.121 24.3.38 24.3.48 24.3.51 24.3.55 24.3.59"
           " 24.3.67 24.3.90 24.3.103 24.3.144 24.3.146 24.3.149 24.3.154 24.3.156"),
    ("code", "24.3.149"),
    ("statusCode", "22.4.4"),
    ("value", "22.4.2 22.4.9 22.4.13 24.3.90 24.3.93 24.3.119 24.3.147 24.3.149 24.3.168 24.3.169"),
    ("doseQuantity", "22.4.16"),
    ("subject/relatedSubject[classCode=PRS]/code", "22.4.45"),
    (_AUTHOR, "24.3.9 24.3.10 24.3.17 24.3.19 24.3.22 24.3.24 24.3.31 24.3.33 24.3.37 24.3.39 24.3.47 24.3.48 24.3.58"
              " 24.3.60 24.3.63 24.3.65 24.3.67 24.3.75 24.3.112 24.3.143 24.3.145 24.3.156 24.3.158"),
)  # fmt: skip
# Statements that have a time, and those whose time is an interval.
_TIMED = _of(
    ("effectiveTime", "22.4.2 22.4.12 22.4.52 22.4.120 24.3.7 24.3.18 24.3.32 24.3.38 24.3.45 24.3.59 24.3.64 24.3.87"
                      " 24.3.89 24.3.144 24.3.146"),
)  # fmt: skip
_SPANNED = _of(
    ("effectiveTime", "22.4.3 22.4.4 22.4.16 22.4.42 22.4.49 22.4.79 24.3.1 24.3.23 24.3.51 24.3.55 24.3.90 24.3.136"
                      " 24.3.147 24.3.154"),
    ("time", "24.3.100"),
)  # fmt: skip
_NEGATABLE = template("22.4.52").oid
_SUPPLY_REQUEST = template("24.3.99").oid
_TRANSLATED = {template("24.3.135").oid: ("282291009", SNOMED_CT)}
# The observation of a diagnostic study has its result in an observation of its own.
_WITHOUT_VALUE = template("24.3.18").oid
_COMPLETED = "completed"


def write_required(outer: Element) -> None:
    """Add to a statement, and to all that it holds, what the templates require and the data do not tell."""
    for statement in list(outer.iter(etree.Element)):
        oids = oids_of(statement)
        for oid in oids:
            for path in _PATHS.get(oid, ()):
                _ensure_null(statement, path)
            if oid in _TRANSLATED:
                _translate(statement, *_TRANSLATED[oid])
        spans = {tag for oid in oids for tag in _SPANNED.get(oid, ())}
        for tag in spans | {tag for oid in oids for tag in _TIMED.get(oid, ())}:
            _ensure_time(statement, tag, tag in spans)
        if _NEGATABLE in oids and "negationInd" not in statement.attrib:
            statement.set("negationInd", "false")
    _write_products(outer)


def _ensure_null(statement: Element, path: str) -> None:
    if find(statement, path) is not None:
        return
    element = ensure(statement, path)
    if path == "statusCode":
        element.set("code", _COMPLETED)
        return
    element.set("nullFlavor", "NA" if path == "value" and _WITHOUT_VALUE in oids_of(statement) else "UNK")
    if path == "value":
        element.set(XSI_TYPE, "CD")


def _ensure_time(statement: Element, tag: str, spans: bool) -> None:
    # A time with an operator is how often, not when.
    if any(child.get("operator") is None for child in statement.iterchildren(name(tag))):
        return
    time = etree.SubElement(statement, name(tag))
    if not spans:
        time.set("nullFlavor", "UNK")
        return
    if local(statement) == "substanceAdministration":
        time.set(XSI_TYPE, "IVL_TS")
    # Unknown bounds would be a period of unknown extent; the data have no period.
    for bound in ("low", "high"):
        add_null(time, bound, "NA")


def _translate(statement: Element, code: str, system: str) -> None:
    own = find(statement, "code")
    if own is not None and find(own, "translation") is None:
        add_code(own, "translation", code, system)


def _write_products(outer: Element) -> None:
    """What a supply asks for is the material of the statement around it; of how that is given, it is not repeated."""
    material = next(outer.iter(name("manufacturedMaterial")), None)
    for statement in list(outer.iter(name("substanceAdministration"), name("supply"))):
        if local(statement) == "supply":
            if _SUPPLY_REQUEST in oids_of(statement) and find(statement, "product") is None and material is not None:
                ensure(statement, f"product/{_MEDICATION}").append(deepcopy(material))
        elif find(statement, "consumable") is None:
            add_null(ensure(statement, "consumable/manufacturedProduct"), "manufacturedMaterial", "NA")
