"""Evaluating planned measures over patients, batch by batch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, reduce
from operator import or_
from typing import Protocol

from ecqm.data import Cohort, Demand
from ecqm.engine import EvaluationError, Executor, FhirProfiles
from ecqm.engine.interfaces import Profiles
from ecqm.measures.definition import Measure, MeasureError
from ecqm.measures.definition.period import measurement_period
from ecqm.measures.evaluation.batch import ComposedResult, MeasureResult, MeasureSet, composed_result
from ecqm.measures.evaluation.planning import EvaluationPlan
from ecqm.plan.nodes import Node
from ecqm.plan.terms import may_name_more, named_value_sets
from ecqm.terminology import Membership, ValueSetSnapshot, ValueSetStore
from ecqm.terminology.expansion import Expansion
from ecqm.values import EvaluationContext, Interval

Stated = tuple[str | None, str | None]
"""Start and end of a measurement period as stated for a run; what is None is taken from the measure."""


@dataclass
class Batch:
    """The results of the measures for one cohort, in the order of the selection, and those of `composed` measures.
    `failed` says, by name, why a measure, or a group or supplemental data of one, could not be evaluated at all;
    `lifted` counts, by operator, evaluations without a kernel."""

    cohort: Cohort
    results: list[MeasureResult] = field(default_factory=list)
    composed: list[ComposedResult] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    lifted: Counter[str] = field(default_factory=Counter)
    load_seconds: float = 0.0


Watch = Callable[[Measure], None]


def _unwatched(measure: Measure) -> None: ...


class _ValueSets(Protocol):
    """The value sets that an evaluation needs."""

    def find(self, identifier: str, version: str | None = None) -> Expansion | None: ...


@dataclass(frozen=True)
class Evaluation:
    """Measures to be evaluated over cohorts.

    `stated` is the measurement period; without it each measure has its own effective period. `supplements`: evaluate
    supplemental data too. `profiles` says which resources a retrieve takes. `composites` are measures with scores made
    of those of the plans. `patient_codes`: evaluate the supplemental data that are counted within populations.
    """

    plans: Sequence[EvaluationPlan]
    value_sets: _ValueSets
    stated: Stated = (None, None)
    supplements: bool = False
    profiles: Profiles = field(default_factory=FhirProfiles)
    context: EvaluationContext = field(default_factory=EvaluationContext.of_this_moment)
    composites: Sequence[Measure] = ()
    patient_codes: bool = False

    def portable(self) -> Evaluation:
        """The evaluation reduced to what it needs, to be sent to other processes and machines.

        Value sets are those that the plans name, or all, with the code systems, if the data may name more.
        """
        nodes = frozenset[Node]().union(*(plan.nodes for plan in self.plans))
        value_sets: _ValueSets
        if isinstance(self.value_sets, ValueSetStore) and may_name_more(nodes):
            value_sets = self.value_sets.in_memory()
        else:
            value_sets = ValueSetSnapshot.of(self.value_sets, named_value_sets(nodes))
        return replace(self, plans=[EvaluationPlan.of(plan) for plan in self.plans], value_sets=value_sets)

    @cached_property
    def demand(self) -> Demand:
        """What all of the measures need of the data."""
        return reduce(or_, (plan.demand for plan in self.plans))

    @cached_property
    def together(self) -> list[tuple[Interval, list[EvaluationPlan]]]:
        """Plans by measurement period; those of one period share what they have in common."""
        return plans_by_period(self.plans, self.stated)

    def check(self) -> None:
        """Raises MeasureError if a measure has no measurement period."""
        assert self.together

    def batch(self, cohort: Cohort, membership: Membership, watch: Watch = _unwatched) -> Batch:
        """The results for one cohort. `watch` is called after each measure; `membership` uses the code index of the
        cohort."""
        batch = Batch(cohort)
        context = replace(self.context, terminology=self.value_sets)
        for period, plans in self.together:
            parameters = {"Measurement Period": period}
            executor = Executor(cohort, membership, self.profiles, context, parameters)
            _evaluate(batch, executor, plans, self.supplements, self.patient_codes, watch)
            batch.lifted.update(executor.lifted)
        order = {plan.measure.canonical: place for place, plan in enumerate(self.plans)}
        batch.results.sort(key=lambda result: order[result.measure.canonical])
        for measure in self.composites:
            try:
                batch.composed.append(composed_result(measure, batch.results))
            except MeasureError as error:
                batch.failed[measure.name] = str(error)
        return batch


def plans_by_period(plans: Sequence[EvaluationPlan], stated: Stated) -> list[tuple[Interval, list[EvaluationPlan]]]:
    """Plans by measurement period; those of one period share what they have in common."""
    found: dict[Interval, list[EvaluationPlan]] = {}
    for plan in plans:
        found.setdefault(measurement_period(plan.measure, stated), []).append(plan)
    return list(found.items())


def _evaluate(
    batch: Batch,
    executor: Executor,
    plans: Sequence[EvaluationPlan],
    supplements: bool,
    patient_codes: bool,
    watch: Watch,
) -> None:
    """Evaluate all plans; if one cannot be evaluated, continue with those after it."""
    while plans:
        done = 0
        try:
            for result in MeasureSet(plans).evaluate(executor, supplements, patient_codes):
                batch.results.append(result)
                batch.failed |= result.not_evaluated
                watch(result.measure)
                done += 1
        except EvaluationError as error:
            batch.failed[plans[done].measure.name] = str(error)
            watch(plans[done].measure)
            done += 1
        plans = plans[done:]
