"""Patients bred for a measure, and what two engines say of them compared; the other one only where it is installed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from ecqm.bundles.content import Content
from ecqm.bundles.evaluation.planning import plan_of
from ecqm.measures.evaluation.planning import MeasurePlan
from tests.scripts import SAMPLE, imported, run

NAME = "SampleDiabetesKidneyCheck"


@pytest.fixture(scope="module")
def differential() -> ModuleType:
    return imported("conformance/peers/differential.py")


@pytest.fixture(scope="module")
def compared() -> ModuleType:
    return imported("conformance/peers/compared_patients.py")


@pytest.fixture(scope="module")
def content() -> Content:
    return Content.open(SAMPLE)


@pytest.fixture(scope="module")
def plan(content: Content) -> MeasurePlan:
    (measure,) = content.select([NAME])
    return plan_of(content, measure)


@pytest.fixture(scope="module")
def records(compared: ModuleType, content: Content, plan: MeasurePlan) -> Any:
    return compared.to_compare(compared.patients_for(content, plan, [], 12, 6, 3), "bred")


def test_patients_out_of_nothing_reach_the_logic(
    differential: ModuleType, content: Content, plan: MeasurePlan, records: Any
) -> None:
    answers = differential.Ours(content, plan).answers(records)
    assert len(answers) == 12
    assert any(value for answer in answers for name, value in answer.items() if name.startswith("group "))
    defines = [name for name in answers[0] if name.startswith(f"{NAME}.")]
    assert f"{NAME}.Initial Population" in defines
    # Some have what a definition asks for, others do not.
    assert all(len({json.dumps(answer[name]) for answer in answers}) > 1 for name in [f"{NAME}.Initial Population"])


def test_a_seed_gives_the_same_patients_again(
    compared: ModuleType, content: Content, plan: MeasurePlan, records: Any
) -> None:
    again = compared.patients_for(content, plan, [], wanted=12, generations=6, seed=3)
    assert compared.to_compare(again, "bred") == records


def test_half_of_the_patients_come_from_those_in_populations(
    differential: ModuleType, compared: ModuleType, content: Content, plan: MeasurePlan
) -> None:
    seeds = [record for cases in compared.deck_records(content).values() for record in cases]
    records = compared.patients_for(content, plan, seeds, wanted=40, generations=2, seed=3)
    answers = differential.Ours(content, plan).answers(compared.to_compare(records, "bred"))
    populations = {name for name in answers[0] if name.startswith("group ")}
    assert all(any(answer[name] for answer in answers) for name in populations)


def test_answers_are_compared_by_meaning(differential: ModuleType, plan: MeasurePlan) -> None:
    ours = [{"group 1/p": 1, "L.A": True, "L.B": ["x", "y"], "L.C": "1.50 mg", "L.D": {"a": "text"}, "L.E": None}]
    theirs = [{"group 1/p": 1, "L.A": True, "L.B": ["y", "x"], "L.C": "1.5 mg", "L.D": {"a": "element"}, "L.F": True}]
    same = differential.compare(plan.measure, [[]], ours, theirs)
    assert (same.whole, same.populations_agree, same.values, same.agree) == (1, 1, 4, 4)
    others = [{"group 1/p": 0, "L.A": None, "L.B": ["y"]}, {"error": "no such operator"}]
    told = differential.compare(plan.measure, [[{}], []], [ours[0], ours[0]], others).disagreements
    found = {each.name: (each.patients, each.ours, each.theirs) for each in told}
    assert found["group 1/p"] == (1, 1, 0)
    assert found["L.B"] == (1, ["x", "y"], ["y"])
    assert found["error"] == (1, None, "no such operator")


def test_what_engines_see_differently_is_evened_out() -> None:
    record = [{"resourceType": "Encounter", "period": {"start": "2026-05-02", "end": "2026-05-01T08:00:00+02:00"}}]
    (made,) = imported("conformance/peers/comparable_records.py").comparable_record(record)
    assert made["period"] == {"start": "2026-05-01T08:00:00.000+02:00", "end": "2026-05-02"}


def test_the_other_engine(compared: ModuleType, content: Content, plan: MeasurePlan, tmp_path: Path) -> None:
    fqm = imported("conformance/peers/install.py").FQM
    if shutil.which("node") is None or not fqm.is_dir():
        pytest.skip("fqm-execution is not installed")
    output = tmp_path / "differential.json"
    arguments = (SAMPLE, "--measure", NAME, "--patients", 12, "--generations", 4, "--json", output)
    printed = run("conformance/peers/differential.py", *arguments)
    (told,) = json.loads(output.read_text())
    cases = len(compared.deck_records(content)[plan.measure.canonical])
    assert f"| {NAME} | {12 + cases} |" in printed and f"{NAME}: group 1/" in printed
    assert told["populations"] == told["populations_agree"] > 0
    assert told["agree"] > 0.8 * told["values"]


@pytest.mark.parametrize(("choices", "measures"), [([], 1), (["--without-cases"], 0)])
def test_the_cases_may_be_left_out(compared: ModuleType, content: Content, choices: list[str], measures: int) -> None:
    options = compared.comparison_parser("").parse_args([str(SAMPLE), "--measure", NAME, "--patients", "0", *choices])
    assert len(list(compared.to_be_compared(content, options))) == measures
