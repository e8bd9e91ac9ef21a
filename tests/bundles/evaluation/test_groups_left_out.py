"""A group that cannot be planned or evaluated does not keep the other groups of its measure from it."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from ecqm.bundles.content import Content
from ecqm.bundles.decks.matching import match_deck
from ecqm.bundles.decks.runner import DeckRunner
from ecqm.bundles.evaluation.selection import select
from tests.bundles import visits
from tests.cli.samples import ecqm
from tests.measures.resources import criteria


def with_group(numerator: str, language: str = "text/cql-identifier") -> visits.Resource:
    """A measure with another group before its own."""
    made = visits.measure()
    group: dict[str, Any] = json.loads(json.dumps(made["group"][0])) | {"id": "g0"}
    group["population"][2]["criteria"] = criteria(numerator) | {"language": language}
    made["group"].insert(0, group)
    return made


@pytest.mark.parametrize(
    ("numerator", "language", "reason"),
    [
        ("Numeratr", "text/cql-identifier", "'Numeratr' (did you mean 'Numerator'?)"),
        ("exists [Observatio]", "text/cql", "does not compile"),
        ("Count", "text/cql", "neither true or false nor a list"),
    ],
)
def test_a_group_with_a_wrong_criterion_is_left_out(tmp_path: Path, numerator: str, language: str, reason: str) -> None:
    cql = visits.CQL + "define Count: Count([Observation])\n"
    opened = Content.open(visits.repository(tmp_path, with_group(numerator, language), visits.library(cql)))
    selection = select(opened, opened.select())
    (plan,) = selection.plans
    assert [group.id for group in plan.measure.groups] == ["g1"]
    assert [group.id for group in plan.measure.published_groups] == ["g0", "g1"]
    assert list(selection.not_planned) == ["Visits, group g0"] and reason in selection.not_planned["Visits, group g0"]


def test_a_measure_without_any_group_left_is_not_planned(tmp_path: Path) -> None:
    made = with_group("Numeratr")
    made["group"][1]["population"][2]["criteria"] = criteria("Numratr")
    opened = Content.open(visits.repository(tmp_path, made, visits.library()))
    selection = select(opened, opened.select())
    assert not selection.plans
    assert "'Numeratr'" in selection.not_planned["Visits"] and "'Numratr'" in selection.not_planned["Visits"]


def test_a_run_evaluates_the_others_and_tells(tmp_path: Path) -> None:
    content = visits.repository(tmp_path / "content", with_group("Numeratr"), visits.library())
    told = ecqm("run", content, "--data", visits.deck(tmp_path / "data"), "--output", tmp_path / "out")
    assert told.exit_code == 2
    assert "measure Visits, group g0 was not run: " in told.stderr
    with (tmp_path / "out" / "scores.csv").open(encoding="utf-8", newline="") as file:
        assert [row["group"] for row in csv.DictReader(file)] == ["g1"]
    listed = json.loads((tmp_path / "out" / "errors.json").read_text("utf-8"))["measures"]
    assert [each["measure"] for each in listed] == ["Visits, group g0"]


STOPS = (
    visits.CQL
    + """define Stop: Message(true, true, 'stop', 'Error', 'never')
define "SDE Stop": Message(1, true, 'stop', 'Error', 'never')
define "SDE Sex": Patient.gender.value
"""
)


def test_a_run_evaluates_the_others_if_one_fails_while_it_runs(tmp_path: Path) -> None:
    """Neither a group nor supplemental data keep the rest of the measure from its results."""
    made = with_group("Stop")
    usage = [{"coding": [{"code": "supplemental-data"}]}]
    made["supplementalData"] = [
        {"id": name, "usage": usage, "criteria": criteria(f"SDE {name}")} for name in ("Stop", "Sex")
    ]
    content = visits.repository(tmp_path / "content", made, visits.library(STOPS))
    data, out = visits.deck(tmp_path / "data"), tmp_path / "out"
    asked = ("--supplemental-data", "--individual", "--subject-list")
    told = ecqm("run", content, "--data", data, "--output", out, *asked)
    assert told.exit_code == 2
    for name in ("group g0", "supplemental data Stop"):
        assert f"measure Visits, {name} was not run: " in told.stderr
    (report,) = (entry["resource"] for entry in json.loads((out / "summary.json").read_text("utf-8"))["entry"])
    assert [group["id"] for group in report["group"]] == ["g1"]
    assert [each["count"] for each in report["group"][0]["population"]] == [2, 2, 1]
    listed = json.loads((out / "subject-list.json").read_text("utf-8"))["entry"][0]["resource"]["contained"]
    assert [len(each.get("entry", ())) for each in listed] == [2, 2, 1]
    run = json.loads((out / "errors.json").read_text("utf-8"))
    assert run["patients"] == []
    submitted = ecqm("submission", out, "--format", "qrda3", "--measure", "Visits", "--output", tmp_path / "qrda.xml")
    assert submitted.exit_code != 0 and "Visits, group g0 was not run" in submitted.stderr


def test_an_explanation_tells_which_group_failed(tmp_path: Path) -> None:
    content = visits.repository(tmp_path / "content", with_group("Stop"), visits.library(STOPS))
    told = ecqm(
        "explain", content, "--measure", "Visits", "--data", visits.deck(tmp_path / "data"), "--patient", "seen"
    )
    assert told.exit_code == 0 and "Visits, group g0 cannot be evaluated" in told.stdout + told.stderr


@pytest.mark.parametrize("numerator", ["Numeratr", "Stop"])
def test_cases_expect_nothing_else_of_the_others(tmp_path: Path, numerator: str) -> None:
    """Expected groups without ids are matched in order, the one that is left out included."""
    content = visits.repository(tmp_path, with_group(numerator), visits.library(STOPS))
    folder = visits.deck(content / "input/tests/measure/Visits")
    for path in folder.rglob("*.json"):
        bundle = json.loads(path.read_text("utf-8"))
        report = bundle["entry"][-1]["resource"]
        report["group"] = [{key: value for key, value in report["group"][0].items() if key != "id"}] * 2
        path.write_text(json.dumps(bundle), "utf-8")
    opened = Content.open(content)
    runner = DeckRunner(opened)
    (part,) = match_deck(opened).measures
    for result in runner.run(part.measure, part.cases).results:
        assert not result.passes and not result.error
        assert [all(p.agree for p in group.populations) for group in result.groups] == [False, True]
    assert len([told for told in runner.decisions if "Visits, group g0 cannot be evaluated" in told]) == 1
