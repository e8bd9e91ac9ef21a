"""Criteria that do not agree with what a group counts (Quality Measure IG, "Population Basis")."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ecqm.engine import EvaluationError, kernel_for
from ecqm.measures.definition import Measure, MeasureError
from ecqm.measures.evaluation.criteria import criteria_problems
from ecqm.measures.evaluation.defines import criterion, evaluate_defines
from ecqm.measures.evaluation.planning import MeasurePlan, plan_measure
from ecqm.measures.scoring.criteria import Labels
from ecqm.measures.scoring.groups import GroupResult, evaluate_measure
from tests.data.resources import Json, encounter, observation, patient
from tests.engine.logic import Logic, cohort_of
from tests.measures.resources import criteria, group, measure, population
from tests.measures.resources import observation as observed

DEFINES = """
define Stays: [Encounter]
define Finished: [Encounter] E where E.status = 'finished'
define Findings: [Observation]
define Both: [Encounter] union [Observation]
define Adult: AgeInYears() >= 18
define Number: Count([Encounter])
define First: First([Encounter])
define Dates: [Encounter] E return date from E.period.start.value
define SomeDates: [Encounter] E where E.status = 'finished' return all date from E.period.start.value
define Codes: { 'a', 'b' }
define Nothing: null
define function Minutes(stay FHIR.Encounter): duration in minutes of FHIRHelpers.ToInterval(stay.period)
define function Size(stay FHIR.Encounter): if stay.status = 'finished' then 1 'min' else 1 'h'
define function Status(stay FHIR.Encounter): stay.status.value
define function Between(a FHIR.Encounter, b FHIR.Encounter): 1
define function All(stay FHIR.Encounter): { 1 }
define Age: AgeInYears()
"""
LOGIC = Logic(DEFINES)


def planned(given: Measure) -> MeasurePlan:
    return plan_measure(given, LOGIC.lowering.libraries, kernel_for)


def cohort(initial: str, basis: str, **more: Any) -> Measure:
    return measure(group("cohort", population("initial-population", initial), basis=basis, **more))


def conditions(initial: str, denominator: str, numerator: str) -> list[Json]:
    codes = ("initial-population", "denominator", "numerator")
    return [population(code, define) for code, define in zip(codes, (initial, denominator, numerator), strict=True)]


def variable(function: str, basis: str = "Encounter", stays: str = "Stays") -> Measure:
    populations = population("initial-population", stays), population("measure-population", stays)
    observing = observed(function, "measure-population", "sum")
    return measure(group("continuous-variable", *populations, observing, basis=basis))


def stratified(expression: str, basis: str) -> Measure:
    of_basis = "Stays" if basis == "Encounter" else "Adult"
    return cohort(of_basis, basis, stratifier=[{"id": "s", "criteria": criteria(expression)}])


@pytest.mark.parametrize(
    "given",
    [
        cohort("Stays", "Encounter"),
        cohort("Adult", "boolean"),
        cohort("Dates", "date"),
        variable("Minutes"),
        variable("Age", "boolean", "Adult"),
        *(stratified(expression, "Encounter") for expression in ("Finished", "Adult", "Number")),
        stratified("Number", "boolean"),
    ],
)
def test_criteria_that_fit_their_groups_give_no_problems(given: Measure) -> None:
    assert criteria_problems(planned(given)) == []


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (cohort("Stays", "boolean"), "population initial-population (Stays) is a list, but the group counts patients"),
        (
            measure(group("proportion", *conditions("Adult", "Adult", "Stays"), basis="Encounter")),
            "(Adult) is true or false, but the group counts Encounter",
        ),
        (cohort("Both", "Encounter"), "(Both) may list Observation; the group counts Encounter only"),
        (cohort("Stays", "Encounters"), "its basis 'Encounters' is not a FHIR type"),
        (stratified("Finished", "boolean"), "stratifier s (Finished) is a list, but the group counts patients"),
        (variable("Minutes", "boolean"), "is a function of episodes, but the group counts patients"),
        (variable("Age"), "has one value per patient, but the group counts Encounter"),
    ],
)
def test_what_is_taken_otherwise(given: Measure, says: str) -> None:
    assert any(says in problem for problem in criteria_problems(planned(given)))


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (cohort("Adult", "Encounter"), "group g1 counts Encounter, but none of its criteria is a list of them"),
        (cohort("Number", "boolean"), "(Number) is neither true or false nor a list"),
        (cohort("Findings", "Encounter"), "(Findings) lists Observation, but the group counts Encounter"),
        (stratified("Findings", "Encounter"), "stratifier s (Findings) lists Observation"),
        (variable("Minutes", "boolean", "Adult"), "is a function of an element of population measure-population"),
        (variable("All"), "observation All (All) is a list, not a number"),
        (variable("Between"), "observation Between is a function of 2 operands, a, b"),
        (cohort("Minutes", "Encounter"), "criterion 'Minutes' is a function"),
    ],
)
def test_what_cannot_be_counted(given: Measure, says: str) -> None:
    with pytest.raises(MeasureError) as raised:
        criteria_problems(planned(given))
    assert says in str(raised.value)


def results(given: Measure, folder: Path) -> GroupResult:
    """The results for a patient with two stays on one day, one of them finished, another one later, and a finding."""
    later: Json = {"period": {"start": "2026-02-01"}, "status": "planned"}
    stays = [encounter("e1"), encounter("e2", status="planned"), encounter("e3", **later)]
    executor = LOGIC.executor(cohort_of(folder, [patient(), *stays, observation("o1")], [patient("p2")]))
    return evaluate_measure(given, evaluate_defines(planned(given), executor))[0]


@pytest.mark.parametrize(
    ("initial", "basis", "expected"),
    [
        ("Stays", "Encounter", [3, 0]),
        ("Both", "Encounter", [3, 0]),
        ("Both", "boolean", [1, 0]),
        ("Dates", "date", [2, 0]),
        ("Nothing", "Encounter", [0, 0]),
    ],
)
def test_the_basis_decides_what_is_counted(tmp_path: Path, initial: str, basis: str, expected: list[int]) -> None:
    assert results(cohort(initial, basis), tmp_path).counts("initial-population").tolist() == expected


def test_values_are_the_same_episode_if_they_are_equal(tmp_path: Path) -> None:
    populations = [population("initial-population", "Dates"), population("denominator", "Dates")]
    found = results(
        measure(group("proportion", *populations, population("numerator", "SomeDates"), basis="date")), tmp_path
    )
    assert found.counts("denominator").tolist() == [2, 0]
    assert found.counts("numerator").tolist() == [1, 0]


def test_only_certain_numbers_are_observations(tmp_path: Path) -> None:
    minutes = results(variable("Minutes"), tmp_path).observations["Minutes"]
    assert np.isnan(minutes).tolist() == [False, False, True]
    with pytest.raises(EvaluationError, match=r"of type System\.String, which are not numbers"):
        results(variable("Status"), tmp_path / "status")


def test_observations_in_several_units_are_converted(tmp_path: Path) -> None:
    found = results(variable("Size"), tmp_path)
    assert found.observations["Size"].tolist() == [1, 1, 1]
    assert (found.score(), found.tally().score_unit()) == (121, "min")


@pytest.mark.parametrize(
    ("value", "label"),
    [
        ("'a'", "a"),
        ("2", "2"),
        ("1.5 'mg'", "1.5 'mg'"),
        ("@2026-02", "2026-02"),
        ("Code { code: 'a', system: 's', display: 'A' }", "A"),
        ("Code { code: 'a', system: 's' }", "a"),
        ("Concept { codes: { Code { code: 'a', system: 's' } } }", "a"),
        ("Interval[1, 2]", "Interval[1, 2]"),
    ],
)
def test_labels_of_strata(tmp_path: Path, value: str, label: str) -> None:
    logic = Logic(f"define X: {value}")
    column = logic.executor(cohort_of(tmp_path, [patient()])).evaluate(logic.plan("X"), "X")
    labels = criterion(column, 1)
    assert isinstance(labels, Labels) and labels.names == (label,)


def test_criteria_whose_type_only_the_data_show(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match=r"population initial-population \(First\) is neither"):
        results(cohort("First", "Encounter"), tmp_path)


def test_observations_of_nothing(tmp_path: Path) -> None:
    assert np.isnan(results(variable("Minutes", stays="Nothing"), tmp_path).observations["Minutes"]).all()
