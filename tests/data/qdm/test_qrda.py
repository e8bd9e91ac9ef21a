"""QRDA Category I documents: patients read back equal, and published documents are understood."""

from __future__ import annotations

import pytest

from ecqm.data.qdm.equality import differences
from ecqm.data.qdm.patients import read_whole, to_json
from ecqm.data.qdm.qrda.templates import TEMPLATES, by_data_type
from ecqm.data.qdm.schema import qdm_schema
from ecqm.reporting.submissions.category1 import MeasureReference, write_qrda1
from ecqm.terminology import VALUE_SETS
from tests.content import CONTENT
from tests.data.qdm.documents import NOW, read, written
from tests.data.qdm.patients import code, element, encounter, full_patient, patient


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
    schemas = [qdm_schema(version) for version in ("5.4", "5.5", "5.6")]
    for template in TEMPLATES:
        known = {name for data_type in template.data_types for each in schemas for name in each.attributes(data_type)}
        assert template.attributes - {"negationRationale", "reason"} <= known, template.data_types
        assert all(by_data_type(data_type) is template for data_type in template.data_types)


def test_every_data_type_has_a_template() -> None:
    in_the_header = {f"PatientCharacteristic{kind}" for kind in ("Birthdate", "Sex", "Race", "Ethnicity")}
    without = {name for name in qdm_schema().data_types if by_data_type(name) is None}
    assert without == in_the_header


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
