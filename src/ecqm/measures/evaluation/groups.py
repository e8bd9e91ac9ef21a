"""The groups of a measure over a cohort. A group whose evaluation fails is left out; the others have their results."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ecqm.engine import EvaluationError, Executor
from ecqm.kernels.arrays import Mask
from ecqm.measures.definition import Measure, MeasureError
from ecqm.measures.evaluation.defines import evaluate_defines, failures
from ecqm.measures.evaluation.planning import EvaluationPlan
from ecqm.measures.scoring.groups import GroupResult, evaluate_measure


@dataclass(frozen=True)
class EvaluatedGroups:
    """`measure` has the groups with results, in their order. `failed` marks the patients with run-time errors."""

    measure: Measure
    results: tuple[GroupResult, ...]
    failed: Mask


def evaluate_groups(plan: EvaluationPlan, executor: Executor) -> EvaluatedGroups:
    """The results of the groups of a measure. A group that cannot be evaluated is left out (`Measure.left_out`) if
    others can.

    The executor then has the errors of the measure's patients. Raises EvaluationError if no group can be evaluated.
    """
    try:
        return _evaluate(plan, executor)
    except EvaluationError:
        measure = plan.measure
        reasons = {
            group.id: reason
            for group in measure.groups
            if (reason := _why_not(plan.with_groups_of(replace(measure, groups=(group,))), executor)) is not None
        }
        if len(reasons) == len(measure.groups):
            raise
        # Their errors are not those of the patients in the other groups.
        return _evaluate(plan.with_groups_of(measure.without_groups(reasons)), executor)


def _evaluate(plan: EvaluationPlan, executor: Executor) -> EvaluatedGroups:
    executor.errors.clear()
    defines = evaluate_defines(plan, executor)
    try:
        results = evaluate_measure(plan.measure, defines)
    except MeasureError as error:
        raise EvaluationError(str(error)) from error
    return EvaluatedGroups(plan.measure, results, failures(executor)[0])


def _why_not(plan: EvaluationPlan, executor: Executor) -> str | None:
    try:
        _evaluate(plan, executor)
    except EvaluationError as error:
        return str(error)
    return None
