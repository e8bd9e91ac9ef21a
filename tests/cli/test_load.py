"""`ecqm load` on small exports."""

from __future__ import annotations

import json
import os
from pathlib import Path

from click.testing import CliRunner, Result

from ecqm.cli.main import main
from ecqm.data.store.store import open_store


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["load", *map(str, arguments)])


def export(folder: Path) -> Path:
    folder.mkdir()
    visit = {"resourceType": "Encounter", "id": "e1", "subject": {"reference": "Patient/p1"}}
    (folder / "Patient.ndjson").write_text(json.dumps({"resourceType": "Patient", "id": "p1"}) + "\n")
    (folder / "Encounter.ndjson").write_text(json.dumps(visit) + "\n{bad\n")
    return folder


def test_loads_and_reports(tmp_path: Path) -> None:
    result = run(export(tmp_path / "in"), "--output", tmp_path / "store", "--jobs", 1, "--offset", "-05:00")
    assert result.exit_code == 0, result.output
    assert "1 patients, 1 without birth date" in result.output
    assert "Encounter.ndjson:2" in result.output
    store = open_store(tmp_path / "store")
    assert store.n_patients == 1
    assert store.manifest.default_offset == -300


def test_an_export_by_its_manifest(tmp_path: Path) -> None:
    folder = export(tmp_path / "in")
    urls = [{"type": name, "url": f"https://example.org/export/{name}.ndjson"} for name in ("Patient", "Encounter")]
    manifest = folder / "manifest.json"
    manifest.write_text(json.dumps({"transactionTime": "2026-11-01T02:00:00Z", "output": urls, "error": []}))
    result = run(manifest, "--output", tmp_path / "store", "--jobs", 1)
    assert result.exit_code == 0, result.output
    assert "export of 2026-11-01T02:00:00Z" in result.output and "1 Encounter" in result.output
    (folder / "Encounter.ndjson").unlink()
    lacking = run(manifest, "--output", tmp_path / "other", "--jobs", 1)
    assert lacking.exit_code == 2 and "https://example.org/export/Encounter.ndjson" in lacking.output


def test_a_file_whose_name_is_not_utf_8(tmp_path: Path) -> None:
    source = export(tmp_path / "in")
    os.rename(source / "Encounter.ndjson", os.fsencode(source / "Encounter") + b"\xff.ndjson")
    result = run(source, "--output", tmp_path / "store", "--jobs", 1)
    assert result.exit_code == 0, result.output
    assert "Encounter\N{REPLACEMENT CHARACTER}.ndjson:2" in result.output
    assert [each.origin.file for each in open_store(tmp_path / "store").shards[0].resources(["Encounter"])] == [
        str(source / "Encounter\N{REPLACEMENT CHARACTER}.ndjson")
    ]


def test_json_report(tmp_path: Path) -> None:
    result = run(export(tmp_path / "in"), "--output", tmp_path / "store", "--jobs", 1, "--format", "json")
    report = json.loads(result.output)
    assert report["resources"] == {"Encounter": 1, "Patient": 1}
    assert report["problems"] == 1


def test_resources_without_a_patient(tmp_path: Path) -> None:
    lines = [json.dumps({"resourceType": name, "id": id_}) for name, id_ in [("Location", "1"), ("Location", "2")]]
    (export(tmp_path / "in") / "Location.ndjson").write_text("\n".join(lines))
    result = run(tmp_path / "in", "--output", tmp_path / "store", "--jobs", 1)
    assert "without a patient: 2 Location" in result.output


def test_a_store_that_is_there(tmp_path: Path) -> None:
    source = export(tmp_path / "in")
    run(source, "--output", tmp_path / "store", "--jobs", 1)
    again = run(source, "--output", tmp_path / "store", "--jobs", 1)
    assert again.exit_code == 2
    assert "already" in again.output
    assert run(source, "--output", tmp_path / "store", "--jobs", 1, "--append").exit_code == 0


def test_data_without_any_resource(tmp_path: Path) -> None:
    """Such as patients of QDM: there is no store, and with FHIR data there can be one."""
    qdm = tmp_path / "qdm.json"
    qdm.write_text(json.dumps({"qdmVersion": "5.6", "dataElements": []}))
    result = run(qdm, "--output", tmp_path / "store", "--jobs", 1)
    assert result.exit_code == 2 and "no FHIR resource" in result.output and "ecqm run reads them" in result.output
    assert run(export(tmp_path / "in"), "--output", tmp_path / "store", "--jobs", 1).exit_code == 0
    sample = Path(__file__).parent.parent.parent / "measure_bundles" / "sample"
    arguments = ["run", str(sample), "--data", str(qdm), "--output", str(tmp_path / "results")]
    straight = CliRunner().invoke(main, arguments)
    assert straight.exit_code == 2 and "no patients in the data" in straight.stderr


def test_wrong_options(tmp_path: Path) -> None:
    source = export(tmp_path / "in")
    assert run(source, "--output", tmp_path / "store", "--offset", "5").exit_code == 2
    assert run(source, "--output", tmp_path / "store", "--measure", "X").exit_code == 2
    assert run(tmp_path / "none", "--output", tmp_path / "store").exit_code == 2


def test_an_update_says_by_how_much_the_store_has_grown(tmp_path: Path) -> None:
    assert run(export(tmp_path / "in"), "--output", tmp_path / "store", "--jobs", 1).exit_code == 0
    visits = [
        {"resourceType": "Encounter", "id": name, "subject": {"reference": "Patient/p1"}} for name in ("e1", "e2")
    ]
    more = tmp_path / "night"
    more.mkdir()
    (more / "Encounter.ndjson").write_text("\n".join(map(json.dumps, visits)))
    (more / "Patient.ndjson").write_text(json.dumps({"resourceType": "Patient", "id": "p2"}))
    told = run(more, "--output", tmp_path / "store", "--jobs", 1, "--append").stdout.splitlines()
    assert told[0].split() == ["2", "patients", "(+1),", "2", "without", "birth", "date"]
    assert "2 Encounter (+1)" in told[1] and told[2].endswith("2 Patient (+1)")
