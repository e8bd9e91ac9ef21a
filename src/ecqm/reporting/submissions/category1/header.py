"""The header of a QRDA Category I document: the patient, the author and the custodian."""

from __future__ import annotations

from typing import Any

from lxml import etree

from ecqm.data.qdm.qrda.codes import write_codes
from ecqm.data.qdm.qrda.demographics import CODED
from ecqm.data.qdm.qrda.times import hl7_time
from ecqm.data.qdm.qrda.xml import Element, add_null, add_text, ensure, find, local, name
from ecqm.data.qdm.structs import Code
from ecqm.reporting.submissions.category1.problems import Problems, write_own_id

# CDA puts all of the HL7 extension's race codes before the ethnic group.
_PERSON = ("name", "administrativeGenderCode", "birthTime", "raceCode", "ethnicGroupCode")


def write_patient(root: Element, patient: Any, problems: Problems) -> None:
    """The record target: identifier, name, time of birth, and the codes of sex, race and ethnicity."""
    role = ensure(root, "recordTarget/patientRole")
    write_own_id(role, patient.id, "patient", problems)
    _write_unknown_address(role, "HP")
    add_null(role, "telecom")
    person = etree.SubElement(role, name("patient"))
    names = etree.SubElement(person, name("name"))
    with problems.noting("the patient's name"):
        for given in patient.givenNames or ():
            add_text(names, "given", given)
        if patient.familyName:
            add_text(names, "family", patient.familyName)
    for tag in ("given", "family"):
        if find(names, tag) is None:
            add_null(names, tag)
    codes = _demographic_codes(patient, problems)
    _write_codes(person, "administrativeGenderCode", codes["PatientCharacteristicSex"], problems)
    _write_birth(person, patient.birthDatetime, problems)
    for data_type in ("PatientCharacteristicRace", "PatientCharacteristicEthnicity"):
        first, other = CODED[data_type]
        of_type = codes[data_type]
        _write_codes(person, first, of_type[:1], problems)
        for more in of_type[1:]:
            _write_codes(person, other, [more], problems)
    person[:] = sorted(person, key=lambda child: _PERSON.index(local(child)))


def _write_birth(person: Element, birth: Any, problems: Problems) -> None:
    time = etree.SubElement(person, name("birthTime"))
    if birth:
        with problems.noting("birthDatetime"):
            time.set("value", hl7_time(birth))
    if "value" not in time.attrib:
        time.set("nullFlavor", "UNK")


def _demographic_codes(patient: Any, problems: Problems) -> dict[str, list[list[Code]]]:
    """The codes of the patient's characteristics by data type, one list of codes for each data element."""
    found: dict[str, list[list[Code]]] = {data_type: [] for data_type in CODED}
    for element in patient.dataElements or ():
        data_type = type(element).__name__
        if data_type in found and element.dataElementCodes:
            found[data_type].append(element.dataElementCodes)
    for extra in found["PatientCharacteristicSex"][1:]:
        problems.add(f"PatientCharacteristicSex: a second one ({extra[0].code})")
    return found


def _write_codes(person: Element, tag: str, several: list[list[Code]], problems: Problems) -> None:
    if not several:
        add_null(person, tag)
        return
    with problems.noting(tag):
        write_codes(etree.SubElement(person, name(tag)), several[0])


def write_author(root: Element, moment: str) -> None:
    """The author, this program, at the moment (HL7 V3) that it wrote the document."""
    author = ensure(root, "author")
    etree.SubElement(author, name("time"), value=moment)
    assigned = ensure(author, "assignedAuthor")
    add_null(assigned, "id")
    _write_unknown_address(assigned, "WP")
    add_null(assigned, "telecom")
    device = ensure(assigned, "assignedAuthoringDevice")
    add_text(device, "manufacturerModelName", "ecqm")
    add_text(device, "softwareName", "ecqm")


def write_custodian(root: Element) -> None:
    """The custodian, which the data do not name."""
    organization = ensure(root, "custodian/assignedCustodian/representedCustodianOrganization")
    add_null(organization, "id")
    add_text(organization, "name", "unknown")
    add_null(organization, "telecom")
    _write_unknown_address(organization, "WP")


def _write_unknown_address(parent: Element, use: str) -> None:
    """An address with the parts that C-CDA requires (US Realm Address), which QDM does not have."""
    address = etree.SubElement(parent, name("addr"), use=use)
    add_null(address, "streetAddressLine")
    add_null(address, "city")
