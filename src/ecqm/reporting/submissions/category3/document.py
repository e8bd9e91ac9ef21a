"""The writer of QRDA Category III documents: the counts of measures over all patients (HL7 QRDA III R1 STU 2.1), for a
program of CMS by its guide for eligible clinicians (2025, 2026), or for anyone without its templates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import NAMESPACE_OID, uuid5

from lxml import etree

from ecqm import __version__
from ecqm.data.qdm.qrda.times import hl7_time
from ecqm.data.qdm.qrda.xml import NAMESPACES, Element, Template, add, add_code, add_null, add_text, ensure, name
from ecqm.reporting.results.counts import Counts, MeasureCount
from ecqm.reporting.submissions.category3 import templates
from ecqm.reporting.submissions.category3.measure import MeasureWriter
from ecqm.reporting.submissions.category3.templates import Guide
from ecqm.reporting.submissions.errors import SubmissionError
from ecqm.reporting.submissions.submitter import Entity, Submitter

_ENTITY_ROOTS = {
    Entity.VIRTUAL_GROUP: templates.VIRTUAL_GROUP,
    Entity.SUBGROUP: templates.SUBGROUP,
    Entity.APM: templates.APM_ENTITY,
}


@dataclass(frozen=True)
class Sender:
    """The author of the document: the name of the organization, and the CMS EHR Certification ID (15 letters and
    digits) of the system."""

    organization: str
    ehr_certification: str | None = None

    def __post_init__(self) -> None:
        number = self.ehr_certification
        if number is not None and not (len(number) == 15 and number.isascii() and number.isalnum()):
            raise SubmissionError(f"{number} is not a CMS EHR Certification ID, which has 15 letters and digits")


@dataclass(frozen=True)
class Qrda3Document:
    """A document, and the results that it cannot express."""

    xml: bytes
    problems: tuple[str, ...]


def write_qrda3(
    counts: Counts, sender: Sender, submitter: Submitter | None = None, now: datetime | None = None
) -> Qrda3Document:
    """The document of some measures: by CMS's guide if there is a submitter, otherwise by that of HL7.

    The same counts at the same time give the same document. Raises SubmissionError if CMS does not accept a measure or
    requires unknown facts of it or of the sender, for measures of different periods, and for texts with characters that
    XML does not allow; MeasureError for an invalid period.
    """
    if submitter is not None and sender.ehr_certification is None:
        raise SubmissionError(f"{submitter.program} asks for the CMS EHR Certification ID of a QRDA III document")
    periods = {tuple(map(hl7_time, measure.days)) for measure in counts.measures}
    if len(periods) > 1:
        raise SubmissionError("the measures have different periods: write a QRDA III document for each period")
    start, end = periods.pop()
    guide = None if submitter is None else _guide_of(int(start[:4]))
    # Without a time zone: all times of a document must have one or none, and periods are given in days.
    moment = (now or datetime.now(UTC)).strftime("%Y%m%d%H%M%S")
    identity = str(uuid5(NAMESPACE_OID, f"{moment} {counts.date} {[each.canonical for each in counts.measures]}"))
    root = etree.Element(name("ClinicalDocument"), nsmap=NAMESPACES)
    writing = MeasureWriter(guide, identity)
    try:
        _write_header(root, sender, submitter, guide, identity, moment)
        if submitter is not None:
            _write_submitter(root, submitter, sender, (start, end))
        _write_section(ensure(root, "component/structuredBody"), counts.measures, (start, end), writing)
    except SubmissionError:
        raise
    except ValueError as error:
        raise SubmissionError(f"XML cannot hold what is to be written: {error}") from error
    xml = etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)
    return Qrda3Document(xml, tuple(writing.problems))


# -- header -----------------------------------------------------------------------------------------------------------


def _guide_of(year: int) -> Guide:
    guide = templates.GUIDES.get(year)
    if guide is None:
        raise SubmissionError(f"CMS's guide for QRDA III of {year} is not known, those of 2025 and 2026 are")
    return guide


def _write_header(
    root: Element, sender: Sender, submitter: Submitter | None, guide: Guide | None, identity: str, moment: str
) -> None:
    etree.SubElement(root, name("realmCode"), code="US")
    etree.SubElement(root, name("typeId"), root="2.16.840.1.113883.1.3", extension="POCD_HD000040")
    templates.REPORT.write(root)
    if guide is not None:
        guide.report.write(root)
    etree.SubElement(root, name("id"), root=identity)
    add_code(root, "code", *templates.DOCUMENT)
    add_text(root, "title", "QRDA Calculated Summary Report")
    etree.SubElement(root, name("effectiveTime"), value=moment)
    add_code(root, "confidentialityCode", "N", templates.CONFIDENTIALITY)
    etree.SubElement(root, name("languageCode"), code="en")
    etree.SubElement(root, name("versionNumber"), value="1")
    # A document of counts is not about a patient.
    add_null(ensure(root, "recordTarget/patientRole"), "id", "NA")
    author = ensure(root, "author")
    etree.SubElement(author, name("time"), value=moment)
    assigned = ensure(author, "assignedAuthor")
    add_null(assigned, "id", "NA")
    add_text(ensure(assigned, "assignedAuthoringDevice"), "softwareName", f"ecqm {__version__}")
    add_text(ensure(assigned, "representedOrganization"), "name", sender.organization)
    custodian = ensure(root, "custodian/assignedCustodian/representedCustodianOrganization")
    _identifier(custodian, templates.TIN, None if submitter is None else submitter.tin)
    add_text(custodian, "name", sender.organization)
    if submitter is not None:
        recipient = ensure(root, "informationRecipient/intendedRecipient")
        etree.SubElement(recipient, name("id"), root=templates.PROGRAM, extension=submitter.program)
    if sender.ehr_certification is not None:
        device = ensure(root, "participant[typeCode=DEV]/associatedEntity[classCode=RGPR]")
        _identifier(device, templates.EHR_CERTIFICATION, sender.ehr_certification)
        add_code(device, "code", *templates.MEDICAL_RECORD_DEVICE)


def _write_submitter(root: Element, submitter: Submitter, sender: Sender, period: tuple[str, str]) -> None:
    if submitter.mvp is not None:
        pathway = add(root, "participant[typeCode=TRC]/associatedEntity[classCode=PROG]")
        _identifier(pathway, templates.VALUE_PATHWAY, submitter.mvp)
    event = ensure(root, "documentationOf[typeCode=DOC]/serviceEvent[classCode=PCPR]")
    _write_period(event, "effectiveTime", period)
    performer = ensure(event, "performer[typeCode=PRF]")
    _write_period(performer, "time", period)
    entity = ensure(performer, "assignedEntity")
    _identifier(entity, templates.NPI, submitter.npi, "NA")
    organization = ensure(entity, "representedOrganization")
    root_of = _ENTITY_ROOTS.get(submitter.entity)
    if root_of is None:
        _identifier(organization, templates.TIN, submitter.tin)
    else:
        _identifier(organization, root_of, submitter.entity_id)
    add_text(organization, "name", sender.organization)


def _identifier(parent: Element, root: str, extension: str | None, lacking: str = "UNK") -> None:
    element = etree.SubElement(parent, name("id"), root=root)
    if extension is None:
        element.set("nullFlavor", lacking)
    else:
        element.set("extension", extension)


def _write_period(parent: Element, tag: str, period: tuple[str, str]) -> None:
    time = etree.SubElement(parent, name(tag))
    for bound, value in zip(("low", "high"), period, strict=True):
        etree.SubElement(time, name(bound), value=value)


# -- the section of measures ------------------------------------------------------------------------------------------


def _write_section(
    body: Element, measures: Sequence[MeasureCount], period: tuple[str, str], writing: MeasureWriter
) -> None:
    section = ensure(body, "component/section")
    own: list[Template] = [templates.SECTION_OF_MEASURES, templates.MEASURE_SECTION]
    for each in own if writing.guide is None else [*own, writing.guide.section]:
        each.write(section)
    add_code(section, "code", *templates.SECTION)
    add_text(section, "title", "Measure Section")
    _write_narrative(section, measures)
    for measure in measures:
        writing.write(add(section, "entry"), measure)
    act = add(section, "entry[typeCode=DRIV]/act[classCode=ACT][moodCode=EVN]")
    templates.REPORTING_PARAMETERS.write(act)
    etree.SubElement(act, name("id"), root=writing.identity("reporting parameters"))
    add_code(act, "code", *templates.PARAMETERS)
    _write_period(act, "effectiveTime", period)


def _write_narrative(section: Element, measures: Sequence[MeasureCount]) -> None:
    """The counts for a reader: a row for each population."""
    table = ensure(section, "text/table")
    _write_row(ensure(table, "thead"), "th", ("Measure", "Rate", "Population", "Count"))
    body = ensure(table, "tbody")
    for measure in measures:
        for group in measure.groups:
            for population in group.populations:
                row = (measure.title or measure.name, group.id, population.code.value, str(population.count))
                _write_row(body, "td", row)


def _write_row(parent: Element, tag: str, cells: Sequence[str]) -> None:
    row = etree.SubElement(parent, name("tr"))
    for cell in cells:
        add_text(row, tag, cell)
