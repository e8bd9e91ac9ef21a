"""Patients of QDM who are in several documents."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ecqm.columns import to_values
from ecqm.data.cohort.cohort import Cohort
from ecqm.data.qdm import QdmCohortBuilder, read_patients
from ecqm.data.qdm.patients import add_document
from tests.data.qdm.documents import written
from tests.data.qdm.patients import code, element, encounter, patient


def together(**documents: bytes) -> Cohort:
    """The patients of documents, by name with an underscore before the suffix."""
    builder = QdmCohortBuilder(by_id=True)
    for name, document in documents.items():
        add_document(builder, document, name.replace("_", "."))
    return builder.finish()


def ids(cohort: Cohort, data_type: str = "EncounterPerformed") -> list[tuple[int, str | None]]:
    table = cohort.table(data_type)
    return list(zip(table.patient.tolist(), table.ids.texts(), strict=True))


def test_elements_of_all_documents_belong_to_one_patient() -> None:
    cohort = together(
        a_json=patient(encounter("a")),
        b_json=patient(encounter("b"), identifier="p2"),
        c_json=patient(encounter("c"), encounter("d")),
    )
    assert cohort.ids == ("p1", "p2") and not cohort.problems
    assert ids(cohort) == [(0, "a"), (0, "c"), (0, "d"), (1, "b")]
    table = cohort.table("EncounterPerformed")
    assert [table.origin(row) for row in range(4)] == [("a.json", 0), ("c.json", 0), ("c.json", 1), ("b.json", 0)]
    assert cohort.table("Patient").origin(1) == ("b.json", None)


def test_what_several_documents_say_counts_once() -> None:
    """Documents are written for measures: an encounter that several of them need is in each."""
    cohort = together(
        a_json=patient(encounter("a", _id="1"), encounter("b")), c_json=patient(encounter("a", _id="2"), encounter("c"))
    )
    assert ids(cohort) == [(0, "a"), (0, "b"), (0, "c")]


def test_other_content_is_another_element() -> None:
    assert ids(together(a_json=patient(encounter("a", 1)), b_json=patient(encounter("a", 9)))) == [(0, "a"), (0, "a")]


def test_elements_without_ids_are_told_apart_by_their_document() -> None:
    def unnamed(**more: Any) -> dict[str, Any]:
        return {key: value for key, value in encounter("x", **more).items() if key != "id"}

    assert len(ids(together(a_json=patient(unnamed()), b_json=patient(unnamed())))) == 2
    # The name that a store gave it is the id of an element without its own.
    assert len(ids(together(a_json=patient(unnamed(_id="1")), b_json=patient(unnamed(_id="1"))))) == 1


def test_what_one_document_says_twice_stays_twice() -> None:
    assert len(ids(together(a_json=patient(encounter("a"), encounter("a"))))) == 2
    assert len(ids(together(a_json=patient(), b_json=patient(encounter("a"), encounter("a"))))) == 2


def test_characteristics_in_headers_count_once() -> None:
    """QRDA Category I, recordTarget: every document has the demographics of the patient."""
    sex = element("PatientCharacteristicSex", "s", [code("F", "2.16.840.1.113883.5.1")])
    cohort = together(a_xml=written(patient(sex, encounter("a"))), b_xml=written(patient(sex, encounter("b"))))
    assert cohort.ids == ("p1",)
    assert ids(cohort, "PatientCharacteristicSex") == [(0, None)]
    assert ids(cohort, "PatientCharacteristicBirthdate") == [(0, None)]
    assert ids(cohort) == [(0, "a"), (0, "b")]


def test_ids_of_other_authorities_are_those_of_other_patients() -> None:
    """CDA, II: an extension is unique in the namespace of its root."""
    xml = written(patient(encounter("a")))
    root = xml[xml.index(b"<patientRole>") :].split(b'root="')[1].split(b'"')[0]
    other = xml.replace(root, b"1.2.3.4", xml[: xml.index(b"<patientRole>")].count(root) + 1)
    cohort = together(a_xml=xml, b_xml=other, c_xml=xml)
    assert cohort.ids == ("p1", "p1") and ids(cohort) == [(0, "a"), (1, "a")]


def test_patients_without_an_id_are_several() -> None:
    nameless = json.dumps(json.loads(patient(encounter("a"))) | {"_id": None}).encode()
    assert together(a_json=nameless, b_json=nameless).n == 2


def test_a_birth_date_that_contradicts_another_is_told() -> None:
    first = patient(encounter("a")).replace(b"1960-05-06T00:00:00.000+00:00", b"1961-05-06T00:00:00.000+00:00")
    cohort = together(a_json=first, b_json=patient(encounter("b")))
    (problem,) = cohort.problems
    assert (problem.file, problem.patient) == ("b.json", "p1") and "1961-05-06" in problem.message
    assert to_values(cohort.table("Patient").element("birthDatetime"))[0].fields[:1] == (1961,)
    missing = patient(encounter("a")).replace(b'"1960-05-06T00:00:00.000+00:00"', b"null")
    cohort = together(a_json=missing, b_json=patient(encounter("b")))
    assert to_values(cohort.table("Patient").element("birthDatetime"))[0].fields[:1] == (1960,)
    assert not cohort.problems


def test_test_cases_stay_apart(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.json").write_bytes(patient(encounter(name)))
    assert read_patients([tmp_path]).ids == ("p1", "p1")
    assert read_patients([tmp_path], by_id=True).ids == ("p1",)
