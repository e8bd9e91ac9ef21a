"""The evaluation plan of a measure: one plan node per define of its populations, stratifiers and supplemental data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Self

from ecqm.data import Demand
from ecqm.data.fhir.schema import fhir_schema
from ecqm.elm import IndexedLibrary
from ecqm.elm.resolution import ResolvedLibraries
from ecqm.measures.definition import (
    Group,
    Measure,
    MeasureError,
    Population,
    PopulationCode,
    StratifierComponent,
)
from ecqm.measures.definition.binding import bind_expressions
from ecqm.measures.evaluation.default_period import default_period
from ecqm.measures.evaluation.overloads import meant_overload
from ecqm.models.profiles import canonical, profile_facts
from ecqm.plan.compared import compared_types
from ecqm.plan.lowering import Lowering, PlanError
from ecqm.plan.lowering.core import Lowered, Place, Scope
from ecqm.plan.lowering.queries import element_variable
from ecqm.plan.lowering.references import call_function
from ecqm.plan.nodes import CollectWithin, Constant, Node, PlanNode, Property, Retrieve, Scan, reachable
from ecqm.plan.rewrites.unions import union
from ecqm.values import ValueSet


@dataclass(frozen=True)
class Observation:
    """How a function of a measure is evaluated, an observation or the value of a stratifier: `value` once per patient,
    or once per element of the list `of`."""

    value: PlanNode
    of: PlanNode | None = None


@dataclass(frozen=True)
class EvaluationPlan:
    """The plans of all defines (by name), of the observations (by group and observation id) and of the stratifiers that
    are functions (by group and name) of a measure. It can be sent to another process.

    `places`: the places in the source that nodes come from.
    """

    measure: Measure
    defines: dict[str, PlanNode]
    observations: dict[tuple[str, str], Observation]
    stratifiers: dict[tuple[str, str], Observation]
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
    lowering = Lowering(libraries, kernels, lowered)
    defines: dict[str, PlanNode] = {}
    observations: dict[tuple[str, str], Observation] = {}
    stratifiers: dict[tuple[str, str], Observation] = {}
    problems: list[str] = []

    def plan(name: str) -> None:
        if is_function(main, name):
            raise MeasureError(f"measure {measure.name}: criterion {name!r} is a function; it should be a definition")
        defines[name] = lowering.define(main, name)

    for group in measure.groups:
        for population in group.criteria:
            plan(population.expression)
        for stratifier in group.stratifiers:
            for component in stratifier.components:
                if is_function(main, component.expression):
                    stratifiers[group.id, component.expression] = plan_stratifier(lowering, group, component)
                else:
                    plan(component.expression)
        for observation in group.observations:
            observations[group.id, observation.id] = plan_observation(lowering, group, observation)
    for supplement in measure.supplemental_data:
        try:
            plan(supplement.expression)
        except (PlanError, MeasureError) as error:
            problems.append(str(error))
    places = lowering.lowered.places
    return MeasurePlan(measure, defines, observations, stratifiers, places, libraries, lowering, problems)


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


def is_function(library: IndexedLibrary, name: str) -> bool:
    """Whether a name is that of a function only."""
    return name not in library.expressions and name in library.functions


def plan_observation(lowering: Lowering, group: Group, observation: Population) -> Observation:
    """The plan of an observation: a function of an episode of the observed population, or without operands for
    patients. Raises MeasureError for a function of several operands."""
    library = lowering.libraries.main
    if not library.functions.get(observation.expression):
        return Observation(lowering.define(library, observation.expression))
    observed = group.population(observation.criteria_reference or "")
    place = f"group {group.id}: observation {observation.id}"
    return _plan_function(lowering, observation.expression, [observed], group, place)


def plan_stratifier(lowering: Lowering, group: Group, component: StratifierComponent) -> Observation:
    """The plan of a stratifier that is a function: of an episode of any of the group's initial populations, or without
    operands for patients (Quality Measure IG, "Stratification"). Raises MeasureError for a function of several
    operands."""
    counted = group.having(PopulationCode.INITIAL_POPULATION)
    place = f"group {group.id}: stratifier {component.id}"
    return _plan_function(lowering, component.expression, counted, group, place)


def _plan_function(
    lowering: Lowering, name: str, populations: Sequence[Population], group: Group, place: str
) -> Observation:
    library = lowering.libraries.main
    sources = [lowering.define(library, population.expression) for population in populations]
    source = sources[0] if len(sources) == 1 else union(lowering.builder, sources)
    function = meant_overload(library.functions[name], source, group.basis, group.patient_based, place)
    scope = Scope(library, (f'{library.identifier.name}."{function.name}"',))
    if not function.operand:
        return Observation(call_function(lowering, library, function, (), function.name, scope))
    if len(function.operand) > 1:
        raise MeasureError(
            f"{place} is a function of {len(function.operand)} operands, "
            f"{', '.join(operand.name for operand in function.operand)}; it should have one, an element of population "
            f"{' or '.join(population.id for population in populations)}"
        )
    episode = element_variable(lowering, source, scope)
    value = call_function(lowering, library, function, (episode,), function.name, scope.with_variable(episode))
    scan = lowering.builder.make(Scan, source, episode, (), None)
    return Observation(lowering.builder.make(CollectWithin, scan, value, False), source)


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
