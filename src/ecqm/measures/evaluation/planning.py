"""The evaluation plan of a measure: one plan node per define of its populations, stratifiers and supplemental data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Self

from ecqm.data import Demand
from ecqm.data.fhir.schema import fhir_schema
from ecqm.elm.resolution import ResolvedLibraries
from ecqm.measures.definition import (
    Group,
    Measure,
    MeasureError,
    StratifierComponent,
    SupplementalData,
)
from ecqm.measures.definition.binding import bind_expressions
from ecqm.measures.evaluation.default_period import default_period
from ecqm.measures.evaluation.functions import PlannedFunction, is_function, plan_observation, plan_stratifier
from ecqm.models.profiles import canonical, profile_facts
from ecqm.plan.compared import compared_types
from ecqm.plan.lowering import Lowering, PlanError
from ecqm.plan.lowering.core import Lowered, Place
from ecqm.plan.nodes import Constant, Node, PlanNode, Property, Retrieve, reachable
from ecqm.values import ValueSet


@dataclass(frozen=True)
class EvaluationPlan:
    """The plans of all defines (by name), of the observations (by group and observation id) and of the stratifiers that
    are functions (by group and name) of a measure. It can be sent to another process.

    `places`: the places in the source that nodes come from.
    """

    measure: Measure
    defines: dict[str, PlanNode]
    observations: dict[tuple[str, str], PlannedFunction]
    stratifiers: dict[tuple[str, str], PlannedFunction]
    places: Mapping[PlanNode, Place]

    @classmethod
    def of(cls, plan: EvaluationPlan) -> EvaluationPlan:
        """The plan alone, without the libraries that it was made from."""
        nodes = (node for node in plan.nodes if isinstance(node, PlanNode))
        places = {node: plan.places[node] for node in nodes if node in plan.places}
        return cls(plan.measure, plan.defines, plan.observations, plan.stratifiers, places)

    def with_groups_of(self, measure: Measure) -> Self:
        """The plan of the same measure with some of its groups only."""
        kept = {group.id for group in measure.groups}
        observations = {key: value for key, value in self.observations.items() if key[0] in kept}
        stratifiers = {key: value for key, value in self.stratifiers.items() if key[0] in kept}
        return replace(self, measure=measure, observations=observations, stratifiers=stratifiers)

    @cached_property
    def nodes(self) -> frozenset[Node]:
        """All nodes of the plan."""
        functions = (*self.observations.values(), *self.stratifiers.values())
        return reachable([*self.defines.values(), *(function.value for function in functions)])

    @cached_property
    def value_sets(self) -> dict[str, tuple[str, ...]]:
        """The value sets that the plan refers to, as `id` or `id|version`, with the defines that name them."""
        uses: dict[str, set[str]] = {}
        for node in self.nodes:
            for used in (node, *node.children):
                if isinstance(used, Constant) and isinstance(used.value, ValueSet):
                    defines = uses.setdefault("|".join(filter(None, (used.value.id, used.value.version))), set())
                    places = (self.places.get(each) for each in (node, used) if isinstance(each, PlanNode))
                    defines.update(place.path[0] for place in places if place is not None and place.path)
        return {identifier: tuple(sorted(uses[identifier])) for identifier in sorted(uses)}

    @cached_property
    def demand(self) -> Demand:
        """The data that the plan needs."""
        return demand_of(self.nodes)


@dataclass(frozen=True)
class MeasurePlan(EvaluationPlan):
    """A plan with the libraries that it was made from. `problems` names supplemental defines that could not be
    planned."""

    libraries: ResolvedLibraries
    lowering: Lowering
    problems: list[str] = field(default_factory=list)

    @property
    def not_planned(self) -> dict[str, str]:
        """Why groups cannot be evaluated, by the names of measure and group."""
        return {self.measure.name_of_group(each.group.id): each.reason for each in self.measure.left_out}

    @property
    def decisions(self) -> list[str]:
        """What the measure leaves open or contradicts, and how it is taken."""
        return [*self.measure.problems, *self.problems]


def plan_measure(
    measure: Measure,
    libraries: ResolvedLibraries,
    kernels: Callable[[str, str], str | None],
    lowered: Lowered | None = None,
) -> MeasurePlan:
    """Plan all defines of a measure; `lowered` has the nodes shared with measures planned before. A measure without an
    effective period has that of its library's parameter.

    Raises MeasureError if a population or stratifier is not defined, PlanError if it cannot be planned.
    """
    main = libraries.main
    measure = bind_expressions(measure, (*main.expressions, *main.functions), main.identifier.name)
    if not all(measure.period):
        measure = replace(measure, period=default_period(main))
    planned = _PlannedDefines(measure, Lowering(libraries, kernels, lowered))
    for group in measure.groups:
        planned.add_group(group)
    for supplement in measure.supplemental_data:
        planned.add_supplement(supplement)
    return planned.plan()


class _PlannedDefines:
    """The plans of the defines of a measure, made one after the other."""

    def __init__(self, measure: Measure, lowering: Lowering) -> None:
        self._measure = measure
        self._lowering = lowering
        self._defines: dict[str, PlanNode] = {}
        self._observations: dict[tuple[str, str], PlannedFunction] = {}
        self._stratifiers: dict[tuple[str, str], PlannedFunction] = {}
        self._problems: list[str] = []

    def add_group(self, group: Group) -> None:
        """Plan the populations, stratifiers and observations of a group."""
        for population in group.criteria:
            self._add_criterion(population.expression)
        for stratifier in group.stratifiers:
            for component in stratifier.components:
                self._add_stratifier(group, component)
        for observation in group.observations:
            self._observations[group.id, observation.id] = plan_observation(self._lowering, group, observation)

    def add_supplement(self, supplement: SupplementalData) -> None:
        """Plan supplemental data; a reason why this is not possible is a problem, but no error."""
        try:
            self._add_criterion(supplement.expression)
        except (PlanError, MeasureError) as error:
            self._problems.append(str(error))

    def _add_criterion(self, name: str) -> None:
        main = self._lowering.libraries.main
        if is_function(main, name):
            raise MeasureError(
                f"measure {self._measure.name}: criterion {name!r} is a function; it should be a definition"
            )
        self._defines[name] = self._lowering.define(main, name)

    def _add_stratifier(self, group: Group, component: StratifierComponent) -> None:
        if is_function(self._lowering.libraries.main, component.expression):
            planned = plan_stratifier(self._lowering, group, component)
            self._stratifiers[group.id, component.expression] = planned
        else:
            self._add_criterion(component.expression)

    def plan(self) -> MeasurePlan:
        """The plan of what was added."""
        return MeasurePlan(
            self._measure,
            self._defines,
            self._observations,
            self._stratifiers,
            self._lowering.lowered.places,
            self._lowering.libraries,
            self._lowering,
            self._problems,
        )


def plan_groups(measure: Measure, plan: Callable[[Measure], MeasurePlan]) -> MeasurePlan:
    """The plan of a measure, made by `plan`; a group that cannot be planned is left out if others can.

    Raises what `plan` does if no group can be planned.
    """
    try:
        return plan(measure)
    except (MeasureError, PlanError):
        if len(measure.groups) < 2:
            raise
        reasons = {
            group.id: reason
            for group in measure.groups
            if (reason := _why_not(replace(measure, groups=(group,)), plan)) is not None
        }
        if len(reasons) == len(measure.groups):
            raise
        return plan(measure.without_groups(reasons))


def _why_not(measure: Measure, plan: Callable[[Measure], MeasurePlan]) -> str | None:
    try:
        plan(measure)
    except (MeasureError, PlanError) as error:
        return str(error)
    return None


def demand_of(nodes: Iterable[Node]) -> Demand:
    """The resource types that nodes retrieve, the names of the elements that they access, and the types of the values
    that they compare."""
    types, names = {"Patient"}, set()
    nodes = frozenset(nodes)
    for node in nodes:
        if isinstance(node, Property):
            names.add(node.path)
        elif isinstance(node, Retrieve):
            types.add(node.resource_type.name)
            names.update(node.code_property.split(".") if node.code_property else ())
            if node.profile is not None:
                names |= profile_facts(canonical(node.profile)).elements
    if "medication" in names:
        # Retrieves filter by the code of the referenced Medication.
        types.add("Medication")
        names.add("code")
    return Demand.of(types, names, fhir_schema().structured(compared_types(nodes)))
