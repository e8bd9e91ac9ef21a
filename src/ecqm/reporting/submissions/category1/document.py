"""The writer of QRDA Category I documents (STU 5.3): one patient with all the QDM elements that the templates hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from lxml import etree

from ecqm.data.qdm.qrda.entry_template import LOINC, SNOMED_CT
from ecqm.data.qdm.qrda.times import hl7_time
from ecqm.data.qdm.qrda.xml import (
    NAMESPACES,
    Element,
    Template,
    add,
    add_code,
    add_null,
    add_text,
    ensure,
    name,
    put_in_order,
    template,
)
from ecqm.reporting.submissions.category1.entries import write_element
from ecqm.reporting.submissions.category1.header import write_author, write_custodian, write_patient
from ecqm.reporting.submissions.category1.problems import Problems

_DOCUMENT_TEMPLATES = (
    template("22.1.1:2015-08-01"),
    template("24.1.1:2017-08-01"),
    template("24.1.2:2021-08-01"),
)
_CMS_TEMPLATE = template("24.1.3:2022-02-01")
_CONFIDENTIALITY = "2.16.840.1.113883.5.25"


@dataclass(frozen=True)
class MeasureReference:
    """A measure that the document is for: its version-specific identifier (a UUID) and title."""

    identifier: str
    title: str | None = None


@dataclass(frozen=True)
class QrdaDocument:
    """A document, and the data of the patient that it cannot express."""

    xml: bytes
    problems: tuple[str, ...]


def write_qrda1(
    patient: Any,
    measures: Sequence[MeasureReference] = (),
    period: tuple[str, str] | None = None,
    now: datetime | None = None,
    for_cms: bool = False,
) -> QrdaDocument:
    """The document of a patient (a struct of `QdmStructs.patient`).

    `period` is the reporting period (ISO 8601), unknown if there is none. The same patient at the same time gives the
    same document.
    """
    problems = Problems()
    moment = (now or datetime.now(UTC)).strftime("%Y%m%d%H%M%S%z")
    root = etree.Element(name("ClinicalDocument"), nsmap=NAMESPACES)
    etree.SubElement(root, name("realmCode"), code="US")
    etree.SubElement(root, name("typeId"), root="2.16.840.1.113883.1.3", extension="POCD_HD000040")
    for each in (*_DOCUMENT_TEMPLATES, *((_CMS_TEMPLATE,) if for_cms else ())):
        each.write(root)
    etree.SubElement(root, name("id"), root=str(uuid5(NAMESPACE_OID, f"{patient.id} {moment}")))
    add_code(root, "code", "55182-0", LOINC)
    add_text(root, "title", "QRDA Category I Report")
    etree.SubElement(root, name("effectiveTime"), value=moment)
    add_code(root, "confidentialityCode", "N", _CONFIDENTIALITY)
    etree.SubElement(root, name("languageCode"), code="en")
    write_patient(root, patient, problems)
    write_author(root, moment)
    write_custodian(root)
    body = ensure(root, "component/structuredBody")
    _write_measures(body, measures)
    _write_period(body, period)
    section = _section(body, (template("17.2.4"), template("24.2.1:2021-08-01")), "55188-7", "Patient Data")
    for element in patient.dataElements or ():
        write_element(section, element, problems)
    put_in_order(section)
    _remove_empty(section)
    xml = etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)
    return QrdaDocument(xml, tuple(problems.found))


def _section(body: Element, templates: Sequence[Template], code: str, title: str) -> Element:
    section = etree.SubElement(etree.SubElement(body, name("component")), name("section"))
    for each in templates:
        each.write(section)
    add_code(section, "code", code, LOINC)
    add_text(section, "title", title)
    add_text(section, "text", title)
    return section


def _write_measures(body: Element, measures: Sequence[MeasureReference]) -> None:
    section = _section(body, (template("24.2.2"), template("24.2.3")), "55186-1", "Measure Section")
    for measure in measures:
        organizer = add(section, "entry/organizer[classCode=CLUSTER][moodCode=EVN]{24.3.98}{24.3.97}")
        etree.SubElement(organizer, name("id"), root=str(uuid5(NAMESPACE_OID, measure.identifier)))
        etree.SubElement(organizer, name("statusCode"), code="completed")
        external = ensure(organizer, "reference[typeCode=REFR]/externalDocument[classCode=DOC][moodCode=EVN]")
        etree.SubElement(external, name("id"), root="2.16.840.1.113883.4.738", extension=measure.identifier)
        if measure.title:
            add_text(external, "text", measure.title)


def _write_period(body: Element, period: tuple[str, str] | None) -> None:
    section = _section(body, (template("17.2.1"),), "55187-9", "Reporting Parameters")
    act = add(section, "entry[typeCode=DRIV]/act[classCode=ACT][moodCode=EVN]{17.3.8}")
    etree.SubElement(act, name("id"), root=str(uuid5(NAMESPACE_OID, str(period))))
    add_code(act, "code", "252116004", SNOMED_CT)
    time = etree.SubElement(act, name("effectiveTime"))
    for tag, bound in zip(("low", "high"), period or (None, None), strict=True):
        if bound is None:
            add_null(time, tag)
        else:
            etree.SubElement(time, name(tag), value=hl7_time(bound))


def _remove_empty(section: Element) -> None:
    """Remove relationships without content."""
    for tag in ("entryRelationship", "participant"):
        for element in list(section.iter(name(tag))):
            if not len(element):
                parent = element.getparent()
                if parent is not None:
                    parent.remove(element)
