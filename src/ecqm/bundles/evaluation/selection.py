"""Measures selected from a content and planned together, with what they lack."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from operator import or_
from typing import Self

from ecqm.bundles.content import Content
from ecqm.bundles.content.documents import ContentError
from ecqm.bundles.content.libraries import LibraryNotFound
from ecqm.bundles.evaluation.batches import Stated
from ecqm.bundles.evaluation.planning import Planner
from ecqm.data import Demand
from ecqm.data.allocation import many_objects
from ecqm.elm import ElmError
from ecqm.measures.definition import Measure, MeasureError
from ecqm.measures.definition.composition import resolved_composites
from ecqm.measures.definition.naming import MeasureNotFound
from ecqm.measures.definition.period import measurement_period
from ecqm.measures.evaluation.planning import MeasurePlan
from ecqm.plan.lowering import PlanError
from ecqm.plan.nodes import Node
from ecqm.plan.requirements import DataRequirement, data_requirements
from ecqm.terminology import MissingValueSet

CannotPlan = (ContentError, ElmError, PlanError, LibraryNotFound, MeasureError, MeasureNotFound)


@dataclass(frozen=True, kw_only=True)
class PlannedMeasures:
    """Measures planned to run together.

    `not_planned` says, by name, why a measure, or a group of one, could not be planned. `missing` are the value sets
    that the plans refer to and that are not available as a whole. `composites` are measures with scores made of those
    of the others. `notices` are remarks on the content, once each: the versions of measures and data models that were
    chosen or assumed, and warnings of the compiler.
    """

    plans: tuple[MeasurePlan, ...]
    not_planned: dict[str, str] = field(default_factory=dict)
    missing: tuple[MissingValueSet, ...] = ()
    composites: tuple[Measure, ...] = ()
    notices: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"<Selection of {', '.join(plan.measure.name for plan in self.plans) or 'no measure'}>"

    @property
    def measures(self) -> dict[str, Measure]:
        """All measures with results, by canonical: those with plans, then those that are only composed."""
        planned = {plan.measure.canonical: plan.measure for plan in self.plans}
        return planned | {measure.canonical: measure for measure in self.composites}

    @property
    def demand(self) -> Demand:
        """What all of the measures need of the data."""
        return reduce(or_, (plan.demand for plan in self.plans), Demand.of((), ()))

    @property
    def requirements(self) -> tuple[DataRequirement, ...]:
        """What all of the measures retrieve."""
        return data_requirements(frozenset[Node]().union(*(plan.nodes for plan in self.plans)))

    def in_period(self, stated: Stated) -> Self:
        """The same measures, without those that have no measurement period, which are then in `not_planned`."""
        without: dict[str, str] = {}
        for plan in self.plans:
            try:
                measurement_period(plan.measure, stated)
            except MeasureError as error:
                without[plan.measure.name] = str(error)
        plans = tuple(plan for plan in self.plans if plan.measure.name not in without)
        return replace(self, plans=plans, not_planned=self.not_planned | without) if without else self

    def warnings(self, plan: MeasurePlan) -> list[str]:
        """What to know of a measure's results: libraries taken in place of others, and what is missing."""
        return [
            *plan.decisions,
            *plan.libraries.warnings,
            *plan.lowering.warnings,
            *(f"value set {missing}" for missing in self.missing if missing.id in plan.value_sets),
        ]


@dataclass(frozen=True, kw_only=True, repr=False)
class Selection(PlannedMeasures):
    """Planned measures of published FHIR content."""

    content: Content


def select(
    content: Content,
    measures: Iterable[Measure],
    relax_versions: bool = False,
    watch: Callable[[Measure], None] = lambda measure: None,
) -> Selection:
    """Plan measures; `watch` is called after each. A measure or group that cannot be planned is in `not_planned`."""
    planner = Planner(content, relax_versions)
    plans: dict[str, MeasurePlan] = {}
    composites: list[Measure] = []
    not_planned: dict[str, str] = {}
    with many_objects():
        for measure in measures:
            try:
                needed = plan_together(planner, measure, plans)
                if needed.composites:
                    composites.append(needed)
            except CannotPlan as error:
                not_planned[measure.name] = str(error)
            watch(measure)
        planned = tuple(plans.values())
        for plan in planned:
            not_planned |= plan.not_planned
        missing = missing_value_sets(content, planned)
    of_libraries = (f"{told} (library {library})" for told, library in planner.warnings.items())
    notices = (*content.notices, *of_libraries)
    return Selection(
        content=content,
        plans=planned,
        not_planned=not_planned,
        missing=missing,
        composites=tuple(composites),
        notices=notices,
    )


def plan_together(planner: Planner, measure: Measure, plans: dict[str, MeasurePlan]) -> Measure:
    """Plan a measure and its components into `plans`, by canonical; returns the measure with its components resolved.

    Raises what `CannotPlan` lists.
    """
    if measure.composites:
        measure, components = resolved_composites(measure, planner.content.measure)
        for component in components:
            try:
                if component.canonical not in plans:
                    plans[component.canonical] = planner.plan(component)
            except CannotPlan as error:
                raise MeasureError(f"{component.name}, of which it is composed, cannot be planned: {error}") from error
        _require_groups(measure, plans)
    if measure.groups or not measure.composites:
        if measure.canonical not in plans:
            plans[measure.canonical] = planner.plan(measure)
        return plans[measure.canonical].measure
    return measure


def _require_groups(measure: Measure, plans: Mapping[str, MeasurePlan]) -> None:
    """Raises MeasureError if a group that a measure is composed of was left out."""
    for component in (each for composite in measure.composites for each in composite.components):
        for left_out in plans[component.measure].measure.left_out:
            if left_out.group.id == component.group_id:
                raise MeasureError(
                    f"group {component.group_id} of {component.measure}, of which it is composed, cannot be planned: "
                    f"{left_out.reason}"
                )


def missing_value_sets(content: Content, plans: Iterable[MeasurePlan]) -> tuple[MissingValueSet, ...]:
    """The value sets that plans refer to and that are missing or incomplete, with the defines that name them.

    A value set that a library declares and no define of the measures refers to is not needed.
    """
    uses: dict[str, list[str]] = {}
    for plan in plans:
        for identifier, defines in plan.value_sets.items():
            uses.setdefault(identifier, []).extend(defines)
    return tuple(content.value_sets.missing(uses))
