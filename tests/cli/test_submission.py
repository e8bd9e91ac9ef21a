"""`ecqm submission`, and the counts of `ecqm run` that it is made of."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest

from ecqm.api import select
from ecqm.bundles.evaluation.batches import Evaluation
from ecqm.cluster.units import units_of
from ecqm.cluster.worker import Shipment, Worker
from ecqm.data.source import PatientData
from ecqm.reporting.results.counts import read_counts
from ecqm.reporting.results.recording import ResultOptions
from ecqm.reporting.results.run import RunOutput
from tests.bundles.packages.stays import TWO_STAYS, deck
from tests.cli.samples import CASES, KIDNEY, SAMPLE, Json, ecqm
from tests.content import CONTENT, needs_content
from tests.data.qdm.patients import patient
from tests.reporting.submissions.category3_rules import CMS, HL7, read, violations
from tests.reporting.submissions.sample import MIPS, listed_sample, results_of


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return results_of(tmp_path_factory.mktemp("results"), "--supplemental-data")


def test_json_of_the_quality_payment_program(tmp_path: Path, results: Path) -> None:
    output = tmp_path / "submission.json"
    result = ecqm("submission", results, "--format", "qpp", *MIPS, "--output", output)
    assert (result.exit_code, result.output) == (0, f"{output}: SampleDiabetesKidneyCheck\n")
    submission = json.loads(output.read_text("utf-8"))
    ((measurement,),) = [each["measurements"] for each in submission["measurementSets"]]
    assert (measurement["measureId"], measurement["value"]["eligiblePopulation"]) == ("475", 9)


def test_qrda_category_iii(tmp_path: Path, results: Path) -> None:
    output = tmp_path / "submission.xml"
    made = ("--organization", "Clinic", "--ehr-certification", "0015ABCDEFGHIJK")
    result = ecqm("submission", results, "--format", "qrda3", *MIPS, *made, "--output", output)
    assert result.exit_code == 0, result.output
    assert violations(output.read_bytes(), *HL7, *CMS) == []
    (measure,) = read(output.read_bytes())
    assert [each.count for each in measure.populations] == [9, 9, 1, 3, 1]


def test_hl7_alone_takes_any_measure(tmp_path: Path) -> None:
    """Of QDM, too: a document has the identifiers of the package."""
    packages = deck(tmp_path / "deck", TWO_STAYS, patient(identifier="p2"))
    run = ecqm("run", packages, "--data", packages / "patients", "--output", tmp_path / "out", "--supplemental-data")
    assert run.exit_code == 0, run.output
    output = tmp_path / "document.xml"
    assert ecqm("submission", tmp_path / "out", "--format", "qrda3", "--output", output).exit_code == 0
    assert violations(output.read_bytes(), *HL7) == []
    (measure,) = read(output.read_bytes())
    assert {each.code: each.count for each in measure.populations} == {"IPOP": 2, "MSRPOPL": 2, "MSRPOPLEX": 1}
    # The stays took one day and four.
    assert [list(each.observed.values()) for each in measure.populations] == [[], ["2.5"], []]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--format", "qpp"), "the Quality Payment Program asks for --program"),
        (("--format", "qpp", "--program", "MIPS_INDIV", "--tin", "1"), "1 is not a TIN, which has 9 digits"),
        (("--format", "qpp", "--program", "MIPS_GROUP"), "MIPS_GROUP asks for a TIN"),
        (("--format", "qpp", *MIPS, "--measure", "CMS122"), "there are no results of a measure CMS122"),
        (("--format", "qrda3", *MIPS), "asks for the CMS EHR Certification ID"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, results: Path, options: tuple[str, ...], reason: str) -> None:
    result = ecqm("submission", results, *options, "--output", tmp_path / "file")
    assert result.exit_code == 2 and reason in result.stderr
    assert not (tmp_path / "file").exists()


def test_a_measure_of_no_program(tmp_path: Path) -> None:
    run = ecqm("run", SAMPLE, "--measure", KIDNEY, "--data", CASES / KIDNEY, "--output", tmp_path / "out")
    assert run.exit_code == 0, run.output
    result = ecqm("submission", tmp_path / "out", "--format", "qpp", *MIPS, "--output", tmp_path / "file")
    assert result.exit_code == 2
    told = f"{KIDNEY} is not among the eCQMs for clinicians of 2026; choose from the results with --measure"
    assert result.stderr == f"ecqm: {told}\n"


def test_supplemental_data_only_when_asked_for(tmp_path: Path, results: Path) -> None:
    without = read_counts(results_of(tmp_path) / "counts.json").measures[0].groups[0]
    asked = read_counts(results / "counts.json").measures[0].groups[0]
    assert without.supplements == {} and set(asked.supplements) == {each.id for each in asked.populations}
    # Nobody is left out and nobody counts twice: what patients have adds up to the population.
    for population in asked.populations:
        for element, counts in asked.supplements[population.id].items():
            assert sum(each.patients for each in counts) == population.count, element


def test_counts_agree_with_the_reports(results: Path) -> None:
    (entry,) = json.loads((results / "summary.json").read_bytes())["entry"]
    (reported,) = entry["resource"]["group"]
    (counted,) = read_counts(results / "counts.json").measures[0].groups
    assert [each["count"] for each in reported["population"]] == [each.count for each in counted.populations]
    assert reported["measureScore"]["value"] == counted.score


def counts_in_batches(folder: Path, content: Path, *batches: list[Path]) -> Json:
    """counts.json of a run over several batches of patients, as other processes evaluate them."""
    selection = select(content, [KIDNEY])
    value_sets = selection.content.value_sets
    evaluation = Evaluation(selection.plans, value_sets, ("2026-01-01", "2026-12-31"), patient_codes=True)
    with RunOutput(folder, selection, evaluation.stated, ResultOptions(supplemental_data=True)) as output:
        worker = Worker(Shipment.unpacked(Shipment(evaluation, output.recorder).packed()))
        for number, paths in enumerate(batches):
            (unit,) = units_of(PatientData(paths), folder / "spools")
            worker.run(unit, output.path_of(number))
        output.finish({})
    found: Any = json.loads((folder / "counts.json").read_bytes())
    return {name: value for name, value in found.items() if name != "date"}


def test_batches_add_up(tmp_path: Path) -> None:
    content = listed_sample(tmp_path)
    cases = sorted((CASES / KIDNEY).iterdir())
    whole = counts_in_batches(tmp_path / "whole", content, cases)
    assert counts_in_batches(tmp_path / "parts", content, cases[:5], cases[5:6], cases[6:]) == whole


@needs_content
@pytest.mark.parametrize("name", ["CMS125", "CMS155", "CMS646"])
def test_published_measures(tmp_path: Path, name: str) -> None:
    """By patient, in strata, by episode: supplemental data are counted as individual reports say them one by one."""
    content = CONTENT / "ecqm-content-qicore-2025"
    (cases,) = (content / "input" / "tests" / "measure").glob(f"{name}FHIR*")
    folders = ("--libraries", CONTENT / "libraries-2025", "--valuesets", CONTENT / "valuesets-2025")
    asked = ("--supplemental-data", "--individual", "--output", tmp_path)
    run = ecqm("run", content, *folders, "--measure", name, "--data", cases, *asked)
    assert run.exit_code == 0, run.output
    told: dict[tuple[str, str], set[tuple[str, str]]] = {}
    for line in (tmp_path / "individual.ndjson").read_text("utf-8").splitlines():
        report = json.loads(line)
        for observation in report.get("contained", ()):
            key = (report["subject"]["reference"].removeprefix("Patient/"), observation["code"]["text"].lower()[4:])
            codings = observation.get("valueCodeableConcept", {"coding": []})["coding"]
            told.setdefault(key, set()).update((each["system"], each["code"]) for each in codings)
    rows = pyarrow.parquet.read_table(tmp_path / "populations.parquet").to_pylist()
    (measure,) = read_counts(tmp_path / "counts.json").measures
    for group in measure.groups:
        for population in group.populations:
            column = population.code.value.replace("-", "_")
            members = [row["patient"] for row in rows if row["group"] == group.id and row[column]]
            assert len(members) == population.count
            for element, counts in group.supplements[population.id].items():
                expected = Counter(frozenset(told.get((patient, element), ())) for patient in set(members))
                assert {frozenset(each.codes): each.patients for each in counts} == expected
    made = (*MIPS, "--ehr-certification", "0015ABCDEFGHIJK", "--output", tmp_path / "document")
    for form in ("qpp", "qrda3"):
        result = ecqm("submission", tmp_path, "--format", form, *made)
        assert result.exit_code == 0, result.output
    assert violations((tmp_path / "document").read_bytes(), *HL7, *CMS) == []
