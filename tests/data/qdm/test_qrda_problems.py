"""QRDA Category I documents: negation, what is told of documents, and what is not read at all."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from ecqm.columns import to_values
from ecqm.data.qdm.equality import differences
from ecqm.data.qdm.patients import read_whole
from ecqm.terminology import VALUE_SETS
from tests.data.qdm.documents import read, told, written
from tests.data.qdm.patients import code, element, encounter, full_patient, patient


def test_a_value_set_of_which_nothing_was_done() -> None:
    negated = element("InterventionPerformed", "i", [code("1.2.3", VALUE_SETS)], negationRationale=code("105480006"))
    xml = written(patient(negated))
    assert b'sdtc:valueSet="1.2.3"' in xml and b'negationInd="true"' in xml
    codes = to_values(read(xml)[0].finish().table("InterventionPerformed").element("code"))
    assert codes[0].code == "1.2.3"


def test_a_negated_entry_without_a_reason_is_neither_done_nor_not_done() -> None:
    negated = element("DeviceOrder", "d", [code("442023007")], negationRationale=code("105480006"))
    xml = written(patient(negated, encounter("e"))).replace(b'code="105480006"', b'nullFlavor="UNK"')
    builder, accounts = read(xml)
    assert "DeviceOrder was not done, without a reason: left out" in told(builder)
    assert [account.meaning for account in accounts if not account.understood] == ["DeviceOrder"]
    cohort = builder.finish()
    assert len(cohort.table("DeviceOrder")) == 0 and len(cohort.table("EncounterPerformed")) == 1


def test_another_namespace_is_not_cda() -> None:
    builder, accounts = read(written(full_patient()).replace(b"urn:hl7-org:v3", b"urn:hl7-org:v2"))
    assert builder.ids == [] and accounts == []
    assert "no CDA document: its root is {urn:hl7-org:v2}ClinicalDocument" in told(builder)


def test_a_template_without_its_extension_is_read_and_told() -> None:
    template = b'root="2.16.840.1.113883.10.20.24.3.23" extension="2021-08-01"'
    builder, accounts = read(written(patient(encounter("e"))).replace(template, template.split(b" ")[0]))
    assert all(account.understood for account in accounts) and len(builder.ids) == 1
    assert "2.16.840.1.113883.10.20.24.3.23 has no extension" in told(builder)
    assert any(problem.entry is not None and problem.entry > 50 for problem in builder.problems)


@pytest.mark.parametrize("released", [b"2018-10-01", b"2017-08-01"])
def test_documents_of_an_earlier_release_are_read_with_a_note_per_template(released: bytes) -> None:
    """R5.1 gives most templates an earlier date than R5.3."""
    document = written(full_patient())
    for current in (b'extension="2021-08-01"', b'extension="2019-12-01"'):
        document = document.replace(current, b'extension="%s"' % released)
    assert document.count(released) > 20
    builder, (patient_read,) = read_whole(document, "patient.xml")
    assert differences(read_whole(full_patient(), "patient.json")[1][0], patient_read) == []
    assert builder.problems and all("it is read as that of" in problem.message for problem in builder.problems)
    about = [problem.resource for problem in builder.problems]
    assert len(set(about)) == len(about)


def test_results_and_places_of_earlier_releases() -> None:
    """Before R5.3 a result is the observation of C-CDA, and the place of an order has no template of its own."""
    study = element(
        "DiagnosticStudyPerformed", "s", [code("24623002")], result=code("260385009"),
        resultDatetime="2026-03-02T10:00:00.000Z", facilityLocation=code("309905000"),
    )  # fmt: skip
    act = element("InterventionPerformed", "i", [code("225323000")], result=code("394872000"))
    order = element("EncounterOrder", "o", [code("185349003")], facilityLocation=code("31628002"))
    document = patient(study, act, order)
    xml = written(document)
    for template in (b"24.3.87", b"24.3.100"):
        xml, count = re.subn(rb'<templateId root="2.16.840.1.113883.10.20.%s"[^>]*/>' % template, b"", xml)
        assert count
    builder, (after,) = read_whole(xml, "patient.xml")
    assert differences(read_whole(document, "patient.json")[1][0], after) == []
    assert not builder.problems


def test_an_order_that_is_active_from_some_time() -> None:
    order = element("ImmunizationOrder", "i", [code("33")], activeDatetime="2026-03-02T10:30:00.000Z")
    point, start = rb'<effectiveTime( value="20260302[^"]*")/>', rb"<effectiveTime><low\1/></effectiveTime>"
    xml = re.sub(point, start, written(patient(order)))
    builder, (after,) = read_whole(xml, "patient.xml")
    assert b"<low value" in xml and not builder.problems
    assert differences(read_whole(patient(order), "patient.json")[1][0], after) == []


def test_a_time_that_is_none_is_told_once() -> None:
    xml = written(patient(element("AssessmentOrder", "a", [code("1")], authorDatetime="2026-03-02T10:30:00.000Z")))
    builder, _ = read(re.sub(rb'(<time value=")20260302[^"]*', rb"\g<1>2026030201030", xml))
    assert [str(problem).rpartition(": ")[2] for problem in builder.problems] == ["'2026030201030' is no HL7 time"]


def test_an_unknown_template_is_told_by_line() -> None:
    builder, accounts = read(
        written(patient(encounter("e")))
        .replace(b"2.16.840.1.113883.10.20.24.3.23", b"2.16.840.1.113883.10.20.24.3.9999")
        .replace(b"2.16.840.1.113883.10.20.22.4.49", b"2.16.840.1.113883.10.20.22.4.9999")
    )
    assert not accounts[-1].understood and accounts[-1].line is not None
    assert "24.3.9999" in told(builder) and f"document.xml:{accounts[-1].line}" in told(builder)


def test_what_an_entry_holds_beside_is_told() -> None:
    beside = b'<participant typeCode="WIT"><participantRole/></participant></encounter>'
    builder, _ = read(written(patient(encounter("e"))).replace(b"</encounter>", beside))
    assert "participant (no template) is not understood" in told(builder)


def test_two_patients_in_one_document() -> None:
    xml = written(full_patient())
    target = xml[xml.index(b"<recordTarget>") : xml.index(b"</recordTarget>") + len(b"</recordTarget>")]
    builder, accounts = read(xml.replace(target, target * 2))
    assert builder.ids == [] and accounts == []
    assert "is about one patient, this one about 2" in told(builder)


def test_an_unknown_code_system() -> None:
    odd = patient(element("Diagnosis", "d", [code("1", "1.2.3.4.5")]))
    builder, accounts = read(written(odd))
    assert "code system 1.2.3.4.5 is not known" in told(builder)
    assert all(account.understood for account in accounts)
    assert to_values(builder.finish().table("Diagnosis").element("code"))[0].system == "urn:oid:1.2.3.4.5"


def _bomb(xml: bytes) -> bytes:
    entities = b"".join(b'<!ENTITY e%d "%s">' % (n, b"&e%d;" % (n - 1) * 10) for n in range(1, 12))
    head = b'<!DOCTYPE ClinicalDocument [<!ENTITY e0 "ha">' + entities + b"]>"
    start = xml.index(b"<ClinicalDocument")
    return xml[:start] + head + xml[start:].replace(b"QRDA Category I Report", b"&e11;")


def _external(xml: bytes) -> bytes:
    start = xml.index(b"<ClinicalDocument")
    head = b'<!DOCTYPE ClinicalDocument [<!ENTITY secret SYSTEM "file:///etc/hostname">]>'
    return xml[:start] + head + xml[start:].replace(b"QRDA Category I Report", b"&secret;")


def _deep(xml: bytes) -> bytes:
    depth = 1_000_000
    return xml.replace(b"</title>", b"</title>" + b"<a>" * depth + b"</a>" * depth, 1)


@pytest.mark.parametrize("attack", [_bomb, _external, _deep, lambda xml: xml[:400], lambda xml: b""])
def test_unsafe_documents_are_not_read(attack: Callable[[bytes], bytes]) -> None:
    builder, accounts = read(attack(written(full_patient())))
    assert builder.ids == [] and accounts == []
    assert "not read" in told(builder)


def test_wrong_values_are_told_and_null() -> None:
    xml = written(patient(element("Diagnosis", "d", [code("1")], authorDatetime="2026-03-01T09:00:00.000+00:00")))
    builder, _ = read(xml.replace(b"20260301090000.000+0000", b"20260301090"))
    assert "'20260301090' is no HL7 time" in told(builder)
