"""Readers: bundles, folders of resources, NDJSON, decks; whose a resource is; and data that are wrong."""

from __future__ import annotations

import gzip
import json
import os
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from ecqm.columns import ChoiceColumn, RecordColumn, ResourceColumn
from ecqm.data import EVERYTHING, Cohort, DataError, Demand, read_cases, read_files
from ecqm.data.files.content import read_bytes
from tests.data.resources import bundle, coded, encounter, observation, patient, write


def messages(cohort: Cohort) -> list[str]:
    return [problem.message for problem in cohort.problems]


def ids(cohort: Cohort, resource_type: str) -> list[str | None]:
    return cohort.table(resource_type).ids.texts()


class TestCases:
    def test_resources_and_bundle_are_one_patient(self, tmp_path: Path) -> None:
        write(tmp_path / "c1" / "all.json", bundle(patient(), encounter("e1"), encounter("e2", of="someone else")))
        write(tmp_path / "c1" / "Encounter-e1.json", encounter("e1"))
        write(tmp_path / "c1" / "deeper" / "Encounter-e3.json", encounter("e3"))
        write(tmp_path / "c1" / "MeasureReport-r.json", {"resourceType": "MeasureReport", "id": "r"})
        cohort = read_cases([tmp_path / "c1"])
        assert cohort.n == 1
        assert ids(cohort, "Encounter") == ["e1", "e2", "e3"]
        assert not len(cohort.table("MeasureReport"))
        assert not cohort.problems

    def test_each_case_is_a_patient_row(self, tmp_path: Path) -> None:
        for name, birth in (("a", "1950-01-01"), ("b", "1960-01-01"), ("c", "1970-01-01")):
            write(tmp_path / name / "bundle.json", bundle(patient("same", birthDate=birth), encounter("e1", "same")))
        cohort = read_cases(sorted(tmp_path.glob("*/")))
        assert cohort.ids == ("same", "same", "same")
        assert cohort.table("Encounter").patient.tolist() == [0, 1, 2]
        assert cohort.table("Encounter").offsets.tolist() == [0, 1, 2, 3]

    def test_one_id_with_different_contents_is_kept_and_reported(self, tmp_path: Path) -> None:
        one, other = encounter("e1"), encounter("e1", status="planned")
        write(tmp_path / "c" / "all.json", bundle(patient(), one, other, one))
        cohort = read_cases([tmp_path / "c"])
        assert ids(cohort, "Encounter") == ["e1", "e1"]
        assert messages(cohort) == ["duplicate: another resource of this patient has its id"]

    def test_a_second_patient_does_not_count(self, tmp_path: Path) -> None:
        write(tmp_path / "c" / "all.json", bundle(patient("p1"), patient("p2")))
        cohort = read_cases([tmp_path / "c"])
        assert len(cohort.table("Patient")) == 1
        assert messages(cohort) == ["duplicate: a second Patient"]

    def test_the_order_of_keys_makes_no_difference(self, tmp_path: Path) -> None:
        one = encounter("e1")
        write(tmp_path / "c" / "1.json", bundle(patient(), one))
        write(tmp_path / "c" / "2.json", json.dumps(dict(reversed(one.items())), indent=4).encode())
        cohort = read_cases([tmp_path / "c"])
        assert ids(cohort, "Encounter") == ["e1"]
        assert not cohort.problems

    def test_resources_without_ids_are_told_apart_by_content(self, tmp_path: Path) -> None:
        one = {"resourceType": "Encounter", "status": "finished"}
        write(tmp_path / "c" / "all.json", bundle(patient(), one, one, {**one, "status": "planned"}))
        cohort = read_cases([tmp_path / "c"])
        assert len(cohort.table("Encounter")) == 2
        assert not cohort.problems

    def test_a_patient_with_none_of_the_needed_data(self, tmp_path: Path) -> None:
        write(tmp_path / "c" / "all.json", bundle(patient(), encounter("e1")))
        cohort = read_cases([tmp_path / "c"], Demand.of(["Condition"], ["code"]))
        assert cohort.n == 1
        assert not len(cohort.table("Condition"))
        assert messages(cohort) == ["no resources that the measures need"]


class TestBundles:
    def test_nested_and_typed_bundles(self, tmp_path: Path) -> None:
        inner = bundle(encounter("e1"), type_="searchset")
        cohort = read_files([write(tmp_path / "b.json", bundle(patient(), inner, type_="transaction"))])
        assert ids(cohort, "Encounter") == ["e1"]

    def test_several_patients_in_one_bundle(self, tmp_path: Path) -> None:
        together = bundle(encounter("e2", "b"), patient("a"), patient("b"), encounter("e1", "a"), encounter("e3", "b"))
        cohort = read_files([write(tmp_path / "b.json", together)])
        assert cohort.ids == ("a", "b")
        assert ids(cohort, "Encounter") == ["e1", "e2", "e3"]
        assert cohort.table("Encounter").patient.tolist() == [0, 1, 1]

    def test_pages_of_one_patient(self, tmp_path: Path) -> None:
        write(tmp_path / "1.json", bundle(encounter("e1")))
        write(tmp_path / "2.json", bundle(patient(), encounter("e2")))
        cohort = read_files([tmp_path])
        assert cohort.n == 1
        assert sorted(map(str, ids(cohort, "Encounter"))) == ["e1", "e2"]

    def test_urns(self, tmp_path: Path) -> None:
        urns = ["urn:uuid:1", "urn:uuid:2", "urn:uuid:3", "urn:uuid:4"]
        me = {"reference": "urn:uuid:1"}
        visit = {"resourceType": "Encounter", "subject": me}
        found = {"resourceType": "Observation", "subject": me, "encounter": {"reference": "urn:uuid:2"}}
        stranger = {"resourceType": "Patient"}
        path = write(tmp_path / "b.json", bundle({"resourceType": "Patient"}, visit, found, stranger, urls=urns))
        cohort = read_files([path])
        assert cohort.n == 2
        table = cohort.table("Observation")
        assert table.patient.tolist() == [0]
        rows = cohort.resolve(table.element("encounter"), table.patient, "Encounter")
        assert rows.tolist() == [0]


class TestNdjson:
    def lines(self, folder: Path) -> Path:
        write(folder / "Encounter.ndjson", encounter("e1", "b"), encounter("e2", "a"), encounter("e3", "b"))
        write(folder / "Patient.ndjson", patient("a"), patient("b"))
        return folder

    def test_patients_by_reference(self, tmp_path: Path) -> None:
        cohort = read_files([self.lines(tmp_path)])
        assert cohort.ids == ("a", "b")
        assert ids(cohort, "Encounter") == ["e2", "e1", "e3"]
        assert cohort.table("Encounter").offsets.tolist() == [0, 1, 3]
        assert cohort.table("Encounter").origin(1).entry == 1

    @pytest.mark.parametrize("codec", ["gzip", "zstd"])
    def test_compressed(self, tmp_path: Path, codec: str) -> None:
        for path in list(self.lines(tmp_path).iterdir()):
            content = path.read_bytes()
            path.unlink()
            if codec == "gzip":
                path.with_name(path.name + ".gz").write_bytes(gzip.compress(content))
            else:
                packed = pa.Codec("zstd").compress(content, asbytes=True)
                path.with_name(path.name + ".zst").write_bytes(packed)
        assert len(read_files([tmp_path]).table("Encounter")) == 3

    def test_other_elements_of_the_compartment(self, tmp_path: Path) -> None:
        me = {"reference": "https://example.org/fhir/Patient/a/_history/3"}
        write(tmp_path / "Patient.ndjson", patient("a"))
        write(tmp_path / "Coverage.ndjson", {"resourceType": "Coverage", "id": "c", "beneficiary": me})
        write(tmp_path / "Task.ndjson", {"resourceType": "Task", "id": "t", "for": me})
        write(tmp_path / "Immunization.ndjson", {"resourceType": "Immunization", "id": "i", "patient": me})
        write(tmp_path / "Account.ndjson", {"resourceType": "Account", "id": "n", "subject": [me]})
        cohort = read_files([tmp_path])
        assert all(len(cohort.table(name)) == 1 for name in ("Coverage", "Task", "Immunization", "Account"))

    def test_participants(self, tmp_path: Path) -> None:
        def appointment(id_: str, *names: str) -> dict[str, object]:
            return {
                "resourceType": "Appointment",
                "id": id_,
                "participant": [{"actor": {"reference": name}} for name in names],
            }

        write(tmp_path / "Patient.ndjson", patient("a"), patient("b"), patient("c"))
        appointments = [
            appointment("1", "Practitioner/x", "Patient/b"),
            appointment("2", "Patient/b", "Patient/a", "Patient/nobody"),
            appointment("3", "Practitioner/x"),
        ]
        write(tmp_path / "Appointment.ndjson", *appointments)
        write(tmp_path / "Practitioner.ndjson", {"resourceType": "Practitioner", "id": "x"})
        cohort = read_files([tmp_path])
        table = cohort.table("Appointment")
        assert list(zip(table.patient.tolist(), table.ids.texts(), strict=True)) == [(0, "2"), (1, "1"), (1, "2")]
        assert cohort.table("Practitioner").patient.tolist() == [1]
        assert [(each.patient, each.resource, each.entry) for each in cohort.problems] == [
            ("nobody", "Appointment/2", 2)
        ]

    def test_participants_in_bundles(self, tmp_path: Path) -> None:
        urns = ["urn:uuid:1", "urn:uuid:2", "urn:uuid:3"]
        members = [{"entity": {"reference": urn}} for urn in (*urns[:2], "urn:uuid:4")]
        record = [patient("a"), {"resourceType": "Patient"}, {"resourceType": "Group", "id": "g", "member": members}]
        cohort = read_files([write(tmp_path / "b.json", bundle(*record, urls=urns))])
        assert cohort.table("Group").patient.tolist() == [0, 1]
        assert not cohort.problems

    def test_shared_resources_have_a_row_per_patient(self, tmp_path: Path) -> None:
        def order(id_: str, of: str) -> dict[str, object]:
            medication = {"reference": "Medication/m1"}
            me = {"reference": f"Patient/{of}"}
            return {"resourceType": "MedicationRequest", "id": id_, "subject": me, "medicationReference": medication}

        made_by = {"reference": "Organization/o1"}
        write(tmp_path / "Patient.ndjson", patient("a"), patient("b"), patient("c"))
        write(tmp_path / "MedicationRequest.ndjson", order("r1", "a"), order("r2", "b"), order("r3", "b"))
        write(tmp_path / "Medication.ndjson", {"resourceType": "Medication", "id": "m1", "manufacturer": made_by})
        write(tmp_path / "Organization.ndjson", {"resourceType": "Organization", "id": "o1"})
        cohort = read_files([tmp_path])
        assert cohort.table("Medication").patient.tolist() == [0, 1]
        assert cohort.table("Organization").patient.tolist() == [0, 1]
        requests = cohort.table("MedicationRequest")
        rows = cohort.resolve(requests.element("medication"), requests.patient, "Medication")
        assert rows.tolist() == [0, 1, 1]

    def test_files_of_unwanted_types_are_not_opened(self, tmp_path: Path) -> None:
        self.lines(tmp_path)
        write(tmp_path / "Claim-000.ndjson", b"this is not JSON")
        assert not read_files([tmp_path], Demand.of(["Encounter"], None)).problems

    def test_bad_lines_are_named(self, tmp_path: Path) -> None:
        write(tmp_path / "Patient.ndjson", patient("a"))
        lost = encounter("e2", "nobody")
        bad = {**encounter("e4", "a"), "status": 7}
        odd = {"resourceType": "Ecounter"}
        path = write(
            tmp_path / "Encounter.ndjson", encounter("e1", "a"), lost, b"", b"{]", bad, odd, b"[]", encounter("e7", "a")
        )
        cohort = read_files([tmp_path])
        assert ids(cohort, "Encounter") == ["e1", "e7"]
        assert sorted((p.file, p.entry) for p in cohort.problems) == [(str(path), line) for line in (2, 4, 5, 6, 7)]
        assert {p.resource for p in cohort.problems} >= {"Encounter/e2", "Encounter/e4"}


class TestReferences:
    def test_resolution_stays_within_the_patient(self, tmp_path: Path) -> None:
        refers = {"reference": "Encounter/e1"}
        for name in ("a", "b"):
            write(tmp_path / name / "b.json", bundle(patient(), encounter("e1"), observation("o", encounter=refers)))
        write(tmp_path / "c" / "b.json", bundle(patient(), observation("o", encounter=refers), observation("n")))
        cohort = read_cases(sorted(tmp_path.glob("*/")))
        table = cohort.table("Observation")
        column = table.element("encounter")
        assert cohort.resolve(column, table.patient, "Encounter").tolist() == [0, 1, -1, -1]
        assert cohort.resolve(column, table.patient, "Condition").tolist() == [-1] * 4

    def test_dangling(self, tmp_path: Path) -> None:
        cohort = read_files(
            [write(tmp_path / "b.json", bundle(patient(), observation("o", encounter={"reference": "Encounter/none"})))]
        )
        table = cohort.table("Observation")
        assert cohort.resolve(table.element("encounter"), table.patient, "Encounter").tolist() == [-1]
        found = list(cohort.dangling_references())
        assert [(problem.resource, problem.message) for problem in found] == [
            ("Observation/o", "encounter refers to Encounter/none, which is not in the data")
        ]

    def test_any_type(self, tmp_path: Path) -> None:
        members = [{"reference": "Observation/o2"}, {"reference": "Encounter/e1"}, {"reference": "Device/x"}]
        record = bundle(patient(), encounter("e1"), observation("o1", hasMember=members), observation("o2"))
        cohort = read_files([write(tmp_path / "b.json", record)])
        column = cohort.table("Observation").element("hasMember")
        found = cohort.resolve_any(column.values, np.zeros(3, np.int64))  # type: ignore[attr-defined]
        assert isinstance(found, ChoiceColumn)
        assert found.valid.tolist() == [True, True, False]
        assert all(isinstance(part, ResourceColumn) for part in found.alternatives)

    def test_contained_resources(self, tmp_path: Path) -> None:
        def order(id_: str, code: str) -> dict[str, object]:
            inside = {"resourceType": "Medication", "id": "med", "code": coded(code)}
            return {
                "resourceType": "MedicationRequest",
                "id": id_,
                "contained": [inside],
                "medicationReference": {"reference": "#med"},
            }

        cohort = read_files([write(tmp_path / "b.json", bundle(patient(), order("r1", "x"), order("r2", "y")))])
        medications, requests = cohort.table("Medication"), cohort.table("MedicationRequest")
        assert medications.contained.tolist() == [True, True]
        reference = requests.element("medication")
        assert isinstance(reference, RecordColumn)
        rows = cohort.resolve(reference, requests.patient, "Medication", requests.serial)
        assert rows.tolist() == [0, 1]
        assert cohort.resolve(reference, requests.patient, "Medication").tolist() == [-1, -1]


class TestBadInput:
    def read(self, path: Path) -> Cohort:
        """What is wrong must cost nothing beside it."""
        good = write(path.parent / "good.json", bundle(patient("good"), encounter("e", "good")))
        cohort = read_files([path, good])
        assert "good" in cohort.ids
        assert "e" in ids(cohort, "Encounter")
        assert cohort.problems[0].file == str(path)
        return cohort

    def test_truncated_bundle(self, tmp_path: Path) -> None:
        whole = json.dumps(bundle(patient(), encounter("e1"))).encode()
        cohort = self.read(write(tmp_path / "bad.json", whole[: len(whole) // 2]))
        assert "truncated" in messages(cohort)[0]

    def test_empty_file(self, tmp_path: Path) -> None:
        assert messages(self.read(write(tmp_path / "bad.json", b""))) == ["empty"]

    def test_no_json(self, tmp_path: Path) -> None:
        assert "malformed" in messages(self.read(write(tmp_path / "bad.json", b"<Bundle/>")))[0]

    def test_no_utf8(self, tmp_path: Path) -> None:
        bad = json.dumps(bundle(patient(), encounter("e1", status="x"))).encode().replace(b'"x"', b'"\xff\xfe"')
        cohort = self.read(write(tmp_path / "bad.json", bad))
        assert "utf-8" in messages(cohort)[0]

    def test_wrong_resource_type(self, tmp_path: Path) -> None:
        cohort = self.read(write(tmp_path / "bad.json", bundle(patient(), {"resourceType": "Visit", "id": "v"})))
        assert "Visit" in messages(cohort)[0]
        assert cohort.problems[0].entry == 1
        assert cohort.n == 2

    def test_ill_typed_elements(self, tmp_path: Path) -> None:
        cohort = self.read(write(tmp_path / "bad.json", bundle(patient(), encounter("e1", status=3))))
        assert "$.status" in messages(cohort)[0]
        assert cohort.problems[0].resource == "Encounter/e1"

    def test_deep_nesting(self, tmp_path: Path) -> None:
        deep = b'{"resourceType":"Patient","extension":' + b'[{"extension":' * 5000 + b"[]" + b"}]" * 5000 + b"}"
        assert messages(self.read(write(tmp_path / "bad.json", deep))) == ["nested too deeply"]

    def test_unreadable_file(self, tmp_path: Path) -> None:
        bad = write(tmp_path / "bad.json.gz", b"not gzip at all")
        assert "damaged" in messages(self.read(bad))[0]

    def test_truncated_gzip(self, tmp_path: Path) -> None:
        bad = write(tmp_path / "bad.ndjson.gz", gzip.compress(os.urandom(1000) + b"\n")[:500])
        assert "damaged" in messages(self.read(bad))[0]

    def test_no_such_path(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match="does not exist"):
            read_files([tmp_path / "nothing"])

    def test_what_unpacks_without_end(self, tmp_path: Path) -> None:
        bomb = tmp_path / "bomb.json.gz"
        bomb.write_bytes(gzip.compress(b" " * 10_000_000))
        with pytest.raises(DataError, match="more than 1000000 bytes"):
            read_bytes(bomb, largest=1_000_000)


def test_a_bundle_of_50_megabytes(tmp_path: Path) -> None:
    visit = json.dumps(encounter("e", diagnosis=[{"rank": i} for i in range(20)]))
    entries = ",".join(f'{{"resource":{visit.replace(chr(34) + "e" + chr(34), f"{chr(34)}e{i}{chr(34)}", 1)}}}'
                       for i in range(50_000_000 // len(visit)))  # fmt: skip
    path = tmp_path / "big.json"
    path.write_text(
        f'{{"resourceType":"Bundle","type":"collection","entry":[{{"resource":{json.dumps(patient())}}},{entries}]}}'
    )
    assert path.stat().st_size > 50_000_000
    start = time.process_time()
    cohort = read_files([path], EVERYTHING, keep_raw=False)
    assert time.process_time() - start < 20
    assert len(cohort.table("Encounter")) == 50_000_000 // len(visit)
    assert not cohort.problems
