"""Patients of QDM in JSON as cohorts."""

from __future__ import annotations

import json
import zipfile
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from ecqm.columns import to_values
from ecqm.data import DataError, Demand, ElementNotRead
from ecqm.data.cohort.cohort import Cohort
from ecqm.data.qdm import QdmCohortBuilder, qdm_schema, read_patients
from ecqm.data.qdm.binding import QdmDataTypes
from ecqm.data.qdm.patients import add_document, read_whole
from ecqm.types import NamedType
from ecqm.values import Code, DateTime, Interval, Quantity, Tuple
from tests.content import CONTENT
from tests.data.qdm.patients import code, element, encounter, full_patient, patient, period


def cohort_of(*documents: bytes, version: str = "5.6", demand: Demand | None = None) -> Cohort:
    builder = QdmCohortBuilder(demand or Demand(), version=version)
    for number, document in enumerate(documents):
        add_document(builder, document, f"patient{number}.json")
    return builder.finish()


def test_elements_are_columns_in_order_of_patients() -> None:
    cohort = cohort_of(patient(encounter("a", 1), encounter("b", 5)), patient(encounter("c", 9), identifier="p2"))
    table = cohort.table("EncounterPerformed")
    assert cohort.ids == ("p1", "p2")
    assert table.patient.tolist() == [0, 0, 1]
    assert to_values(table.element("id")) == ["a", "b", "c"]
    stay = to_values(table.element("relevantPeriod"))[0]
    assert stay == Interval(DateTime(2026, 3, 1, 8, 0, 0, 0, 0), DateTime(2026, 3, 2, 10, 30, 0, 0, 0))
    assert to_values(cohort.table("Patient").element("birthDatetime"))[0].fields[:3] == (1960, 5, 6)


def test_code_is_the_first_of_all_codes() -> None:
    document = patient(element("Diagnosis", "d", [code("111297002"), code("I63.9", "2.16.840.1.113883.6.90")]))
    table = cohort_of(document).table("Diagnosis")
    assert to_values(table.element("code")) == [Code("111297002", "http://snomed.info/sct")]
    assert [each.code for each in to_values(table.element("dataElementCodes"))[0]] == ["111297002", "I63.9"]


def test_results_have_the_type_of_what_they_hold() -> None:
    results = [
        {"value": 35.30, "unit": "%"}, code("Y"), 7, 1.5, "amber", "2026-01-02T03:04:05.000+00:00",
        {"numerator": {"value": 1}, "denominator": {"value": 2}},
    ]  # fmt: skip
    tests = [element("LaboratoryTestPerformed", str(n), [], result=r) for n, r in enumerate(results)]
    values = to_values(cohort_of(patient(*tests)).table("LaboratoryTestPerformed").element("result"))
    assert [type(value).__name__ for value in values] == [
        "Quantity", "Code", "int", "Decimal", "str", "DateTime", "Ratio",
    ]  # fmt: skip
    assert str(values[0].value) == "35.3"


def test_times_that_have_a_day_are_exact() -> None:
    texts = ["2026-03-01", "2026-03-01T09:05", "2026-03-01T09:05:12Z", "2026-03-01T09:05-0500", "2026-03"]
    given = [element("Diagnosis", "d", [code("1")], authorDatetime=text) for text in texts]
    values = to_values(cohort_of(patient(*given)).table("Diagnosis").element("authorDatetime"))
    assert [value.fields for value in values] == [
        (2026, 3, 1, 0, 0, 0, 0), (2026, 3, 1, 9, 5, 0, 0), (2026, 3, 1, 9, 5, 12, 0), (2026, 3, 1, 9, 5, 0, 0),
        (2026, 3),
    ]  # fmt: skip
    assert values[3].offset == -300


def test_whole_numbers_are_integers_however_they_are_written() -> None:
    """JSON does not tell 7 from 7.0: what logic asks for as Integer is found in either."""
    results = [element("AssessmentPerformed", "a", [code("1")], result=value) for value in (7, 7.0, 7.5)]
    refilled = element("MedicationDispensed", "m", [code("1")], refills=2.0)
    cohort = cohort_of(patient(*results, refilled))
    assert to_values(cohort.table("AssessmentPerformed").element("result")) == [7, 7, Decimal("7.5")]
    assert to_values(cohort.table("MedicationDispensed").element("refills")) == [2]
    huge = patient(element("AssessmentPerformed", "a", [code("1")], result=5)).replace(b"5}", b"1E999999999}")
    cohort_of(huge).table("AssessmentPerformed").settle()


def test_parts_are_records() -> None:
    table = cohort_of(full_patient()).table("EncounterPerformed")
    first, second = to_values(table.element("diagnoses"))[0]
    assert isinstance(first, Tuple) and first["rank"] == 1 and second.get("rank") is None
    actors = to_values(table.element("participant"))[0]
    assert [actor.type_name for actor in actors] == ["QDM.Practitioner", "QDM.Organization"]
    assert actors[0]["identifier"]["value"] == "1234567893"
    assert to_values(table.element("lengthOfStay")) == [Quantity(1, "days")]  # type: ignore[arg-type]


def test_what_is_not_demanded_is_not_read() -> None:
    demand = Demand.of(["PositiveEncounterPerformed"], ["relevantPeriod"])
    cohort = cohort_of(full_patient(), demand=demand)
    table = cohort.table("EncounterPerformed")
    assert len(table) == 1 and len(cohort.table("Patient")) == 1
    with pytest.raises(ElementNotRead, match="lengthOfStay"):
        table.element("lengthOfStay")
    with pytest.raises(LookupError, match="Diagnosis"):
        cohort.table("Diagnosis")


def test_older_versions_see_newer_data_in_their_own_form() -> None:
    """In QDM 5.3 diagnoses are codes, in 5.5 an actor is one and no list."""
    document = full_patient()
    diagnoses = to_values(cohort_of(document, version="5.3").table("EncounterPerformed").element("diagnoses"))[0]
    assert [diagnosis.code for diagnosis in diagnoses] == ["111297002", "38341003"]
    lone = encounter("e", participant={"_type": "QDM::PatientEntity", "id": "1"})
    assert to_values(cohort_of(patient(lone), version="5.5").table("EncounterPerformed").element("participant"))[0]
    assert len(to_values(cohort_of(patient(lone)).table("EncounterPerformed").element("participant"))[0]) == 1


def test_names_of_elements_in_all_their_forms() -> None:
    unnamed = encounter("x") | {"id": None, "_id": "store"}
    older = encounter("x") | {"id": {"value": "held", "namingSystem": None}}
    ids = cohort_of(patient(unnamed, older)).table("EncounterPerformed").ids
    assert ids.texts() == ["store", "held"]


def test_what_does_not_fit_is_told_and_the_rest_is_kept() -> None:
    wrong = encounter("e1", lengthOfStay="long")
    unknown = element("Astrology", "u", [])
    cohort = cohort_of(patient(wrong, unknown, encounter("e2", 4)))
    assert len(cohort.table("EncounterPerformed")) == 2
    told = [str(problem) for problem in cohort.problems]
    assert any("lengthOfStay: 'long'" in problem and "patient0.json:0" in problem for problem in told)
    assert any("Astrology is not a data type" in problem for problem in told)


def test_a_time_that_is_none_is_null_and_told() -> None:
    cohort = cohort_of(patient(element("Diagnosis", "d", [], authorDatetime="yesterday")))
    assert to_values(cohort.table("Diagnosis").element("authorDatetime")) == [None]
    assert "yesterday" in str(cohort.problems[0])


@pytest.mark.parametrize("document", [b"{", b"[1, 2]", b'{"a": 1}', b'"text"', b"[" * 100_000])
def test_what_is_no_patient_is_told(document: bytes) -> None:
    cohort = cohort_of(document, patient(encounter("e")))
    assert cohort.n == 1 and cohort.problems


def test_unbounded_intervals_are_not_null() -> None:
    table = cohort_of(patient(element("Diagnosis", "d", [], prevalencePeriod=period(None, None)))).table("Diagnosis")
    assert to_values(table.element("prevalencePeriod")) == [Interval(None, None)]


def test_files_lines_arrays_and_archives(tmp_path: Path) -> None:
    one, two = patient(encounter("a")), patient(encounter("b"), identifier="p2")
    (tmp_path / "one.json").write_bytes(one)
    (tmp_path / "more.ndjson").write_bytes(one + b"\n" + two + b"\n")
    (tmp_path / "array.json").write_bytes(b"[" + one + b"," + two + b"]")
    with zipfile.ZipFile(tmp_path / "packed.zip", "w") as archive:
        archive.writestr("deep/two.json", two)
    cohort = read_patients([tmp_path])
    assert cohort.ids == ("p1", "p2", "p1", "p2", "p1", "p2")
    assert not cohort.problems
    with pytest.raises(DataError):
        read_patients([tmp_path / "none"])


def test_an_archive_that_cannot_be_read_does_not_keep_others_from_it(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(patient(encounter("a")))
    (tmp_path / "broken.zip").write_bytes(b"PK\3\4 and then nothing")
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.json", b"[" * (32 << 20))
    cohort = read_patients([tmp_path])
    assert cohort.ids == ("p1",)
    assert ["bomb.zip" in cohort.problems[0].file, "broken.zip" in cohort.problems[1].file] == [True, True]
    assert "200 times its packed size" in cohort.problems[0].message


@pytest.mark.parametrize(
    "document",
    [
        b'{"dataElements": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"dataElements": [{"_type": "\xff"}]}',
        "{}".encode("utf-16"),
        b'{"qdmPatient": "nobody"}',
        b'{"dataElements": "none"}',
        b"null",
    ],
)
def test_wrong_documents_are_told_of_as_whole(document: bytes) -> None:
    builder, patients = read_whole(document, "x.json")
    assert not patients and builder.problems


def test_nothing_among_the_values_of_a_list_is_left_out() -> None:
    stay = element("EncounterPerformed", "e", [None, code("1"), None], facilityLocations=[None])  # type: ignore[list-item]
    _, (read,) = read_whole(patient(stay), "x.json")
    (kept,) = read.dataElements
    assert [each.code for each in kept.dataElementCodes] == ["1"]
    assert kept.facilityLocations == []


def test_negation_divides_the_elements_of_a_type() -> None:
    done = element("DeviceOrder", "1", [])
    refused = element("DeviceOrder", "2", [], negationRationale=code("105480006"))
    nothing = element("DeviceOrder", "3", [], negationRationale=code(None))  # type: ignore[arg-type]
    table = cohort_of(patient(done, refused, nothing)).table("DeviceOrder")
    binding = QdmDataTypes(qdm_schema("5.6"))

    def taken(name: str) -> list[bool]:
        return list(binding.matching(table, NamedType("QDM", name), None, np.arange(len(table))))

    assert binding.instances(NamedType("QDM", "NegativeDeviceOrder")) == NamedType("QDM", "DeviceOrder")
    assert taken("PositiveDeviceOrder") == [True, False, True]
    assert taken("NegativeDeviceOrder") == [False, True, False]
    assert taken("DeviceOrder") == [True, True, True]


@pytest.mark.skipif(not (CONTENT / "qdm").is_dir(), reason="QDM content is not at hand")
def test_all_published_patients_are_read() -> None:
    cohort = read_patients([CONTENT / "qdm" / name / "patients" for name in ("cqm-execution", "bonnie-js")])
    cohort.settle()
    assert cohort.n == len(list((CONTENT / "qdm").glob("*/patients/*/*.json")))
    assert json.dumps([str(problem) for problem in cohort.problems]).count("no QDM patient") == 0
