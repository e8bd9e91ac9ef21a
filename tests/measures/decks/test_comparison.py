"""Results agree with expectations: populations, strata, observations, scores, and listed defects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ecqm.measures.decks.agreement import CaseResult, MeasureRun, deck_report
from ecqm.measures.decks.comparison import compare_case, placeholder_scores
from ecqm.measures.decks.defects import Defect, DefectList, DefectListError
from ecqm.measures.decks.test_cases import TestCase, read_cases
from ecqm.measures.definition import Measure
from ecqm.measures.scoring.criteria import Episodes, Evaluated, Observed
from ecqm.measures.scoring.groups import evaluate_measure
from tests.measures.decks.cases import counts, expected_report, write
from tests.measures.resources import criteria, group, measure, observation, population

CODES = ("initial-population", "denominator", "numerator")


def case_of(tmp_path: Path, *groups: dict[str, Any]) -> TestCase:
    write(tmp_path / "Example" / "c" / "MeasureReport-1.json", expected_report(*groups))
    return next(read_cases(tmp_path / "Example"))


def patient_measure(**more: Any) -> Measure:
    return measure(group("proportion", *map(population, CODES), **more))


def compared(case: TestCase, definition: Measure, numerator: bool = True, **more: Any) -> CaseResult:
    """The second of two patients, who is in everything (or in all but the numerator)."""
    defines: dict[str, Any] = {code: np.array([False, True]) for code in CODES}
    defines["numerator"] = np.array([True, numerator])
    defines |= {"Young": np.array([True, False]), "Old": np.array([False, True])}
    return compare_case(case, definition, evaluate_measure(definition, Evaluated(2, defines)), 1, **more)


def test_agreement_by_id_and_by_order(tmp_path: Path) -> None:
    by_id = case_of(tmp_path, {"id": "g1", "population": counts(initial_population=1, denominator=1, numerator=1)})
    assert compared(by_id, patient_measure()).agree
    assert not compared(by_id, patient_measure(), numerator=False).agree
    renamed = [p | {"id": f"other-{p['id']}"} for p in counts(numerator=1, initial_population=1, denominator=1)]
    by_order = case_of(tmp_path, {"id": "another", "population": renamed})
    result = compared(by_order, patient_measure())
    assert result.agree and result.groups[0].id == "g1"
    assert compared(by_order, patient_measure(), numerator=False).wrong == {"numerator"}


def test_a_population_or_group_that_the_measure_lacks_disagrees(tmp_path: Path) -> None:
    extra = case_of(tmp_path, {"id": "g1", "population": counts(initial_population=1, denominator_exception=0)})
    result = compared(extra, patient_measure())
    assert not result.agree and result.wrong == {"denominator-exception"}
    one = {"id": "g1", "population": counts(initial_population=1)}
    assert not compared(case_of(tmp_path, one, one | {"id": "g2"}), patient_measure()).agree


def test_an_error_or_a_missing_expectation_never_agrees(tmp_path: Path) -> None:
    case = case_of(tmp_path, {"id": "g1", "population": counts(initial_population=1)})
    failed = compared(case, patient_measure(), error="a dose is not a number")
    assert not failed.agree and failed.to_json()["error"] == "a dose is not a number"
    assert failed.to_json()["groups"][0]["populations"][0] == {
        "code": "initial-population",
        "id": "initial-population",
        "expected": 1,
        "actual": None,
    }
    write(tmp_path / "None" / "c" / "Patient-1.json", {"resourceType": "Patient", "id": "p1"})
    assert compared(next(read_cases(tmp_path / "None")), patient_measure()).error


STRATIFIERS = [{"id": "young", "criteria": criteria("Young")}, {"id": "old", "criteria": criteria("Old")}]


def stratum(value: str, *repeats: dict[str, float]) -> dict[str, Any]:
    return {"value": {"text": value}, "population": [p for repeat in repeats for p in counts(**repeat)]}


def test_only_meaningful_strata_are_compared(tmp_path: Path) -> None:
    inside = {"initial_population": 1.0, "numerator": 1.0}
    outside = {"initial_population": 0.0, "numerator": 0.0}
    populations = counts(initial_population=1, denominator=1, numerator=1)

    def result(*stratifiers: dict[str, Any]) -> CaseResult:
        case = case_of(tmp_path, {"id": "g1", "population": populations, "stratifier": list(stratifiers)})
        return compared(case, patient_measure(stratifier=STRATIFIERS))

    old = {"id": "old", "stratum": [stratum("true", inside), stratum("false", {"initial_population": 1.0})]}
    assert result(old).stratifiers_agree  # "false" repeats "true" the other way round and is not compared
    assert result({"id": "old", "stratum": [stratum("Strata-1", inside)]}).stratifiers_agree
    assert result({"id": "old", "stratum": [stratum("true", inside, outside)]}).stratifiers_agree  # first listed counts
    young = {"id": "young", "stratum": [stratum("true", outside)]}
    assert result(young, old).stratifiers_agree
    wrong = result({"id": "young", "stratum": [stratum("true", inside)]})
    assert wrong.stratifiers_agree is False and wrong.agree
    assert result().stratifiers_agree is None


def test_observations_are_compared_as_values_of_their_episodes(tmp_path: Path) -> None:
    parts = (population("initial-population"), population("measure-population"))
    definition = measure(
        group("continuous-variable", *parts, observation("Obs_1", "measure-population", "Sum"), basis="Encounter")
    )
    listed = Episodes(np.array([0, 0]), np.array([7, 8]))
    defines = {"initial-population": listed, "measure-population": listed}
    observed = {("g1", "Obs_1"): Observed(np.array([4.0, 2.0]), listed)}
    results = evaluate_measure(definition, Evaluated(1, defines, observed))
    population_counts = counts(initial_population=2, measure_population=2)
    for values, agree in (([2, 4], True), ([4, 2], True), ([2], False), ([2, 5], False), ([], None)):
        listed_values = [
            {"id": f"Obs_1_{n}", "code": {"coding": [{"code": "measure-population-observation"}]}, "count": value}
            for n, value in enumerate(values, 1)
        ]
        case = case_of(tmp_path, {"id": "g1", "population": population_counts + listed_values})
        result = compare_case(case, definition, results, 0)
        assert result.agree and result.observations_agree is agree


def contained(name: str, **value: Any) -> dict[str, Any]:
    info = {"url": "http://hl7.org/fhir/StructureDefinition/cqf-measureInfo"}
    parts = [{"url": "measure", "valueCanonical": "X"}, {"url": "populationId", "valueString": name}]
    return {"resourceType": "Observation", "extension": [info | {"extension": parts}]} | value


def test_expected_observations_may_be_contained_observations(tmp_path: Path) -> None:
    parts = [population(code) for code in ("initial-population", "measure-population")]
    definition = measure(
        group("continuous-variable", *parts, observation("Obs_1", "measure-population", "Sum"), basis="Encounter")
    )
    episodes = Episodes(np.array([0, 1, 1]), np.array([10, 11, 12]))
    defines: dict[str, Any] = {"initial-population": episodes, "measure-population": episodes}
    values = {("g1", "Obs_1"): Observed(np.array([1.0, 2.5, 4.0]), episodes)}
    results = evaluate_measure(definition, Evaluated(2, defines, values))
    expected = {"id": "g1", "population": counts(initial_population=2, measure_population=2)}
    others = [contained("sde-age", valueInteger=61), contained("Obs_1"), {"resourceType": "Location"}]
    cases = {
        "by_id": (contained("Obs_1", valueQuantity={"value": 4.0, "code": "min"}), True),
        "by_code": (contained("MeasureObservation", valueInteger=4), True),
        "wrong": (contained("Obs_1", valueInteger=5), False),
    }
    for name, (last, agree) in cases.items():
        first = contained("Obs_1", valueQuantity={"value": 2.5})
        report = expected_report(expected, contained=[*others, first, last])
        write(tmp_path / name / "c" / "MeasureReport-1.json", report)
        result = compare_case(next(read_cases(tmp_path / name)), definition, results, 1)
        assert result.agree and result.observations_agree is agree


def test_a_listed_defect_excuses_only_what_it_lists(tmp_path: Path) -> None:
    case = case_of(tmp_path, {"id": "g1", "population": counts(initial_population=1, numerator=0)})
    agreeing = case_of(tmp_path / "b", {"id": "g1", "population": counts(initial_population=1, numerator=1)})
    listed = Defect("Example", "c", "the numerator was left out", "data", frozenset({"numerator"}))
    excused = compared(case, patient_measure(), defect=listed)
    assert not excused.agree and excused.excused and excused.passes
    assert not compared(case, patient_measure()).passes
    assert not compared(agreeing, patient_measure(), defect=listed).passes  # to be taken off the list
    other = Defect("Example", "c", "r", "e", frozenset({"denominator"}))
    assert not compared(case, patient_measure(), defect=other).passes
    assert not compared(case, patient_measure(), defect=listed, error="broken").passes
    failing = Defect("Example", "c", "two resources have one id", "data", frozenset({"error"}))
    assert compared(case, patient_measure(), defect=failing, error="broken").passes
    assert not compared(case, patient_measure(), defect=failing).passes
    beside = Defect("Example", "c", "r", "e", frozenset({"stratifier"}))
    result = compared(agreeing, patient_measure(), defect=beside)
    assert result.passes and result.unexplained == {"stratifier"}


def test_defects_are_found_by_measure_and_case(tmp_path: Path) -> None:
    assert len(DefectList.read(tmp_path / "absent.toml")) == 0
    path = tmp_path / "defects.toml"
    entry = '[[defect]]\nmeasure = "M"\ncase = "c"\nreason = "r"\nevidence = "e"\n'
    path.write_text(entry + 'wrong = ["numerator"]\n')
    found = DefectList.read(path).find("c", "folder", "M")
    assert found is not None and found.wrong == {"numerator"}
    assert DefectList.read(path).find("d", "M") is None
    path.write_text(entry.replace('case = "c"', 'cases = ["c", "d"]'))
    assert DefectList.read(path).find("d", "M") is not None
    for text, says in (
        (entry + entry, "listed twice"),
        (entry.replace("reason", "why"), "reason is missing"),
        (entry + 'wrong = ["numer"]\n', "no population codes: numer"),
        (entry + "more = 1\n", "unknown more"),
        (entry.replace('case = "c"', "cases = []"), "case is missing"),
        ("[[defect]\n", "defects.toml"),
    ):
        path.write_text(text)
        with pytest.raises(DefectListError, match=says):
            DefectList.read(path)


def test_a_report_counts_the_cases_that_agree(tmp_path: Path) -> None:
    case = case_of(tmp_path, {"id": "g1", "population": counts(initial_population=1, numerator=1)})
    right, wrong = compared(case, patient_measure()), compared(case, patient_measure(), numerator=False)
    report = deck_report({"name": "ecqm"}, [MeasureRun("Example", [right, wrong], {"plan": 0.25})])
    assert report["totals"]["cases"] == 2 and report["totals"]["agree"] == 1 and report["totals"]["errors"] == 0
    (only,) = report["measures"]
    assert only["seconds"] == {"plan": 0.25} and only["cases"] == 2
    score = only["results"][0]["groups"][0]["score"]
    assert score == {"expected": None, "implied": None, "actual": 1.0, "judged": False, "agree": True}


def scored(score: float | None, numerator: int = 1, **more: Any) -> dict[str, Any]:
    """An expected group with a score beside its populations."""
    listed = counts(initial_population=1, denominator=1, numerator=numerator)
    return {"id": "g1", "population": listed, **({} if score is None else {"measureScore": {"value": score} | more})}


def test_a_score_is_judged_beside_the_populations(tmp_path: Path) -> None:
    right = compared(case_of(tmp_path, scored(1.0)), patient_measure())
    assert right.scores_agree and right.agree and not right.unexplained
    assert compared(case_of(tmp_path, scored(100, unit="%")), patient_measure()).scores_agree
    wrong = compared(case_of(tmp_path, scored(0.5)), patient_measure())
    assert wrong.agree and wrong.scores_agree is False and wrong.unexplained == {"score"}
    assert not wrong.to_json()["groups"][0]["score"]["agree"]
    listed = compared(
        case_of(tmp_path, scored(0.5)), patient_measure(), defect=Defect("Example", "c", "r", "e", frozenset({"score"}))
    )
    assert listed.passes and not listed.unexplained
    report = deck_report({}, [MeasureRun("Example", [right, wrong, listed])])
    assert report["totals"]["scores"] == {"cases": 3, "agree": 1, "defects": 1}


def test_a_score_says_nothing_beside_populations_that_disagree(tmp_path: Path) -> None:
    result = compared(case_of(tmp_path, scored(1.0)), patient_measure(), numerator=False)
    assert result.scores_agree is None and result.wrong == {"numerator"}


def test_a_score_without_denominators_is_not_judged(tmp_path: Path) -> None:
    nobody = {"id": "g1", "population": counts(initial_population=1, denominator=0), "measureScore": {"value": 0}}
    assert compared(case_of(tmp_path, nobody), patient_measure()).scores_agree is None


def test_one_score_whatever_the_populations_is_a_placeholder(tmp_path: Path) -> None:
    for name, group_expected in {"met": scored(1.0), "missed": scored(1.0, numerator=0)}.items():
        write(tmp_path / "Example" / name / "MeasureReport-1.json", expected_report(group_expected))
    cases = list(read_cases(tmp_path / "Example"))
    assert placeholder_scores(patient_measure(), cases) == {"g1"}
    assert compared(cases[0], patient_measure(), placeholders=frozenset({"g1"})).scores_agree is None
    assert placeholder_scores(patient_measure(), cases[:1]) == frozenset()
    write(tmp_path / "Example" / "other" / "MeasureReport-1.json", expected_report(scored(0.0, numerator=0)))
    assert placeholder_scores(patient_measure(), list(read_cases(tmp_path / "Example"))) == frozenset()
