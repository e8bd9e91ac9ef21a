"""QRDA Category I documents: what they hold, what is told of them, and what is not read at all."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from ecqm.columns import to_values
from ecqm.data.qdm import QdmCohortBuilder
from ecqm.data.qdm.equality import differences
from ecqm.data.qdm.patients import read_whole, to_json
from ecqm.data.qdm.qrda.datatypes import Unwritable, hl7_time, iso_time
from ecqm.data.qdm.qrda.reader import Account, add_document
from ecqm.data.qdm.qrda.templates import TEMPLATES, by_data_type
from ecqm.data.qdm.schema import qdm_schema
from ecqm.reporting.submissions.category1 import MeasureReference, write_qrda1
from ecqm.terminology import VALUE_SETS
from tests.content import CONTENT
from tests.data.qdm.patients import code, element, encounter, full_patient, patient

RXNORM = "2.16.840.1.113883.6.88"
NOW = datetime(2026, 4, 2, 9, 10, tzinfo=UTC)


def written(document: bytes) -> bytes:
    builder, (first,) = read_whole(document, "patient.json")
    assert not builder.problems
    made = write_qrda1(first, now=NOW)
    assert not made.problems
    return made.xml


def read(xml: bytes) -> tuple[QdmCohortBuilder, list[Account]]:
    builder = QdmCohortBuilder()
    return builder, add_document(builder, xml, "document.xml")


def told(builder: QdmCohortBuilder) -> str:
    return "\n".join(map(str, builder.problems))


# -- the round trip ---------------------------------------------------------------------------------------------------


def test_a_patient_reads_back_equal() -> None:
    before = read_whole(full_patient(), "patient.json")[1][0]
    builder, (after,) = read_whole(written(full_patient()), "patient.xml")
    assert differences(before, after) == []
    assert not builder.problems
    assert (after.id, after.familyName, after.givenNames) == ("p1", "Doe", ["Jo"])
    again = read_whole(to_json(after), "patient.json")[1][0]
    assert differences(after, again) == []


def test_a_difference_is_found() -> None:
    before = read_whole(full_patient(), "patient.json")[1][0]
    after = read_whole(full_patient().replace(b"121.5", b"121.6"), "patient.json")[1][0]
    assert len(differences(before, after)) == 1
    assert "result" in differences(before, after)[0]
    fewer = read_whole(patient(), "patient.json")[1][0]
    assert len(differences(before, fewer)) == len(before.dataElements)


def test_the_same_patient_gives_the_same_document() -> None:
    assert written(full_patient()) == written(full_patient())


def test_documents_name_their_measures_and_period() -> None:
    first = read_whole(full_patient(), "patient.json")[1][0]
    measures = [MeasureReference("31f02a2d-aed4-4f19-ac57-6fec60db6232", "VTE")]
    xml = write_qrda1(first, measures, ("2026-01-01", "2026-12-31"), NOW).xml
    assert b'extension="31f02a2d-aed4-4f19-ac57-6fec60db6232"' in xml and b'value="20261231"' in xml
    assert [account.meaning for account in read(xml)[1]][:2] == ["measure reference", "reporting parameters"]


def test_what_has_no_place_is_told() -> None:
    stay = {"value": 9, "unit": "d"}
    lost = patient(
        encounter("e", lengthOfStay=stay), element("AdverseEvent", "a", [code("1", "http://example.org/unknown")])
    )
    first = read_whole(lost, "patient.json")[1][0]
    problems = write_qrda1(first).problems
    assert any("lengthOfStay" in problem for problem in problems)
    assert any("http://example.org/unknown" in problem for problem in problems)


def test_substances_are_written_as_medications_which_is_told() -> None:
    given = patient(element("SubstanceAdministered", "s", [code("226355009")]))
    first = read_whole(given, "patient.json")[1][0]
    made = write_qrda1(first)
    assert ["one template for it and MedicationAdministered" in problem for problem in made.problems] == [True]
    assert type(read(made.xml)[0].patients[0].dataElements[-1]).__name__ == "MedicationAdministered"


def test_every_attribute_of_a_template_is_one_of_its_data_type() -> None:
    schemas = [qdm_schema(version) for version in ("5.5", "5.6")]
    for template in TEMPLATES:
        known = {name for data_type in template.data_types for each in schemas for name in each.attributes(data_type)}
        assert template.attributes - {"negationRationale", "reason"} <= known, template.data_types
        assert all(by_data_type(data_type) is template for data_type in template.data_types)


def test_every_data_type_has_a_template() -> None:
    in_the_header = {f"PatientCharacteristic{kind}" for kind in ("Birthdate", "Sex", "Race", "Ethnicity")}
    without = {name for name in qdm_schema().data_types if by_data_type(name) is None}
    assert without == in_the_header


# -- times ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hl7", "iso"),
    [
        ("2026", "2026"),
        ("202602", "2026-02"),
        ("20260201", "2026-02-01"),
        ("202602011030", "2026-02-01T10:30"),
        ("20260201103059-0500", "2026-02-01T10:30:59-05:00"),
        ("20260201103059.123+0000", "2026-02-01T10:30:59.123+00:00"),
    ],
)
def test_times_keep_their_precision(hl7: str, iso: str) -> None:
    assert iso_time(hl7) == iso
    assert hl7_time(iso) == hl7


def test_times_without_offset_get_that_of_the_reader() -> None:
    builder = QdmCohortBuilder(default_offset=-300)
    add_document(builder, written(full_patient()).replace(b"20260301090000.000+0000", b"202603010900"), "d.xml")
    value = to_values(builder.finish().table("Diagnosis").element("authorDatetime"))[0]
    assert (value.offset, value.precision) == (-300, "millisecond")
    with pytest.raises(Unwritable):
        hl7_time("soon")


@pytest.mark.parametrize(
    ("hl7", "time"),
    [
        ("20260301", "2026-03-01T00:00:00.000"),
        ("202603010905", "2026-03-01T09:05:00.000"),
        ("20260301090512-0500", "2026-03-01T09:05:12.000-05:00"),
        ("20260301090512.5", "2026-03-01T09:05:12.500"),
        ("202603", "2026-03"),
    ],
)
def test_what_is_not_written_of_a_time_of_day_is_zero(hl7: str, time: str) -> None:
    at = "2026-03-01T09:00:00.000+00:00"
    xml = written(patient(element("Diagnosis", "d", [code("1")], authorDatetime=at)))
    told = read(xml.replace(b"20260301090000.000+0000", hl7.encode()))[0].patients[0].dataElements[-1]
    assert told.authorDatetime == time


# -- what documents of other tools have elsewhere --------------------------------------------------------------------


@pytest.mark.parametrize(
    "point", [b'<effectiveTime value="20260301"/>', b'<effectiveTime><center value="20260301"/></effectiveTime>']
)
def test_a_period_told_as_a_point_in_time(point: bytes) -> None:
    xml = written(patient(encounter("e")))
    start, end = xml.rindex(b"<effectiveTime>"), xml.rindex(b"</effectiveTime>") + len(b"</effectiveTime>")
    stay = read(xml[:start] + point + xml[end:])[0].patients[0].dataElements[-1]
    assert type(stay).__name__ == "EncounterPerformed"
    assert stay.relevantPeriod.low == stay.relevantPeriod.high == "2026-03-01T00:00:00.000"


def test_a_moment_is_no_period_too() -> None:
    at = "2026-03-01T09:00:00.000+00:00"
    xml = written(patient(element("ProcedurePerformed", "p", [code("1")], relevantDatetime=at)))
    procedure = read(xml)[0].patients[0].dataElements[-1]
    assert procedure.relevantDatetime == at and procedure.relevantPeriod is None


def test_an_entry_that_is_repeated_is_read_once() -> None:
    xml = written(patient(encounter("e")))
    start, end = xml.rindex(b"<entry "), xml.rindex(b"</entry>") + len(b"</entry>")
    entry = xml[start:end]
    builder, accounts = read(xml[:end] + entry + entry.replace(b'extension="e"', b'extension="f"') + xml[end:])
    assert [each.id for each in builder.patients[0].dataElements if type(each).__name__ == "EncounterPerformed"] == [
        "e",
        "f",
    ]
    assert [account.meaning for account in accounts].count("EncounterPerformed") == 3
    other = entry.replace(b"183452005", b"4525004")
    assert other != entry
    assert len(read(xml[:end] + other + xml[end:])[0].finish().table("EncounterPerformed")) == 2


def test_refills_and_supplies_where_other_tools_have_them() -> None:
    dispensed = element("MedicationDispensed", "m", [code("1", RXNORM)], refills=3, route=code("26643006"))
    xml = written(patient(dispensed))
    repeat = b'<repeatNumber value="3"/>'
    moved = xml.replace(repeat, b"").replace(b"<routeCode", repeat + b"<routeCode")
    assert moved != xml and read(moved)[0].patients[0].dataElements[-1].refills == 3
    discharged = element("MedicationDischarge", "m", [code("1", RXNORM)], daysSupplied=30)
    xml = written(patient(discharged))
    start = xml.index(b"<entryRelationship", xml.index(b"<substanceAdministration"))
    end = xml.index(b"</substanceAdministration>")
    supply = xml[start:end]
    outer = xml.index(b"</entryRelationship>", end) + len(b"</entryRelationship>")
    moved = xml[:start] + xml[end:outer] + supply + xml[outer:]
    builder, _ = read(moved)
    assert builder.patients[0].dataElements[-1].daysSupplied == 30 and not builder.problems


def test_numbers_without_a_unit() -> None:
    """QDM has scores as Integer or Decimal; documents write them as PQ too."""
    values = []
    for unit in (b"", b' unit="1"', b' unit="g"'):
        xml = written(patient(element("AssessmentPerformed", "a", [code("1")], result=7)))
        pq = xml.replace(b'xsi:type="INT" value="7"', b'xsi:type="PQ" value="7"' + unit)
        assert pq != xml
        values += to_values(read(pq)[0].finish().table("AssessmentPerformed").element("result"))
    assert values[:2] == [7, 7] and str(values[2].unit) == "g"


@pytest.mark.parametrize("number", [b"1E999999999", b"Infinity", b"many"])
def test_numbers_that_no_integer_can_be(number: bytes) -> None:
    xml = written(patient(element("MedicationDispensed", "m", [code("1", RXNORM)], refills=3)))
    builder, _ = read(xml.replace(b'<repeatNumber value="3"/>', b'<repeatNumber value="' + number + b'"/>'))
    assert builder.patients[0].dataElements[-1].refills is None and "is not an integer" in told(builder)
    scored = written(patient(element("AssessmentPerformed", "a", [code("1")], result=7)))
    odd = scored.replace(b'xsi:type="INT" value="7"', b'xsi:type="PQ" value="' + number + b'"')
    read(odd)[0].finish().settle()


def test_devices_applied_of_earlier_releases() -> None:
    older = QdmCohortBuilder(version="5.5")
    order = element("DeviceOrder", "d", [code("1")])
    entry = written(patient(order))
    start, end = entry.rindex(b"<entry "), entry.rindex(b"</entry>") + len(b"</entry>")
    applied = b"""<entry><procedure classCode="PROC" moodCode="EVN">
      <templateId root="2.16.840.1.113883.10.20.22.4.14" extension="2014-06-09"/>
      <templateId root="2.16.840.1.113883.10.20.24.3.7" extension="2019-12-01"/><id root="1.2.3" extension="d"/>
      <code code="360030002" codeSystem="2.16.840.1.113883.6.96"/><statusCode code="completed"/>
      <effectiveTime value="20260301"/>
      <participant typeCode="DEV"><participantRole classCode="MANU"><playingDevice classCode="DEV">
        <code code="442023007" codeSystem="2.16.840.1.113883.6.96"/></playingDevice></participantRole></participant>
      </procedure></entry>"""
    xml = entry[:start] + applied + entry[end:]
    add_document(older, xml, "document.xml")
    cohort = older.finish()
    assert [each.code for each in to_values(cohort.table("DeviceApplied").element("code"))] == ["442023007"]
    newer, accounts = read(xml)
    assert "DeviceApplied is not a data type of QDM 5.6: left out" in told(newer) and not accounts[-1].understood


# -- negation ---------------------------------------------------------------------------------------------------------


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


# -- documents that are wrong -----------------------------------------------------------------------------------------


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


# -- published documents ----------------------------------------------------------------------------------------------

SAMPLES = sorted((CONTENT / "qrda" / "cat1").glob("*.xml")) if (CONTENT / "qrda" / "cat1").is_dir() else []


@pytest.mark.skipif(not SAMPLES, reason="QRDA samples are not at hand")
def test_every_entry_of_the_samples_is_accounted_for() -> None:
    for path in SAMPLES:
        builder, accounts = read(path.read_bytes())
        assert accounts and all(account.understood for account in accounts), path.name
        # The one finding: a time of nine digits in the two large samples.
        assert all("is no HL7 time" in str(problem) for problem in builder.problems), path.name
        builder.finish().settle()


@pytest.mark.skipif(not SAMPLES, reason="QRDA samples are not at hand")
def test_the_large_sample_of_2026() -> None:
    path = next(path for path in SAMPLES if path.name == "2026-CMS-QRDA-I-v1.0-Sample-File.xml")
    builder, accounts = read(path.read_bytes())
    assert len(accounts) == 55
    elements = builder.patients[0].dataElements
    assert sum(getattr(each, "negationRationale", None) is not None for each in elements) == 4
    assert sum(any(c.system == VALUE_SETS for c in each.dataElementCodes) for each in elements) == 2
    encounter_ = next(each for each in elements if type(each).__name__ == "EncounterPerformed")
    assert encounter_.diagnoses[0].rank == 1 and encounter_.diagnoses[0].presentOnAdmissionIndicator.code == "Y"
    assert encounter_.lengthOfStay.value == 3
