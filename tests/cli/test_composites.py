"""Composite measures in the commands: their components come with them, and give them their scores."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest

import ecqm as api
from ecqm.measures.scoring.composite import CompositeTally
from ecqm.reporting.results.parts import MeasurePart, Part
from tests.cli.samples import SAMPLE, Run, ecqm

CONTENT = SAMPLE.parent / "composite"
CASES = CONTENT / "input" / "tests" / "measure" / "SampleCheckUpsAll"
SCORES = {"SampleCheckUpsAll": 2 / 5, "SampleCheckUpsOpportunity": 6 / 10, "SampleCheckUpsWeighted": 2.5 / 4}


def scores(reports: list[Any]) -> dict[str, float]:
    """By name of the measure, the score of its first group."""
    return {
        report["measure"].rsplit("/", 1)[1].partition("|")[0]: report["group"][0]["measureScore"]["value"]
        for report in reports
    }


@pytest.mark.parametrize("measure", SCORES)
def test_a_composite_brings_its_components(tmp_path: Path, measure: str) -> None:
    run = Run(tmp_path, CONTENT, CASES, "--individual", "--subject-list", measure=measure)
    assert run.result.exit_code == 0, run.result.output
    found = scores([entry["resource"] for entry in run.read("summary.json")["entry"]])
    assert found == pytest.approx({"SampleEyeCheck": 4 / 6, "SampleFootCheck": 2 / 4, measure: SCORES[measure]})
    individual = [json.loads(line) for line in (run.output / "individual.ndjson").read_text().splitlines()]
    of_patients = [report["group"][0] for report in individual if report["measure"].endswith(f"{measure}|1.0.000")]
    assert len(of_patients) == 7 and all("population" not in group for group in of_patients)
    rows = pyarrow.parquet.read_table(run.output / "populations.parquet").to_pylist()
    scored = {row["patient"]: row["observation_1"] for row in rows if row["measure"] == measure}
    assert (scored["check-ups-all"], scored["check-ups-none"], scored["check-ups-child"]) == (1, 0, None)
    (about,) = (each for each in run.read("run.json")["measures"] if each["name"] == measure)
    assert len(about["composed_of"]) == 2 and about["libraries"] == []


def test_programs_take_the_components_of_a_composite(tmp_path: Path) -> None:
    run = Run(tmp_path, CONTENT, CASES, "--supplemental-data", measure="SampleCheckUpsAll")
    assert run.result.exit_code == 0, run.result.output
    output = tmp_path / "submission.xml"
    written = ecqm("submission", run.output, "--format", "qrda3", "--output", output)
    assert written.exit_code == 0, written.output
    assert "SampleCheckUpsAll is left out: QRDA Category III and the Quality Payment Program take" in written.output
    assert f"{output}: SampleEyeCheck, SampleFootCheck" in written.output
    for form in (("qrda3",), ("qpp", "--program", "MIPS_GROUP", "--tin", "123456789")):
        named = ("--measure", "SampleCheckUpsAll", "--output", output)
        refused = ecqm("submission", run.output, "--format", *form, *named)
        assert refused.exit_code != 0 and "SampleCheckUpsAll is a composite" in refused.output
    unknown = ecqm("submission", run.output, "--format", "qrda3", "--measure", "Sample", "--output", output)
    assert unknown.exit_code != 0 and "there are no results of a measure Sample" in unknown.output


def test_parts_add_up() -> None:
    (measure,) = api.select(CONTENT, ["SampleCheckUpsAll"]).composites
    part = Part(7, {measure.canonical: MeasurePart((), 0, 0.0, composites=(CompositeTally(2.0, 5.0),))})
    again = Part.from_json(part.to_json(), {measure.canonical: measure})
    again.add(part)
    assert again.measures[measure.canonical].composites == (CompositeTally(4.0, 10.0),)


def test_specifications_hold_their_components(tmp_path: Path) -> None:
    store = ("--store", tmp_path / "store")
    assert ecqm("bundle", "add", CONTENT, "--measure", "SampleCheckUpsAll", *store).exit_code == 0
    shown = ecqm("bundle", "show", "SampleCheckUpsAll", *store).output
    assert "Measure SampleEyeCheck|1.0.000" in shown and "Library SampleCheckUps|1.0.000" in shown
    assert ecqm("bundle", "verify", *store, "--content", CONTENT).exit_code == 0


def test_from_python() -> None:
    result = api.evaluate(api.select(CONTENT, list(SCORES)), api.load(CASES))
    found = scores(result.reports)
    assert {name: found[name] for name in SCORES} == pytest.approx(SCORES)
    assert set(SCORES) <= set(result.table.column("measure").to_pylist())


def test_a_component_that_is_not_at_hand_is_named(tmp_path: Path) -> None:
    resource = json.loads((CONTENT / "input/resources/measure/SampleCheckUpsAll.json").read_text("utf-8"))
    (tmp_path / "content").mkdir()
    (tmp_path / "content" / "measure.json").write_text(json.dumps(resource), "utf-8")
    run = Run(tmp_path, tmp_path / "content", CASES, measure="SampleCheckUpsAll")
    assert run.result.exit_code != 0 and "SampleEyeCheck" in run.result.output


def test_components_are_explained() -> None:
    arguments = ("--measure", "SampleCheckUpsAll", "--data", CASES, "--patient", "check-ups-eyes-only")
    told = json.loads(ecqm("explain", CONTENT, *arguments, "--format", "json").stdout)
    assert [each["measure"] for each in told] == ["SampleEyeCheck", "SampleFootCheck"]
    text = ecqm("explain", CONTENT, *arguments).output
    assert "SampleEyeCheck" in text and "SampleFootCheck" in text


def test_logic_is_asked_of_components() -> None:
    shown = ecqm("plan", CONTENT, "--measure", "SampleCheckUpsAll")
    assert shown.exit_code == 2 and "SampleEyeCheck|1.0.000" in shown.output
