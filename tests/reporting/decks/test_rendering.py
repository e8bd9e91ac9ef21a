"""Deck results as a table: what a reader sees first and last, and on a narrow terminal."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ecqm.measures.decks.agreement import (
    CaseResult,
    GroupAgreement,
    MeasureRun,
    ObservationAgreement,
    PopulationAgreement,
    ScoreAgreement,
    deck_report,
)
from ecqm.measures.decks.defects import OBSERVATION, Defect
from ecqm.measures.decks.test_cases import TestCase
from ecqm.reporting.decks.rendering import render_deck

NAME = "CMS56FHIRFunctionalStatusAssessmentforTotalHipReplacement"


def case(name: str, title: str | None = None) -> TestCase:
    return TestCase(NAME, name, Path(name), (), (), title)


def table(results: list[CaseResult], width: int = 1000) -> list[str]:
    runs = [MeasureRun(NAME, results, {"plan": 0.5, "load": 0.25, "evaluate": 0.25})]
    return render_deck(deck_report({"name": "ecqm"}, runs), runs, "table", width).splitlines()


def counted(expected: float, actual: float) -> tuple[GroupAgreement, ...]:
    numerator = PopulationAgreement("numerator", "Numerator_1", expected, actual)
    return (GroupAgreement("g1", (numerator,), (), (), ScoreAgreement(None, None, None, False)),)


def test_table_has_only_columns_that_say_something() -> None:
    assert table([CaseResult(case("one"), counted(1, 1))]) == [
        f"{'measure':{len(NAME)}}  cases  agree  errors  seconds",
        f"{NAME}      1      1       0     1.00",
        f"{'total':{len(NAME)}}      1      1       0     1.00",
    ]


def test_measure_is_named_on_a_narrow_terminal() -> None:
    lines = table([CaseResult(case("one"), counted(1, 1))], 50)
    assert max(map(len, lines)) <= 50
    assert lines[1].startswith("CMS56FHIRFunct")


def test_a_narrow_terminal_does_without_seconds() -> None:
    lines = table([CaseResult(case("one"), counted(1, 1))], 35)
    assert lines[0].endswith("errors") and max(map(len, lines)) <= 35


def test_differences_come_before_the_totals() -> None:
    lines = table([CaseResult(case("one", "NUMERPass"), counted(1, 0)), CaseResult(case("two"), counted(1, 1))])
    assert lines[0] == f"{NAME} one (NUMERPass): Numerator_1 expected 1, is 0"
    assert lines[1] == ""
    assert lines[-1].startswith("total")


def test_what_keeps_several_cases_from_running_is_said_once() -> None:
    broken = [CaseResult(case(name), (), error="does not compile") for name in ("one", "two")]
    assert table(broken)[0] == f"{NAME} (all 2 cases): does not compile"
    assert table([*broken, CaseResult(case("three"), counted(1, 1))])[0] == f"{NAME} one, two: does not compile"


def test_what_differs_beside_the_populations_is_listed_apart() -> None:
    (group,) = counted(1, 1)
    observation = ObservationAgreement("observation", (3.0,), (4.0,))
    lines = table([CaseResult(case("one"), (replace(group, observations=(observation,)),))])
    assert lines[0] == "Strata, observations and scores that differ (a case does not fail for these):"
    assert lines[1] == f"{NAME} one: observation expected {{3}}, is {{4}}"
    assert lines[2] == ""
    assert lines[-1].startswith("total")


def test_how_many_of_the_differing_observations_are_listed_is_said_after_the_totals() -> None:
    (group,) = counted(1, 1)
    observation = ObservationAgreement("observation", (3.0,), (4.0,))
    defect = Defect(NAME, "one", "copied", "see the case", frozenset({OBSERVATION}))
    lines = table([CaseResult(case("one"), (replace(group, observations=(observation,)),), defect=defect)])
    assert lines[0].startswith("measure")
    assert lines[-1] == "observed: 1 of 1 cases differ, 1 of them listed"


def test_numbers_are_whole_on_a_narrow_terminal() -> None:
    (group,) = counted(1, 1)
    observation = ObservationAgreement("observation", (3.0,), (3.0,))
    lines = table([CaseResult(case("one"), (replace(group, observations=(observation,)),))], 40)
    assert lines[0].endswith("errors") and lines[-1].split() == ["total", "1", "1", "0"]
