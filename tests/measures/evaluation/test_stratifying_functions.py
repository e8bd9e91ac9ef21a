"""Stratifiers that are functions, of an episode or of the patient, or lists of values (Quality Measure IG,
"Stratification")."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest

from ecqm.engine import kernel_for
from ecqm.measures.definition import MeasureError
from ecqm.measures.evaluation.criteria import criteria_problems
from ecqm.measures.evaluation.defines import evaluate_defines
from ecqm.measures.evaluation.planning import EvaluationPlan, MeasurePlan, plan_measure
from ecqm.measures.scoring.groups import evaluate_measure
from tests.data.resources import encounter, patient
from tests.engine.logic import Logic, cohort_of
from tests.measures.resources import criteria, group, measure, population

LOGIC = Logic("""
define Stays: [Encounter]
define Finished: [Encounter] E where E.status = 'finished'
define Planned: [Encounter] E where E.status = 'planned'
define Adult: AgeInYears() >= 18
define Sex: Patient.gender.value
define Statuses: Stays S return S.status.value
define Never: if AgeInYears() > 200 then Stays else null
define Coded: Stays S return all S.status
define Nothing: Stays S where S.status.value = 'none' return S.status.value
define function Gender(): Patient.gender.value
define function Status(stay FHIR.Encounter): stay.status.value
define function IsFinished(stay FHIR.Encounter): stay.status.value = 'finished'
define function Both(a FHIR.Encounter, b FHIR.Encounter): 1
""")


def planned(*components: str, basis: str = "Encounter", stays: str = "Stays") -> MeasurePlan:
    initial = population("initial-population", stays if basis == "Encounter" else "Adult")
    named = [{"id": name, "criteria": criteria(name)} for name in components]
    stratifier: dict[str, Any] = {"id": "s"} | ({"component": named} if len(named) > 1 else named[0])
    of = group("cohort", initial, basis=basis, stratifier=[stratifier])
    return plan_measure(measure(of), LOGIC.lowering.libraries, kernel_for)


def strata(tmp_path: Path, plan: MeasurePlan) -> dict[str, tuple[bool, ...]]:
    """The units of each stratum: two stays of a woman and one of a man, or the two patients."""
    woman = [patient("w", gender="female"), *(encounter(name, "w", status=name) for name in ("finished", "planned"))]
    man = [patient("m", gender="male"), encounter("other", "m", status="finished")]
    assert criteria_problems(plan) == []
    sent = pickle.loads(pickle.dumps(EvaluationPlan.of(plan)))
    evaluated = evaluate_defines(sent, LOGIC.executor(cohort_of(tmp_path, woman, man)))
    (result,) = evaluate_measure(plan.measure, evaluated)
    return {stratum.value: tuple(stratum.selected.tolist()) for stratum in result.stratifiers[0].strata}


def test_a_value_of_each_episode(tmp_path: Path) -> None:
    assert strata(tmp_path, planned("Status")) == {"finished": (True, False, True), "planned": (False, True, False)}


def test_a_criterion_on_each_episode(tmp_path: Path) -> None:
    assert strata(tmp_path, planned("IsFinished")) == {"true": (True, False, True), "false": (False, True, False)}


@pytest.mark.parametrize("function", ["Status", "IsFinished"])
def test_there_are_no_strata_of_episodes_that_are_null_for_all_patients(tmp_path: Path, function: str) -> None:
    assert not any(map(any, strata(tmp_path, planned(function, stays="Never")).values()))


def test_a_value_of_the_patient_holds_for_all_episodes(tmp_path: Path) -> None:
    assert strata(tmp_path, planned("Gender")) == {"female": (True, True, False), "male": (False, False, True)}


def test_components_of_both_kinds(tmp_path: Path) -> None:
    assert strata(tmp_path, planned("Gender", "Status")) == {
        "female, finished": (True, False, False),
        "female, planned": (False, True, False),
        "male, finished": (False, False, True),
    }


def test_a_value_of_patients(tmp_path: Path) -> None:
    assert strata(tmp_path, planned("Gender", basis="boolean")) == {"female": (True, False), "male": (False, True)}


@pytest.mark.parametrize("statuses", ["Statuses", "Coded"])
def test_each_value_of_a_list_is_a_stratum_of_patients(tmp_path: Path, statuses: str) -> None:
    assert strata(tmp_path, planned(statuses, basis="boolean")) == {"finished": (True, True), "planned": (True, False)}


def test_lists_without_values_are_no_stratum(tmp_path: Path) -> None:
    assert strata(tmp_path, planned("Nothing", basis="boolean")) == {}


def test_lists_of_values_as_components(tmp_path: Path) -> None:
    assert strata(tmp_path, planned("Sex", "Statuses", basis="boolean")) == {
        "female, finished": (True, False),
        "female, planned": (True, False),
        "male, finished": (False, True),
    }


def test_patients_with_any_of_a_list_of_resources_are_the_stratum() -> None:
    (problem,) = criteria_problems(planned("Planned", basis="boolean"))
    assert "stratifier Planned (Planned)" in problem and "patients with any element are counted" in problem


def test_the_episodes_of_both_initial_populations_of_a_ratio(tmp_path: Path) -> None:
    populations = [population("initial-population", define, id=define) for define in ("Finished", "Planned")]
    drawn = [population("denominator", "Finished"), population("numerator", "Planned")]
    stratifier = {"id": "s", "criteria": criteria("Status")}
    ratio = measure(group("ratio", *populations, *drawn, basis="Encounter", stratifier=[stratifier]))
    assert strata(tmp_path, plan_measure(ratio, LOGIC.lowering.libraries, kernel_for)) == {
        "finished": (True, False, True),
        "planned": (False, True, False),
    }


def test_a_function_of_two_episodes_is_refused() -> None:
    with pytest.raises(MeasureError, match="stratifier Both is a function of 2 operands, a, b; it should have one"):
        planned("Both")
