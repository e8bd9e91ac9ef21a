"""Functions of observations that have overloads (Quality Measure IG, "Measure Observations")."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecqm.engine import kernel_for
from ecqm.measures.definition import MeasureError
from ecqm.measures.evaluation.defines import evaluate_defines
from ecqm.measures.evaluation.planning import MeasurePlan, plan_measure
from ecqm.measures.scoring.groups import evaluate_measure
from tests.data.resources import encounter, observation, patient
from tests.engine.logic import Logic, cohort_of
from tests.measures.resources import group, measure, population
from tests.measures.resources import observation as observing

LOGIC = Logic("""
define Stays: [Encounter]
define Findings: [Observation]
define Adult: AgeInYears() >= 18
define Both: [Encounter] union [Observation]
define function Size(): 1
define function Size(a FHIR.Encounter, b FHIR.Encounter): 2
define function Size(finding FHIR.Observation): 3
define function Size(stay FHIR.Encounter): 4
define function Size(any Choice<FHIR.Encounter, FHIR.Observation>): 5
define function Rank(finding FHIR.Observation): 6
define function Rank(finding FHIR.Condition): 7
""")


def planned(criterion: str, basis: str, function: str = "Size") -> MeasurePlan:
    populations = (population(code, criterion) for code in ("initial-population", "measure-population"))
    of = group("continuous-variable", *populations, observing(function, "measure-population", "sum"), basis=basis)
    return plan_measure(measure(of), LOGIC.lowering.libraries, kernel_for)


@pytest.mark.parametrize(
    ("criterion", "basis", "expected"),
    [("Stays", "Encounter", 4), ("Findings", "Observation", 3), ("Both", "Encounter", 5), ("Adult", "boolean", 1)],
)
def test_the_overload_for_what_is_observed(tmp_path: Path, criterion: str, basis: str, expected: int) -> None:
    plan = planned(criterion, basis)
    executor = LOGIC.executor(cohort_of(tmp_path, [patient("p"), encounter("e", "p"), observation("o", "p")]))
    (result,) = evaluate_measure(plan.measure, evaluate_defines(plan, executor))
    assert set(result.observed("Size")) == {expected}


def test_without_an_overload_that_fits(tmp_path: Path) -> None:
    with pytest.raises(MeasureError, match=r"overloads for FHIR\.Observation, FHIR\.Condition, .* for Encounter"):
        planned("Stays", "Encounter", "Rank")
