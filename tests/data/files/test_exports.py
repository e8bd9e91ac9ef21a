"""Bulk exports by their manifests: the files that they name, and what these say besides."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ecqm.data import DataError, read_files
from ecqm.data.files.exports import read_export
from ecqm.data.files.inputs import find_inputs
from ecqm.data.loading.load import load
from ecqm.data.source import PatientData
from ecqm.data.store.store import open_store
from tests.data.resources import encounter, patient, write

SERVER = "https://example.org/fhir/export/7/"


def listed(*names: str, server: str = SERVER) -> list[dict[str, Any]]:
    return [{"type": name.partition(".")[0], "url": server + name} for name in names]


def write_manifest(folder: Path, name: str = "manifest.json", **parts: Any) -> Path:
    """A manifest in a folder, with whatever parts."""
    head = {"transactionTime": "2026-11-01T02:00:00Z", "request": SERVER + "$export", "requiresAccessToken": True}
    return write(folder / name, head | {"output": [], "error": []} | parts)


def write_export(folder: Path, **parts: Any) -> Path:
    """Two patients with an encounter each, their manifest beside them."""
    write(folder / "Patient.ndjson", patient("p1"), patient("p2"))
    write(folder / "Encounter.ndjson", encounter("e1", "p1"), encounter("e2", "p2"))
    return write_manifest(folder, **{"output": listed("Patient.ndjson", "Encounter.ndjson"), **parts})


def deletion(*urls: str, method: str = "DELETE") -> dict[str, Any]:
    entries = [{"request": {"method": method, "url": url}} for url in urls]
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


def outcome(severity: str, text: str) -> dict[str, Any]:
    issue = {"severity": severity, "code": "processing", "details": {"text": text}}
    return {"resourceType": "OperationOutcome", "issue": [issue]}


def names(files: Sequence[Path]) -> list[str]:
    return [file.name for file in files]


class TestFiles:
    @pytest.mark.parametrize("server", [SERVER, "", "./", "s3://bucket/far/away/"])
    def test_are_found_beside_the_manifest(self, tmp_path: Path, server: str) -> None:
        manifest = write_export(tmp_path, output=listed("Patient.ndjson", "Encounter.ndjson", server=server))
        assert names(find_inputs([manifest]).files) == ["Patient.ndjson", "Encounter.ndjson"]

    def test_by_file_urls_and_in_folders(self, tmp_path: Path) -> None:
        write(tmp_path / "far" / "Patient 1.ndjson", patient("p1"))
        write(tmp_path / "in" / "part" / "Encounter.ndjson", encounter("e1", "p1"))
        url = (tmp_path / "far" / "Patient 1.ndjson").as_uri()
        manifest = write_manifest(tmp_path / "in", output=[{"url": url}, {"url": "part/Encounter.ndjson"}])
        assert "%20" in url
        assert len(read_files([manifest]).table("Encounter")) == 1

    def test_may_have_been_compressed_and_named_since(self, tmp_path: Path) -> None:
        manifest = write_export(tmp_path, output=listed("Patient", "Encounter.ndjson"))
        plain = tmp_path / "Encounter.ndjson"
        (tmp_path / "Encounter.ndjson.gz").write_bytes(gzip.compress(plain.read_bytes()))
        plain.unlink()
        assert names(find_inputs([manifest]).files) == ["Patient.ndjson", "Encounter.ndjson.gz"]

    def test_that_are_not_at_hand_are_named(self, tmp_path: Path) -> None:
        manifest = write_export(tmp_path, output=listed("Patient.ndjson", "Observation.ndjson"))
        with pytest.raises(DataError, match=r"fetches nothing.*https://example.org/fhir/export/7/Observation.ndjson"):
            find_inputs([manifest])
        with pytest.raises(DataError, match="Observation"):
            load([tmp_path], tmp_path / "store")
        with pytest.raises(DataError, match="Observation"):
            PatientData([manifest])

    def test_urls_that_are_none(self, tmp_path: Path) -> None:
        manifest = write_export(tmp_path, output=[*listed("Patient.ndjson"), {"type": "Patient", "url": "http://["}])
        with pytest.raises(DataError, match=r"1 files of the export are not at hand.*http://\["):
            find_inputs([manifest])

    def test_two_urls_of_one_file(self, tmp_path: Path) -> None:
        output = [*listed("Patient.ndjson"), *listed("Patient.ndjson", server="https://example.org/other/")]
        with pytest.raises(DataError, match="more than once"):
            find_inputs([write_export(tmp_path, output=output)])

    def test_a_manifest_that_goes_on(self, tmp_path: Path) -> None:
        manifest = write_export(
            tmp_path, output=listed("Patient.ndjson"), link=[{"relation": "next", "url": SERVER + "second.json"}]
        )
        with pytest.raises(DataError, match="second"):
            read_export(manifest)
        second = write_manifest(tmp_path, "second.json", output=listed("Encounter.ndjson"))
        for paths in ([manifest], [tmp_path], [second, manifest]):
            inputs = find_inputs(paths)
            assert sorted(names(inputs.files)) == ["Encounter.ndjson", "Patient.ndjson"]
            assert [names(export.manifests) for export in inputs.exports] == [["manifest.json", "second.json"]]

    def test_of_a_folder(self, tmp_path: Path) -> None:
        """What the manifest lists as errors is no data; what it does not list is."""
        write_export(tmp_path, error=listed("errors.ndjson"))
        write(tmp_path / "errors.ndjson", outcome("error", "no luck"))
        write(tmp_path / "more.json", patient("p3"))
        inputs = find_inputs([tmp_path])
        assert names(inputs.files) == ["Encounter.ndjson", "Patient.ndjson", "more.json"]

    @pytest.mark.parametrize("content", ["[]", "{}", '{"transactionTime": 1', '{"output": [], "transactionTime": 1}'])
    def test_what_is_no_manifest(self, tmp_path: Path, content: str) -> None:
        (tmp_path / "a.json").write_text(content)
        assert read_export(tmp_path / "a.json") is None
        assert read_export(write(tmp_path / "b.json", patient("p1", transactionTime="x", output=[]))) is None

    def test_manifest_with_the_type_of_a_draft(self, tmp_path: Path) -> None:
        model = "http://hl7.org/fhir/uv/bulkdata/StructureDefinition/BulkDataManifest"
        assert read_export(write_manifest(tmp_path, resourceType=model)) is not None


@pytest.mark.parametrize("unit_size", [1 << 20, 100])
def test_what_is_said_of_an_export(tmp_path: Path, unit_size: int) -> None:
    """Its errors, files with fewer resources than there should be, and deleted resources: by a run straight from it."""
    from ecqm.cluster.units import units_of
    from ecqm.data import EVERYTHING
    from ecqm.terminology import CodeIndex

    output = listed("Patient.ndjson", "Encounter.ndjson")
    output[0]["count"], output[1]["count"] = 2, "3"
    manifest = write_export(
        tmp_path / "in", output=output, error=listed("errors.ndjson"), deleted=listed("deleted.ndjson")
    )
    told = [outcome("information", "all is well"), outcome("error", "no luck"), "none", outcome("warning", "slow")]
    write(tmp_path / "in" / "errors.ndjson", *told)
    write(tmp_path / "in" / "deleted.ndjson", deletion("Encounter/e1"))
    units = units_of(PatientData([manifest]), tmp_path / "spools", unit_size)
    assert (len(units) > 1) == (unit_size == 100)
    cohorts = [unit.cohort(EVERYTHING, CodeIndex()) for unit in units]
    problems = [(Path(problem.file).name, problem.message) for cohort in cohorts for problem in cohort.problems]
    assert sum(cohort.n for cohort in cohorts) == 2
    assert [name for name, _ in problems] == ["Encounter.ndjson", *["errors.ndjson"] * 3, "manifest.json"]
    messages = [message for _, message in problems]
    assert "has 2 resources" in messages[0] and "says 3" in messages[0]
    assert messages[1] == "error of the export: no luck" and "cannot be read" in messages[2]
    assert messages[3] == "warning of the export: slow" and "deleted resources" in messages[4]


def test_exports_of_changes(tmp_path: Path) -> None:
    """A whole export, then one of what changed since: what is deleted goes, by whatever url."""
    store = tmp_path / "store"
    first = load([write_export(tmp_path / "whole")], store)
    assert first.report["exports"][0]["transactionTime"] == "2026-11-01T02:00:00Z"
    write(tmp_path / "night" / "Encounter.ndjson", encounter("e3", "p2"))
    gone = [deletion("Encounter/e1"), deletion("https://example.org/fhir/Patient/p1", "Encounter?identifier=1")]
    write(tmp_path / "night" / "gone.ndjson", *gone, deletion("Encounter/e2", method="PUT"))
    manifest = write_manifest(
        tmp_path / "night", output=listed("Encounter.ndjson"), deleted=[{"url": SERVER + "gone.ndjson", "count": 3}]
    )
    report = load([manifest], store, append=True).report
    assert report["resources"] == {"Encounter": 2, "Patient": 1}
    assert [problem["message"] for problem in report["listed"]] == [
        "asks to delete 'Encounter?identifier=1', which names no resource"
    ]
    assert [each for shard in open_store(store).shards for each in shard.patient_ids()] == ["p2"]


def test_deleted_resources_of_no_patient_stay_deleted(tmp_path: Path) -> None:
    there = {"location": [{"location": {"reference": "Location/l1"}}]}
    write(tmp_path / "in" / "all.ndjson", patient("p1"), encounter("e1", "p1", **there))
    write(tmp_path / "in" / "Location.ndjson", {"resourceType": "Location", "id": "l1"})
    assert load([tmp_path / "in"], tmp_path / "store").report["resources"]["Location"] == 1
    write(tmp_path / "night" / "gone.ndjson", deletion("Location/l1"))
    manifest = write_manifest(tmp_path / "night", deleted=listed("gone.ndjson"))
    assert "Location" not in load([manifest], tmp_path / "store", append=True).report["resources"]
    write(tmp_path / "next" / "Encounter.ndjson", encounter("e2", "p1", **there))
    assert "Location" not in load([tmp_path / "next"], tmp_path / "store", append=True).report["resources"]


def test_an_export_in_which_nothing_is_new(tmp_path: Path) -> None:
    load([write_export(tmp_path / "whole")], tmp_path / "store")
    write(tmp_path / "night" / "gone.ndjson", deletion("Encounter/e1"))
    manifest = write_manifest(tmp_path / "night", deleted=listed("gone.ndjson"))
    report = load([manifest], tmp_path / "store", append=True).report
    assert report["resources"] == {"Encounter": 1, "Patient": 2}
    nothing = load([write_manifest(tmp_path / "next")], tmp_path / "store", append=True).report
    assert nothing["resources"] == report["resources"]
