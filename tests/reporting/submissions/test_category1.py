"""QRDA Category I documents are what CDA's schema and HL7's Schematron ask, whatever the data tell."""

from __future__ import annotations

from datetime import UTC, datetime

from ecqm.data.qdm.equality import differences
from ecqm.data.qdm.patients import read_whole
from ecqm.data.qdm.qrda.templates import TEMPLATES
from ecqm.data.qdm.schema import qdm_schema
from ecqm.reporting.submissions.category1 import write_qrda1
from tests.data.qdm.patients import code, element, encounter, full_patient, patient, period
from tests.reporting.submissions.category1_rules import RULES
from tests.reporting.submissions.category3_rules import violations

NOW = datetime(2026, 4, 2, tzinfo=UTC)
MOMENT = "2026-03-01T09:00:00.000+00:00"


def written(data: bytes) -> bytes:
    (one,) = read_whole(data, "patient.json")[1]
    return write_qrda1(one, now=NOW).xml


def bare_patient() -> bytes:
    """A patient with an entry of every template that has a code and nothing else."""
    data_types = [each.data_types[0] for each in TEMPLATES if each.data_types[0] in qdm_schema().data_types]
    return patient(*(element(data_type, f"e{number}", [code("1")]) for number, data_type in enumerate(data_types)))


def test_a_full_patient_is_written_by_the_rules() -> None:
    assert violations(written(full_patient()), *RULES) == []


def test_what_the_data_do_not_tell_is_written_as_unknown() -> None:
    assert violations(written(bare_patient()), *RULES) == []


def test_what_is_written_as_unknown_is_read_as_nothing() -> None:
    (before,) = read_whole(bare_patient(), "patient.json")[1]
    builder, (after,) = read_whole(written(bare_patient()), "patient.xml")
    assert not builder.problems
    assert differences(before, after) == []


def test_statements_of_one_kind_have_relationships_of_their_own() -> None:
    """CDA schema: an entryRelationship holds one statement."""
    diagnosis = {
        "_type": "QDM::DiagnosisComponent", "code": code("111297002"), "rank": 1,
        "presentOnAdmissionIndicator": code("Y", "2.16.840.1.113883.6.301.11"),
    }  # fmt: skip
    xml = written(patient(encounter("e", diagnoses=[diagnosis])))
    assert violations(xml, *RULES) == []
    (after,) = read_whole(xml, "patient.xml")[1]
    (read,) = next(each for each in after.dataElements if type(each).__name__ == "EncounterPerformed").diagnoses
    assert (read.rank, read.presentOnAdmissionIndicator.code) == (1, "Y")


def test_an_entry_has_one_time() -> None:
    """Conformance 4444-29438: a time is a value or has a low, not both."""
    both = patient(
        element("ProcedurePerformed", "p", [code("1")], relevantDatetime=MOMENT, relevantPeriod=period(MOMENT, MOMENT))
    )
    (one,) = read_whole(both, "patient.json")[1]
    document = write_qrda1(one, now=NOW)
    assert violations(document.xml, *RULES) == []
    assert ["relevantPeriod" in problem for problem in document.problems] == [True]


def test_what_has_no_place_leaves_nothing_behind() -> None:
    odd = patient(element("MedicationActive", "m", [code("1")], frequency=code("2")))
    (one,) = read_whole(odd, "patient.json")[1]
    document = write_qrda1(one, now=NOW)
    assert violations(document.xml, *RULES) == []
    assert ["frequency 2" in problem for problem in document.problems] == [True]


def test_a_data_type_of_another_version_is_told() -> None:
    (one,) = read_whole(patient(element("DeviceApplied", "d", [code("1")]), version="5.6"), "patient.json")[1]
    assert write_qrda1(one, now=NOW).problems == ("DeviceApplied: the patient's version of QDM does not have it",)
