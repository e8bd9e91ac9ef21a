"""Values of QRDA Category I documents: times, and what other tools have elsewhere or write in another way."""

from __future__ import annotations

import pytest

from ecqm.columns import to_values
from ecqm.data.qdm import QdmCohortBuilder
from ecqm.data.qdm.qrda.problems import Unwritable
from ecqm.data.qdm.qrda.reader import add_document
from ecqm.data.qdm.qrda.times import hl7_time, iso_time
from tests.data.qdm.documents import RXNORM, read, told, written
from tests.data.qdm.patients import code, element, encounter, full_patient, patient


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


def test_principal_diagnoses_of_earlier_releases() -> None:
    """Up to R5.1 the principal diagnosis has a template of its own; QDM has it as a rank of 1 since 5.5."""
    xml = written(patient(encounter("e")))
    end = xml.index(b"</encounter>")
    system = b'codeSystem="2.16.840.1.113883.6.96"'
    earlier = b"""<entryRelationship typeCode="REFR"><observation classCode="OBS" moodCode="EVN">
      <templateId root="2.16.840.1.113883.10.20.24.3.152" extension="2017-08-01"/>
      <code code="8319008" %b/><value xsi:type="CD" code="10" %b/></observation></entryRelationship>""" % (
        system,
        system,
    )
    other = b"""<entryRelationship typeCode="REFR"><act classCode="ACT" moodCode="EVN">
      <templateId root="2.16.840.1.113883.10.20.22.4.80" extension="2015-08-01"/><code code="29308-4"/>
      <entryRelationship typeCode="SUBJ"><observation classCode="OBS" moodCode="EVN">
      <templateId root="2.16.840.1.113883.10.20.22.4.4" extension="2015-08-01"/><code code="29308-4"/>
      <value xsi:type="CD" code="%b" %b/></observation></entryRelationship></act></entryRelationship>"""
    ranks = {}
    for number, stated in enumerate(((b"20",), (b"20", b"10"))):
        document = xml[:end] + b"".join(other % (each, system) for each in stated) + earlier + xml[end:]
        builder, _ = read(document)
        assert not builder.problems, told(builder)
        (found,) = [e for e in builder.patients[0].dataElements if type(e).__name__ == "EncounterPerformed"]
        ranks[number] = [(each.code.code, each.rank) for each in found.diagnoses]
        older = QdmCohortBuilder(version="5.4")
        add_document(older, document, "document.xml")
        table = older.finish().table("EncounterPerformed")
        (principal,) = to_values(table.element("principalDiagnosis"))
        assert principal.code == "10"
        assert [each.code for each in to_values(table.element("diagnoses"))[0]] == [b.decode() for b in stated] + (
            ["10"] if number == 0 else []
        )
    assert ranks == {0: [("20", None), ("10", 1)], 1: [("20", None), ("10", 1)]}


def test_provider_characteristics_of_earlier_releases() -> None:
    older = QdmCohortBuilder(version="5.4")
    xml = written(patient(encounter("e")))
    end = xml.rindex(b"</entry>") + len(b"</entry>")
    entry = b"""<entry><observation classCode="OBS" moodCode="EVN">
      <templateId root="2.16.840.1.113883.10.20.24.3.114" extension="2017-08-01"/><id root="1.2.3" extension="c"/>
      <code code="ASSERTION" codeSystem="2.16.840.1.113883.5.4"/>
      <value xsi:type="CD" code="5" codeSystem="2.16.840.1.113883.6.96"/></observation></entry>"""
    document = xml[:end] + entry + xml[end:]
    add_document(older, document, "document.xml")
    assert [each.code for each in to_values(older.finish().table("ProviderCharacteristic").element("code"))] == ["5"]
    assert "ProviderCharacteristic is not a data type of QDM 5.6" in told(read(document)[0])
