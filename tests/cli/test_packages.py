"""QDM packages in `ecqm run` and `ecqm explain`."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pyarrow.parquet
import pytest
from click.testing import CliRunner, Result

from ecqm.cli.main import main
from ecqm.data.qdm.patients import read_whole
from ecqm.reporting.submissions.category1 import write_qrda1
from tests.bundles.packages.stays import TWO_STAYS, deck, measure, statement
from tests.data.qdm.patients import patient


def ecqm(*arguments: object) -> Result:
    return CliRunner().invoke(main, [*map(str, arguments)])


def counts(printed: str) -> dict[str, str]:
    """The cells of the first line of results by their heading."""
    headings, cells = printed.splitlines()[:2]
    return dict(zip(headings.split(), cells.split(), strict=True))


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    return deck(tmp_path / "deck", TWO_STAYS, patient(identifier="p2"))


def test_a_run_of_packages(tmp_path: Path, packages: Path) -> None:
    output = tmp_path / "out"
    result = ecqm(
        "run", packages, "--measure", "all", "--data", packages / "patients", "--output", output, "--individual"
    )
    assert result.exit_code == 0, result.output
    assert counts(result.output)["IPP"] == "2"
    about = json.loads((output / "run.json").read_text())
    assert about["model"] == "QDM 5.6" and about["patients"] == 2 and set(about["hashes"]) == {"CMS1"}
    (report,) = [entry["resource"] for entry in json.loads((output / "summary.json").read_text())["entry"]]
    assert report["group"][0]["measureScore"]["value"] == 2.5
    rows = pyarrow.parquet.read_table(output / "populations.parquet").to_pylist()
    assert {row["episode"] for row in rows if row["patient"] == "p1"} == {
        "EncounterPerformed/a",
        "EncounterPerformed/b",
    }
    assert len((output / "individual.ndjson").read_text().splitlines()) == 2


def test_qrda_documents_give_the_same_as_json(tmp_path: Path, packages: Path) -> None:
    document = write_qrda1(read_whole(TWO_STAYS, "patient.json")[1][0]).xml
    (tmp_path / "documents").mkdir()
    (tmp_path / "documents" / "p1.xml").write_bytes(document)
    told = [
        ecqm("run", packages, "--measure", "CMS1", "--data", data, "--output", tmp_path / "o").output
        for data in (packages / "patients" / "CMS1" / "p0.json", tmp_path / "documents")
    ]
    assert told[0] == told[1] and counts(told[0])["IPP"] == "2"


def test_data_given_twice_count_once(tmp_path: Path, packages: Path) -> None:
    """A patient of several documents is one patient, and what they repeat is one element."""
    documents = tmp_path / "documents"
    documents.mkdir()
    (documents / "p1.xml").write_bytes(write_qrda1(read_whole(TWO_STAYS, "patient.json")[1][0]).xml)
    shutil.copy(documents / "p1.xml", documents / "again.xml")
    once, twice = (
        ecqm("run", packages, "--measure", "CMS1", "--data", data, "--output", tmp_path / "o").output
        for data in (documents / "p1.xml", documents)
    )
    assert once == twice and counts(twice)["IPP"] == "2"


def test_patients_beside_the_packages_or_elsewhere(tmp_path: Path, packages: Path) -> None:
    deck_of_one = ecqm("test", packages, "--measure", "CMS1")
    shutil.copytree(packages / "patients" / "CMS1", tmp_path / "cases")
    elsewhere = ecqm("test", packages / "measures", "--tests", tmp_path / "cases")
    archive = shutil.make_archive(str(tmp_path / "zipped"), "zip", tmp_path / "cases")
    zipped = ecqm("test", packages / "measures", "--tests", archive)
    counts = [
        [line.split()[:4] for line in result.stdout.splitlines() if line.startswith("total")]
        for result in (deck_of_one, elsewhere, zipped)
    ]
    assert counts[0] == counts[1] == counts[2] and counts[0][0][:2] == ["total", "2"]


def test_what_keeps_packages_from_running(tmp_path: Path, packages: Path) -> None:
    nobody = ecqm("run", packages, "--measure", "all", "--data", tmp_path / "none", "--output", tmp_path / "o")
    assert nobody.exit_code == 2 and "does not exist" in nobody.output + nobody.stderr
    unknown = ecqm("run", packages, "--measure", "CMS2", "--data", packages / "patients", "--output", tmp_path / "o")
    assert unknown.exit_code == 2 and "CMS1" in unknown.output + unknown.stderr
    (packages / "measures" / "CMS1" / "value_sets.json").unlink()
    lacking = ecqm("run", packages, "--measure", "all", "--data", packages / "patients", "--output", tmp_path / "o")
    assert lacking.exit_code == 2 and "missing or incomplete" in lacking.output + lacking.stderr
    broken = measure()
    broken["population_sets"][0]["populations"]["IPP"] = statement("Nowhere")
    (packages / "measures" / "CMS1" / "CMS1.json").write_text(json.dumps(broken))
    result = ecqm("run", packages, "--measure", "all", "--data", packages / "patients", "--output", tmp_path / "o")
    assert result.exit_code == 2 and "Nowhere" in result.output + result.stderr


def test_a_patient_of_a_package_is_explained(packages: Path) -> None:
    result = ecqm("explain", packages, "--measure", "CMS1", "--data", packages / "patients", "--patient", "p1")
    assert result.exit_code == 0, result.output
    assert "Initial Population = { EncounterPerformed/a, EncounterPerformed/b }" in result.output
    missing = ecqm("explain", packages, "--measure", "CMS1", "--data", packages / "patients", "--patient", "p9")
    assert missing.exit_code == 2
    assert missing.stderr == "ecqm: there is no patient 'p9' in the data, which has p1, p2\n"


def test_a_measure_without_a_period_keeps_no_others_from_running(tmp_path: Path, packages: Path) -> None:
    timeless = measure() | {"cms_id": "CMS2v0", "hqmf_set_id": "DEF", "measure_period": {"low": {"value": "then"}}}
    other = packages / "measures" / "CMS2"
    shutil.copytree(packages / "measures" / "CMS1", other)
    (other / "CMS1.json").rename(other / "CMS2.json")
    (other / "CMS2.json").write_text(json.dumps(timeless))
    options = ("--measure", "all", "--data", packages / "patients", "--output", tmp_path / "o")
    result = ecqm("run", packages, *options)
    assert result.exit_code == 2 and "CMS1  " in result.stdout, result.output
    assert "ecqm: measure CMS2 was not run: " in result.stderr
    assert list(json.loads((tmp_path / "o" / "run.json").read_text())["not_run"]) == ["CMS2"]
    assert ecqm("run", packages, *options, "--period", "2026/2026").exit_code == 0
