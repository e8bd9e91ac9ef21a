"""Running selected measures over patient data, batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from time import perf_counter

from ecqm.bundles.selection import Selection
from ecqm.data import Cohort
from ecqm.data.source import PatientData
from ecqm.engine import EvaluationError, Executor, FhirProfiles
from ecqm.engine.executor import Profiles
from ecqm.measures.batch import MeasureResult, MeasureSet
from ecqm.measures.definition import Measure
from ecqm.measures.period import measurement_period
from ecqm.measures.planning import MeasurePlan
from ecqm.terminology import Membership
from ecqm.values import EvaluationContext, Interval

Stated = tuple[str | None, str | None]
"""Start and end of a measurement period as stated for a run; what is None is taken from the measure."""


@dataclass
class Batch:
    """The results of the measures for one cohort, in the order of the selection; `failed` has, by measure, why one
    could not be evaluated at all; `lifted` how often each operator ran without a kernel."""

    cohort: Cohort
    results: list[MeasureResult] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    lifted: dict[str, int] = field(default_factory=dict)
    load_seconds: float = 0.0


def evaluate(
    selection: Selection,
    data: PatientData,
    stated: Stated = (None, None),
    supplements: bool = False,
    profiles: Profiles | None = None,
    context: EvaluationContext | None = None,
    watch: Callable[[Measure], None] = lambda measure: None,
) -> Iterator[Batch]:
    """Evaluate measures over every batch of patients in turn; `watch` is called after each measure of each batch.

    Without a stated period each measure has its own effective period. Raises MeasureError for a period that is none,
    before any patient is read.
    """
    together = plans_by_period(selection.plans, stated)
    context = context or EvaluationContext.of_this_moment()
    context = replace(context, terminology=selection.content.value_sets)
    membership = Membership(data.codes, selection.content.value_sets)
    started = perf_counter()
    for cohort in data.batches(selection.demand):
        batch = Batch(cohort, load_seconds=perf_counter() - started)
        for period, plans in together:
            parameters = {"Measurement Period": period}
            executor = Executor(cohort, membership, profiles or FhirProfiles(), context, parameters)
            _evaluate(batch, executor, plans, supplements, watch)
            for name, times in executor.lifted.items():
                batch.lifted[name] = batch.lifted.get(name, 0) + times
        order = {plan.measure.canonical: place for place, plan in enumerate(selection.plans)}
        batch.results.sort(key=lambda result: order[result.measure.canonical])
        yield batch
        started = perf_counter()


def plans_by_period(plans: Sequence[MeasurePlan], stated: Stated) -> list[tuple[Interval, list[MeasurePlan]]]:
    """The plans of each measurement period: what they share is evaluated once for each."""
    found: dict[Interval, list[MeasurePlan]] = {}
    for plan in plans:
        found.setdefault(measurement_period(plan.measure, stated), []).append(plan)
    return list(found.items())


def _evaluate(
    batch: Batch,
    executor: Executor,
    plans: Sequence[MeasurePlan],
    supplements: bool,
    watch: Callable[[Measure], None],
) -> None:
    """All plans; after one that cannot be evaluated, those that come after it."""
    while plans:
        done = 0
        try:
            for result in MeasureSet(plans).evaluate(executor, supplements):
                batch.results.append(result)
                watch(result.measure)
                done += 1
        except EvaluationError as error:
            batch.failed[plans[done].measure.name] = str(error)
            watch(plans[done].measure)
            done += 1
        plans = plans[done:]
