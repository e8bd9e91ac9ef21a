"""The writer of QRDA Category I documents (STU 5.3): one patient with all the QDM elements that the templates hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from lxml import etree

from ecqm.data.qdm.qrda.datatypes import hl7_time, write_code, write_codes, write_identifier
from ecqm.data.qdm.qrda.demographics import BIRTHDATE, CODED
from ecqm.data.qdm.qrda.places import Place
from ecqm.data.qdm.qrda.reader import length_of_stay
from ecqm.data.qdm.qrda.templates import (
    COMPLETED,
    FIXED_CODES,
    LOINC,
    SAME_CODE,
    SNOMED_CT,
    EntryTemplate,
    Fixed,
    by_data_type,
)
from ecqm.data.qdm.qrda.xml import (
    NAMESPACES,
    XSI_TYPE,
    Element,
    Template,
    add,
    ensure,
    find,
    local,
    name,
    put_in_order,
    template,
    template_oids,
)
from ecqm.data.qdm.schema import CODES, NEGATION
from ecqm.data.qdm.structs import TAG, Code, Period

_DOCUMENT_TEMPLATES = (
    template("22.1.1:2015-08-01"),
    template("24.1.1:2017-08-01"),
    template("24.1.2:2021-08-01"),
)
_CMS_TEMPLATE = template("24.1.3:2022-02-01")
_NOT_IN_ENTRIES = frozenset(("id", "_id", CODES, "code", NEGATION))
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


@dataclass
class _Writing:
    problems: list[str] = field(default_factory=list)

    def put(self, about: str, place: Place, statement: Element, value: Any) -> None:
        """Write a value in its place, or note why there is no place for it."""
        with self.noting(f"{about}.{place.attribute}"):
            place.write(statement, value)

    @contextmanager
    def noting(self, about: str) -> Iterator[None]:
        """Note why a value cannot be written: CDA has no place for it, or XML does not allow its characters."""
        try:
            yield
        except ValueError as error:
            self.problems.append(f"{about}: {error}")


def write_qrda1(
    patient: Any,
    measures: Sequence[MeasureReference] = (),
    period: tuple[str, str] | None = None,
    now: datetime | None = None,
    for_cms: bool = False,
) -> QrdaDocument:
    """The document of a patient (a struct of `QdmStructs.patient`).

    `period` is the reporting period (ISO 8601), by default that of the patient's data. The same patient at the same
    time gives the same document.
    """
    writing = _Writing()
    moment = (now or datetime.now(UTC)).strftime("%Y%m%d%H%M%S%z")
    root = etree.Element(name("ClinicalDocument"), nsmap=NAMESPACES)
    etree.SubElement(root, name("realmCode"), code="US")
    etree.SubElement(root, name("typeId"), root="2.16.840.1.113883.1.3", extension="POCD_HD000040")
    for each in (*_DOCUMENT_TEMPLATES, *((_CMS_TEMPLATE,) if for_cms else ())):
        each.write(root)
    etree.SubElement(root, name("id"), root=str(uuid5(NAMESPACE_OID, f"{patient.id} {moment}")))
    _coded(root, "code", "55182-0", LOINC)
    _text(root, "title", "QRDA Category I Report")
    etree.SubElement(root, name("effectiveTime"), value=moment)
    _coded(root, "confidentialityCode", "N", _CONFIDENTIALITY)
    etree.SubElement(root, name("languageCode"), code="en")
    _write_header(root, patient, moment, writing)
    body = ensure(root, "component/structuredBody")
    _write_measures(body, measures)
    _write_period(body, period)
    section = _section(body, (template("17.2.4"), template("24.2.1:2021-08-01")), "55188-7", "Patient Data")
    for element in patient.dataElements or ():
        _write_element(section, element, writing)
    put_in_order(section)
    _remove_empty(section)
    xml = etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)
    return QrdaDocument(xml, tuple(writing.problems))


# -- the header and the sections about the report --------------------------------------------------------------------


def _write_header(root: Element, patient: Any, moment: str, writing: _Writing) -> None:
    role = ensure(root, "recordTarget/patientRole")
    _write_own_id(role, patient.id, "patient", writing)
    etree.SubElement(etree.SubElement(role, name("addr"), use="HP"), name("streetAddressLine")).set("nullFlavor", "UNK")
    etree.SubElement(role, name("telecom")).set("nullFlavor", "UNK")
    person = etree.SubElement(role, name("patient"))
    names = etree.SubElement(person, name("name"))
    with writing.noting("the patient's name"):
        for given in patient.givenNames or ():
            _text(names, "given", given)
        if patient.familyName:
            _text(names, "family", patient.familyName)
    codes = _demographic_codes(patient, writing)
    _write_codes(person, "administrativeGenderCode", codes["PatientCharacteristicSex"], writing)
    birth = patient.birthDatetime
    time = etree.SubElement(person, name("birthTime"))
    if birth:
        with writing.noting("birthDatetime"):
            time.set("value", hl7_time(birth))
    if "value" not in time.attrib:
        time.set("nullFlavor", "UNK")
    for data_type in ("PatientCharacteristicRace", "PatientCharacteristicEthnicity"):
        first, other = CODED[data_type]
        of_type = codes[data_type]
        _write_codes(person, first, of_type[:1], writing)
        for more in of_type[1:]:
            _write_codes(person, other, [more], writing)
    # CDA puts all of the HL7 extension's race codes before the ethnic group.
    person[:] = sorted(person, key=lambda child: _PERSON.index(local(child)))
    author = ensure(root, "author")
    etree.SubElement(author, name("time"), value=moment)
    _actor(ensure(author, "assignedAuthor"))
    device = ensure(author, "assignedAuthor/assignedAuthoringDevice")
    _text(device, "manufacturerModelName", "ecqm")
    _text(device, "softwareName", "ecqm")
    organization = ensure(root, "custodian/assignedCustodian/representedCustodianOrganization")
    etree.SubElement(organization, name("id")).set("nullFlavor", "UNK")
    _text(organization, "name", "unknown")


_PERSON = ["name", "administrativeGenderCode", "birthTime", "raceCode", "ethnicGroupCode"]


def _demographic_codes(patient: Any, writing: _Writing) -> dict[str, list[list[Code]]]:
    found: dict[str, list[list[Code]]] = {data_type: [] for data_type in CODED}
    for element in patient.dataElements or ():
        data_type = type(element).__name__
        if data_type in found and element.dataElementCodes:
            found[data_type].append(element.dataElementCodes)
    for extra in found["PatientCharacteristicSex"][1:]:
        writing.problems.append(f"PatientCharacteristicSex: a second one ({extra[0].code})")
    return found


def _write_codes(person: Element, tag: str, several: list[list[Code]], writing: _Writing) -> None:
    element = etree.SubElement(person, name(tag))
    if not several:
        element.set("nullFlavor", "UNK")
        return
    with writing.noting(tag):
        write_codes(element, several[0])


def _actor(element: Element) -> None:
    etree.SubElement(element, name("id")).set("nullFlavor", "UNK")
    etree.SubElement(element, name("addr")).set("nullFlavor", "UNK")
    etree.SubElement(element, name("telecom")).set("nullFlavor", "UNK")


def _section(body: Element, templates: Sequence[Template], code: str, title: str) -> Element:
    section = etree.SubElement(etree.SubElement(body, name("component")), name("section"))
    for each in templates:
        each.write(section)
    _coded(section, "code", code, LOINC)
    _text(section, "title", title)
    _text(section, "text", title)
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
            _text(external, "text", measure.title)


def _write_period(body: Element, period: tuple[str, str] | None) -> None:
    section = _section(body, (template("17.2.1"),), "55187-9", "Reporting Parameters")
    act = add(section, "entry[typeCode=DRIV]/act[classCode=ACT][moodCode=EVN]{17.3.8}")
    etree.SubElement(act, name("id"), root=str(uuid5(NAMESPACE_OID, str(period))))
    _coded(act, "code", "252116004", SNOMED_CT)
    time = etree.SubElement(act, name("effectiveTime"))
    for tag, bound in zip(("low", "high"), period or (None, None), strict=True):
        child = etree.SubElement(time, name(tag))
        if bound is None:
            child.set("nullFlavor", "UNK")
        else:
            child.set("value", hl7_time(bound))


def _coded(parent: Element, tag: str, code: str, system: str | None) -> Element:
    element = etree.SubElement(parent, name(tag), code=code)
    if system is not None:
        element.set("codeSystem", system)
    return element


def _text(parent: Element, tag: str, text: str) -> None:
    etree.SubElement(parent, name(tag)).text = text


# -- entries ----------------------------------------------------------------------------------------------------------


def _write_element(section: Element, element: Any, writing: _Writing) -> None:
    data_type = type(element).__name__
    if data_type == BIRTHDATE or data_type in CODED:
        return
    found = by_data_type(data_type)
    if found is None:
        writing.problems.append(f"{TAG}{data_type}: QRDA I R5.3 has no template for it")
        return
    if data_type != found.data_types[0]:
        told = f"{data_type}: QRDA I R5.3 has one template for it and {found.data_types[0]}, as which it may be read"
        writing.problems.append(told)
    entry = etree.SubElement(section, name("entry"), typeCode="DRIV")
    outer = add(entry, found.step if found.wrapper is None else found.wrapper.step)
    inner = outer if found.wrapper is None else ensure(outer, f"{found.wrapper.relation}/{found.step}")
    _write_values(outer, inner, element, found, writing)
    _complete(outer, inner, found)


def _write_values(outer: Element, inner: Element, element: Any, found: EntryTemplate, writing: _Writing) -> None:
    about = type(element).__name__
    identifier = element.id if element.id is not None else getattr(element, "_id", None)
    if isinstance(identifier, dict):
        identifier = identifier.get("value")
    _write_own_id(inner, identifier, about, writing)
    negation = getattr(element, NEGATION, None)
    if negation is not None:
        outer.set("negationInd", "true")
        writing.put(about, found.negation, outer, negation)
    places: dict[str, tuple[Place, Element]] = {place.attribute: (place, inner) for place in found.places}
    places |= {place.attribute: (place, outer) for place in found.outer}
    for attribute in element.__struct_fields__:
        value = getattr(element, attribute)
        if value is None or value == [] or attribute in _NOT_IN_ENTRIES - {CODES}:
            continue
        if attribute == "lengthOfStay" and _days(value) == _days(length_of_stay(element.relevantPeriod)):
            continue
        if attribute not in places:
            writing.problems.append(f"{about}.{attribute}: QRDA I R5.3 has no place for it")
        elif attribute == "reason" and negation is not None:
            writing.problems.append(f"{about}.reason: what was not done has its reason as the rationale alone")
        elif not (isinstance(value, Period) and value.low is None and value.high is None):
            place, statement = places[attribute]
            writing.put(about, place, statement, value)


def _write_own_id(parent: Element, identifier: Any, about: str, writing: _Writing) -> None:
    element = etree.SubElement(parent, name("id"))
    if identifier is None:
        element.set("nullFlavor", "UNK")
        return
    with writing.noting(f"{about}.id"):
        write_identifier(element, str(identifier))


def _days(quantity: Any) -> Any:
    """The days of a length of stay, in any spelling of the unit; None if there is none."""
    return None if quantity is None or quantity.unit not in ("d", "day", "days") else quantity.value


def _complete(outer: Element, inner: Element, found: EntryTemplate) -> None:
    """Add what the templates require beyond QDM: fixed codes, status codes, and null flavors for unknown codes and
    times."""
    _fix(inner, found.fixed)
    if found.status is not None and find(inner, "statusCode") is None:
        etree.SubElement(inner, name("statusCode"), code=found.status)
    if found.wrapper is not None:
        _fix(outer, found.wrapper.fixed)
    code = find(inner, "code")
    for each in outer.iterdescendants():
        oids = template_oids(each)
        if find(each, "code") is None:
            fixed = next((FIXED_CODES[oid] for oid in oids if oid in FIXED_CODES), None)
            if fixed is not None:
                _coded(each, "code", *fixed)
            elif SAME_CODE.intersection(oids) and code is not None:
                write_code(etree.SubElement(each, name("code")), Code(code.get("code"), code.get("codeSystem")))
        if COMPLETED.intersection(oids) and find(each, "statusCode") is None:
            etree.SubElement(each, name("statusCode"), code="completed")
        if local(each) == "author" and find(each, "assignedAuthor") is None:
            etree.SubElement(ensure(each, "assignedAuthor"), name("id")).set("nullFlavor", "NA")
    if local(inner) in ("observation", "procedure", "encounter", "act") and code is None:
        etree.SubElement(inner, name("code")).set("nullFlavor", "UNK")


def _fix(statement: Element, fixed: Fixed) -> None:
    for tag, (code, system) in fixed.items():
        if find(statement, tag) is None:
            element = _coded(statement, tag, code, system)
            if tag == "value":
                element.set(XSI_TYPE, "CD")


def _remove_empty(section: Element) -> None:
    """Remove relationships without content."""
    for tag in ("entryRelationship", "participant"):
        for element in list(section.iter(name(tag))):
            if not len(element):
                parent = element.getparent()
                if parent is not None:
                    parent.remove(element)
