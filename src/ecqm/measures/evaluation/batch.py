"""Several measures over one cohort in one pass.

What measures have in common (value-set retrieves, shared libraries) is one plan node and evaluated once. Columns that
no later measure needs are freed, so that the memory needed is that of the largest measure, not the sum.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, reduce
from operator import or_
from time import process_time

from ecqm.data import Demand
from ecqm.engine import Executor, RowError
from ecqm.kernels.arrays import Mask
from ecqm.measures.definition import Measure, MeasureError
from ecqm.measures.evaluation.cms_supplements import PatientCodes, SupplementalElement, evaluate_patient_codes
from ecqm.measures.evaluation.groups import evaluate_groups
from ecqm.measures.evaluation.planning import EvaluationPlan
from ecqm.measures.evaluation.supplements import Supplement, evaluate_supplements
from ecqm.measures.scoring.composite import CompositeResult, component_groups, composite_result
from ecqm.measures.scoring.groups import GroupResult
from ecqm.plan.nodes import Node


@dataclass(frozen=True)
class MeasureResult:
    """A measure's results for the patients of a cohort, row i being patient i. `measure` has the groups with results.

    `not_evaluated` says, by name, why a group or supplemental data of the plan could not be evaluated. `errors` are
    run-time errors of patients, who are marked in `failed` and in no population. `supplements` holds the values of each
    patient by id of the supplemental data, `patient_codes` the codes of the elements that are counted within
    populations; both are empty unless requested. `seconds` is the processor time spent.
    """

    measure: Measure
    groups: tuple[GroupResult, ...]
    failed: Mask
    errors: tuple[RowError, ...]
    supplements: dict[str, list[list[Supplement]]]
    seconds: float
    patient_codes: dict[SupplementalElement, PatientCodes] = field(default_factory=dict)
    not_evaluated: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ComposedResult:
    """The composite scores of a measure; `failed` marks patients whose evaluation failed in a component."""

    measure: Measure
    composites: tuple[CompositeResult, ...]
    failed: Mask
    supplements: dict[str, list[list[Supplement]]]


def composed_result(measure: Measure, results: Sequence[MeasureResult]) -> ComposedResult:
    """The composites of a measure, from the results of all measures. Raises MeasureError if a component has no results.

    Supplemental data are those of the components, by name.
    """
    groups = {result.measure.canonical: result.groups for result in results}
    named = {component.measure for composite in measure.composites for component in composite.components}
    parts = [result for result in results if result.measure.canonical in named]
    composites = []
    failed = reduce(or_, (part.failed for part in parts)) if parts else None
    for composite in measure.composites:
        components = component_groups(composite, groups)
        if components is None or failed is None:
            raise MeasureError(f"not all of what {measure.name} is composed of could be evaluated")
        composites.append(composite_result(composite, components, failed))
    assert failed is not None
    values = {s.expression: part.supplements.get(s.id) for part in parts for s in part.measure.supplemental_data}
    supplements = {s.id: found for s in measure.supplemental_data if (found := values.get(s.expression)) is not None}
    return ComposedResult(measure, tuple(composites), failed, supplements)


@dataclass(frozen=True)
class MeasureSet:
    """Plans to be evaluated together; nodes are shared by plans of one planner."""

    plans: Sequence[EvaluationPlan]

    @cached_property
    def demand(self) -> Demand:
        """The data that the measures need."""
        return reduce(or_, (plan.demand for plan in self.plans))

    def evaluate(
        self, executor: Executor, supplements: bool = False, patient_codes: bool = False
    ) -> Iterator[MeasureResult]:
        """The results of each measure in turn, over the executor's cohort and with its parameters.

        Raises EvaluationError if no group of a measure can be evaluated.
        """
        known: dict[Node, PatientCodes] = {}
        for plan, needed_later in zip(self.plans, self._needed_later, strict=True):
            started = process_time()
            groups = evaluate_groups(plan, executor)
            measure = groups.measure
            left_out = [each for each in measure.left_out if each not in plan.measure.left_out]
            not_evaluated = {measure.name_of_group(each.group.id): each.reason for each in left_out}
            values = evaluate_supplements(plan, executor, not_evaluated) if supplements else {}
            codes = evaluate_patient_codes(plan, executor, known, not_evaluated) if patient_codes else {}
            errors = tuple(executor.errors)
            executor.forget(needed_later)
            seconds = process_time() - started
            yield MeasureResult(measure, groups.results, groups.failed, errors, values, seconds, codes, not_evaluated)

    @cached_property
    def _needed_later(self) -> list[frozenset[Node]]:
        """For each plan the nodes that the plans after it share with it."""
        later: frozenset[Node] = frozenset()
        found = []
        for plan in reversed(self.plans):
            found.append(plan.nodes & later)
            later |= plan.nodes
        return found[::-1]
