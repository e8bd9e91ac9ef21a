"""Every runner runs to its end on something small, tells what it found, and ends with the code that it says."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from ecqm.cli.main import main
from tests.bundles.packages.stays import TWO_STAYS, deck
from tests.content import CONTENT, needs_content
from tests.data.qdm.documents import written
from tests.data.qdm.patients import full_patient
from tests.scripts import SAMPLE, run

PATIENTS = 12
MEASURES = ["SampleDiabetesKidneyCheck", "SampleHospitalStay"]
MORE = ("--libraries", CONTENT / "libraries-2025", "--valuesets", CONTENT / "valuesets-2025")


def read(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


@pytest.fixture(scope="module")
def patients(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Lines of a few synthetic patients."""
    folder = tmp_path_factory.mktemp("cohort")
    told = run("tools/synthetic_cohort.py", SAMPLE, "--patients", PATIENTS, "--mean", 10, "--output", folder)
    assert told.endswith(f"resources of {PATIENTS} patients\n")
    return folder


@pytest.fixture
def content(tmp_path: Path) -> Path:
    """The sample where runners expect the published content of a year."""
    (tmp_path / "content" / "libraries-2025" / "elm").mkdir(parents=True)
    shutil.copytree(SAMPLE, tmp_path / "content" / "ecqm-content-qicore-2025")
    return tmp_path / "content"


@pytest.mark.parametrize("name", ["deck", "scale"])
def test_no_content_is_told_without_a_trace(name: str, tmp_path: Path) -> None:
    assert "no file or folder" in run(f"conformance/{name}.py", tmp_path / "absent", code=2)


def test_a_deck_that_agrees(tmp_path: Path) -> None:
    output = tmp_path / "report.json"
    told = run("conformance/deck.py", SAMPLE, "--json", output).splitlines()
    assert len(told) == 1 and told[0].startswith("measures 2, cases 18, agree 18, listed defects 0, errors 0, ")
    report = read(output)
    assert (report["figures"]["cases"], report["figures"]["unexplained"]) == (18, 0)
    assert [measure["measure"] for measure in report["measures"]] == MEASURES


def test_a_case_that_disagrees_must_be_listed(content: Path, tmp_path: Path) -> None:
    root = content / "ecqm-content-qicore-2025"
    case = root / "input" / "tests" / "measure" / "SampleHospitalStay" / "child" / "child.json"
    case.write_text(case.read_text("utf-8").replace('"count": 0', '"count": 1'), "utf-8")
    output = tmp_path / "report.json"
    told = run("conformance/deck.py", root, "--measure", "SampleHospitalStay", "--json", output, code=1)
    assert "SampleHospitalStay child" in told.splitlines()[1] and "disagree" in told
    assert read(output)["figures"]["unexplained"] == 1


def test_rewritten_for_the_year_before() -> None:
    told = run("conformance/earlier_qicore.py", SAMPLE, "--measure", "SampleDiabetesKidneyCheck")
    assert told == "cases 12, agree in 6.0.0 12, in 4.1.1 12; the same populations 12\n"


def test_compiled_elm_beside_the_published(content: Path, tmp_path: Path) -> None:
    output = tmp_path / "elm.json"
    told = run("conformance/elm_equality.py", content, "--output", output)
    assert told.startswith("libraries  3 of 3 equal\n")
    report = read(output)
    assert report["statements"]["compared"] == report["statements"]["identical"] > 50 and not report["errors"]

    source = content / "ecqm-content-qicore-2025" / "input" / "cql" / "SampleHospitalStay.cql"
    cql = source.read_text("utf-8")
    source.write_text(cql.replace(">= 18", ">= 21"), "utf-8")
    changed = run("conformance/elm_equality.py", content, "--show", "Initial Population", code=1)
    assert "libraries  2 of 3 equal" in changed and '"definition": "Initial Population"' in changed
    source.write_text(cql.replace(">= 18", ">= 'eighteen'"), "utf-8")
    assert "libraries with errors: 1" in run("conformance/elm_equality.py", content, code=1)


def test_data_requirements_beside_the_published(content: Path) -> None:
    root = content / "ecqm-content-qicore-2025"
    path = root / "input" / "resources" / "measure" / "SampleDiabetesKidneyCheck.json"
    measure = read(path)
    asked = ["requirements", str(root), "--measure", "SampleDiabetesKidneyCheck", "--format", "json"]
    library = json.loads(CliRunner().invoke(main, asked).stdout)
    path.write_text(json.dumps(measure | {"contained": [library]}), "utf-8")
    told = run("conformance/data_requirements.py", root).splitlines()
    assert told == [
        "1 measures",
        "6 in both",
        "0 in the plan only",
        "0 published only",
        "6   with the same elements",
        "0   with elements that are not published",
        "0   without elements that are published",
    ]
    library["dataRequirement"].pop()
    path.write_text(json.dumps(measure | {"contained": [library]}), "utf-8")
    told = run("conformance/data_requirements.py", root, code=1).splitlines()
    assert told[0].startswith("SampleDiabetesKidneyCheck: in the plan only: ('Procedure', ")


def test_speed_of_loading(patients: Path, tmp_path: Path) -> None:
    output = tmp_path / "load.json"
    told = run("conformance/load.py", SAMPLE, "--data", patients, "--runs", 1, "--json", output)
    assert f"{PATIENTS} " in told.splitlines()[1]
    (figures,) = read(output)
    assert figures["patients"] == PATIENTS and figures["loading"] > 0 and figures["peak_mib"] > 0
    assert [path.name for path in patients.parent.iterdir() if path.is_dir() and path.name.startswith("tmp")] == []


def test_cost_of_increments(patients: Path) -> None:
    told = run("conformance/increments.py", SAMPLE, "--data", patients, "--runs", 1).splitlines()
    assert [line[:12].strip() for line in told] == ["", "everything", "changed", "patients", "deleted", "one deleted"]
    assert told[-1].endswith(" 1")


def test_growth_and_what_supplemental_data_cost(tmp_path: Path) -> None:
    work, output = tmp_path / "work", tmp_path / "scale.json"
    told = run(
        "conformance/scale.py", SAMPLE, "--patients", PATIENTS, "--singles", PATIENTS, "--work", work, "--json", output
    )
    assert f"2 measures over {PATIENTS} patients" in told
    report = read(output)
    (size,) = report["sizes"]
    assert (size["patients"], size["measures"]) == (PATIENTS, 2) and size["resources"] > PATIENTS
    assert size["load"]["processor"] > 0 and report["passes"]["patients"] == PATIENTS
    told = run("conformance/supplements.py", SAMPLE, "--data", work / "store")
    assert told.startswith(f"2 measures over {PATIENTS} patients in 1 shards") and "for supplemental data" in told


def test_speed_on_a_deck(tmp_path: Path) -> None:
    output = tmp_path / "throughput.json"
    told = run("conformance/throughput.py", SAMPLE, "--patients", 24, "--json", output)
    assert "median of 2 measures" in told
    assert [(each["measure"], each["patients"], each["errors"]) for each in read(output)] == [
        (name, 24, 0) for name in MEASURES
    ]


def test_speed_on_files_with_a_profile(patients: Path) -> None:
    options = ("--measure", "SampleHospitalStay", "--data", patients, "--profile")
    told = run("conformance/throughput.py", SAMPLE, *options)
    assert " pairs of elements, " in told and " rows  Except(" in told


@needs_content
def test_a_query_by_hand_finds_the_same_patients(tmp_path: Path) -> None:
    root, cohort, output = CONTENT / "ecqm-content-qicore-2025", tmp_path / "cohort", tmp_path / "by_hand.json"
    made = ("--valuesets", CONTENT / "valuesets-2025", "--patients", 600, "--mean", 60, "--output", cohort)
    run("tools/synthetic_cohort.py", root, *made)
    told = run("conformance/by_hand.py", root, *MORE, "--data", cohort, "--runs", 1, "--json", output)
    assert told.count(", 0 differ") == 4
    assert read(output)["patients"] == 600


# -- QDM --------------------------------------------------------------------------------------------------------------

COUNTS = {"IPP": 2, "MSRPOPL": 2, "MSRPOPLEX": 1}
STATEMENTS = {"Initial Population": "TRUE", "Diagnosed": "TRUE"}


def qdm_content(root: Path, **counts: int) -> Path:
    """Two sets of a measure and a patient, with what a reference made of them, and a QRDA document."""
    for name in ("cqm-execution", "bonnie-js"):
        deck(root / "qdm" / name, TWO_STAYS)
    result = {"Set1": {**COUNTS, **counts, "observation_values": [4, 1], "statements": {"Stays": STATEMENTS}}}
    runs = [
        {"set": name, "measure": "CMS1", "measureFile": "CMS1.json", "patient": "p0.json", "result": result}
        for name in ("cqm-execution", "bonnie-js")
    ]
    (root / "qdm" / "reference-results.json").write_text(json.dumps(runs))
    (root / "qrda" / "cat1").mkdir(parents=True)
    (root / "qrda" / "cat1" / "patient.xml").write_bytes(written(full_patient()))
    return root


def test_qdm_beside_a_reference(tmp_path: Path) -> None:
    told = run("conformance/qdm.py", qdm_content(tmp_path)).splitlines()
    assert [line.split()[-1] for line in told[:2]] == ["2", "2"]
    assert not [line for line in told if line.startswith("DIFFERS")]
    assert told[-1].startswith("patient.xml: ")


def test_qdm_that_differs_from_its_reference(tmp_path: Path) -> None:
    told = run("conformance/qdm.py", qdm_content(tmp_path, MSRPOPL=1), code=1)
    assert "DIFFERS CMS1 p0" in told and "MSRPOPL 1/2" in told


def test_qdm_with_an_entry_that_is_not_understood(tmp_path: Path) -> None:
    document = qdm_content(tmp_path) / "qrda" / "cat1" / "patient.xml"
    document.write_bytes(document.read_bytes().replace(b"2.16.840.1.113883.10.20.24.3.23", b"2.16.840.1.113883.9"))
    assert "entries understood" in run("conformance/qdm.py", tmp_path, code=1)


def test_qdm_without_content(tmp_path: Path) -> None:
    assert "no folder qdm" in run("conformance/qdm.py", tmp_path, code=2)


def test_speed_on_qdm_goes_on_without_the_peer(tmp_path: Path) -> None:
    root = qdm_content(tmp_path)
    sizes = ("--patients", 6, "--peer-patients", 1)
    told = run("conformance/qdm_throughput.py", root / "qdm", tmp_path / "absent", *sizes)
    assert [line.split()[:2] for line in told.splitlines()[1:]] == [["cqm-execution", "CMS1"], ["bonnie-js", "CMS1"]]
