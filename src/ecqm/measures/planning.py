"""The evaluation plan of a measure: one plan node per define that its populations, strata and data name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from ecqm.data import Demand
from ecqm.elm import nodes as elm
from ecqm.elm.resolution import ResolvedLibraries
from ecqm.measures.binding import bind_expressions
from ecqm.measures.definition import Group, Measure, Population
from ecqm.plan.lowering import Lowering, PlanError
from ecqm.plan.lowering.core import Scope
from ecqm.plan.lowering.queries import element_variable
from ecqm.plan.lowering.references import call_function
from ecqm.plan.nodes import Collect, Node, PlanNode, Retrieve, Scan


@dataclass(frozen=True)
class Observation:
    """How an observation is evaluated: `value` once per patient, or once per element of the list `of`."""

    value: PlanNode
    of: PlanNode | None = None


@dataclass(frozen=True)
class MeasurePlan:
    """A measure with the plan of each define (by name) and observation (by group and observation id) that it needs.

    `demand` is what has to be read of the data; `problems` names supplemental defines that could not be planned.
    """

    measure: Measure
    libraries: ResolvedLibraries
    lowering: Lowering
    defines: dict[str, PlanNode]
    observations: dict[tuple[str, str], Observation]
    demand: Demand
    problems: list[str] = field(default_factory=list)


def plan_measure(
    measure: Measure, libraries: ResolvedLibraries, kernels: Callable[[str, str], str | None]
) -> MeasurePlan:
    """Plan everything that a measure needs.

    Raises MeasureError if a population or stratifier is not defined, PlanError if it cannot be planned.
    """
    measure = bind_expressions(measure, (*libraries.main.expressions, *libraries.main.functions))
    lowering = Lowering(libraries, kernels)
    defines: dict[str, PlanNode] = {}
    observations: dict[tuple[str, str], Observation] = {}
    problems: list[str] = []

    def plan(name: str) -> None:
        defines[name] = lowering.define(libraries.main, name)

    for group in measure.groups:
        for population in group.criteria:
            plan(population.expression)
        for stratifier in group.stratifiers:
            for component in stratifier.components:
                plan(component.expression)
        for observation in group.observations:
            observations[group.id, observation.id] = _observation(lowering, group, observation)
    for supplement in measure.supplemental_data:
        try:
            plan(supplement.expression)
        except PlanError as error:
            problems.append(str(error))
    nodes = [*defines.values(), *(o.value for o in observations.values())]
    demand = Demand.of(resource_types(nodes), lowering.element_names)
    return MeasurePlan(measure, libraries, lowering, defines, observations, demand, problems)


def _observation(lowering: Lowering, group: Group, observation: Population) -> Observation:
    """An observation is a function of an episode of the population it observes, or of nothing for patients."""
    library = lowering.libraries.main
    functions = library.functions.get(observation.expression, ())
    if not functions:
        return Observation(lowering.define(library, observation.expression))
    function: elm.FunctionDef = functions[0]
    scope = Scope(library, (f'{library.identifier.name}."{function.name}"',))
    if not function.operand:
        return Observation(call_function(lowering, library, function, (), function.name, scope))
    observed = group.population(observation.criteria_reference or "")
    source = lowering.define(library, observed.expression)
    episode = element_variable(lowering, source, scope)
    value = call_function(lowering, library, function, (episode,), function.name, scope.with_variable(episode))
    scan = lowering.builder.make(Scan, source, episode, (), None)
    return Observation(lowering.builder.make(Collect, scan, value, False), source)


def resource_types(nodes: Iterable[Node]) -> set[str]:
    """The types of the resources that plans retrieve, and of those that their code filters are led to."""
    found = {"Patient"}
    seen: set[Node] = set()
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        if node in seen:
            continue
        seen.add(node)
        if isinstance(node, Retrieve):
            found.add(node.resource_type.partition(".")[2])
            if node.code_property == "medication":
                found.add("Medication")
        waiting += node.children()
    return found
