"""Several measures over one cohort in one pass.

What measures have in common (value-set retrieves, shared libraries) is one plan node, evaluated once; what no measure
still to come needs is freed, so that memory stays that of the largest measure and not of their sum.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, reduce
from operator import or_
from time import process_time

from ecqm.data import Demand
from ecqm.engine import Executor, RowError
from ecqm.measures.definition import Measure, MeasureError
from ecqm.measures.evaluation.cms_supplements import PatientCodes, SupplementalElement, evaluate_patient_codes
from ecqm.measures.evaluation.defines import evaluate_defines, failures
from ecqm.measures.evaluation.planning import EvaluationPlan
from ecqm.measures.evaluation.supplements import Supplement, evaluate_supplements
from ecqm.measures.scoring.composite import CompositeResult, component_groups, composite_result
from ecqm.measures.scoring.criteria import Mask
from ecqm.measures.scoring.groups import GroupResult, evaluate_measure
from ecqm.plan.nodes import Node


@dataclass(frozen=True)
class MeasureResult:
    """A measure's results for the patients of a cohort, row i being patient i.

    `errors` are those of single patients, marked in `failed`: they are in no population. `supplements` holds, by id of
    the supplemental data, each patient's values; `patient_codes` what patients have of the elements that are counted
    within populations; both are empty unless asked for. `seconds` of processor time went in.
    """

    measure: Measure
    groups: tuple[GroupResult, ...]
    failed: Mask
    errors: tuple[RowError, ...]
    supplements: dict[str, list[list[Supplement]]]
    seconds: float
    patient_codes: dict[SupplementalElement, PatientCodes] = field(default_factory=dict)


@dataclass(frozen=True)
class ComposedResult:
    """The scores of a measure that are made of the results of others; `failed` patients failed in one of these."""

    measure: Measure
    composites: tuple[CompositeResult, ...]
    failed: Mask
    supplements: dict[str, list[list[Supplement]]]


def composed_result(measure: Measure, results: Sequence[MeasureResult]) -> ComposedResult:
    """A measure's composites from the results of all measures. MeasureError if one that they are made of is not there.

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
    """Plans that were made by one planner, to be evaluated together."""

    plans: Sequence[EvaluationPlan]

    @cached_property
    def demand(self) -> Demand:
        """What all of the measures need of the data."""
        return reduce(or_, (plan.demand for plan in self.plans))

    def evaluate(
        self, executor: Executor, supplements: bool = False, patient_codes: bool = False
    ) -> Iterator[MeasureResult]:
        """The results of each measure in turn, over the executor's cohort and with its parameters.

        Raises EvaluationError if a measure asks for what the engine does not have.
        """
        known: dict[Node, PatientCodes] = {}
        for plan, needed_later in zip(self.plans, self._needed_later, strict=True):
            started = process_time()
            executor.errors.clear()
            groups = evaluate_measure(plan.measure, evaluate_defines(plan, executor))
            failed = failures(executor)[0]
            values = evaluate_supplements(plan, executor) if supplements else {}
            codes = evaluate_patient_codes(plan, executor, known) if patient_codes else {}
            errors = tuple(executor.errors)
            executor.forget(needed_later)
            yield MeasureResult(plan.measure, groups, failed, errors, values, process_time() - started, codes)

    @cached_property
    def _needed_later(self) -> list[frozenset[Node]]:
        """For each plan the nodes that the plans after it share with it."""
        later: frozenset[Node] = frozenset()
        found = []
        for plan in reversed(self.plans):
            found.append(plan.nodes & later)
            later |= plan.nodes
        return found[::-1]
