"""The functions of a measure: observations, and stratifiers that are functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ecqm.elm import IndexedLibrary
from ecqm.measures.definition import Group, MeasureError, Population, PopulationCode, StratifierComponent
from ecqm.measures.evaluation.overloads import meant_overload
from ecqm.plan.lowering import Lowering
from ecqm.plan.lowering.core import Scope
from ecqm.plan.lowering.queries import element_variable
from ecqm.plan.lowering.references import call_function
from ecqm.plan.nodes import CollectWithin, PlanNode, Scan
from ecqm.plan.rewrites.unions import union


@dataclass(frozen=True)
class PlannedFunction:
    """How a function of a measure is evaluated, an observation or the value of a stratifier: `value` once per patient,
    or once per element of the list `of`."""

    value: PlanNode
    of: PlanNode | None = None


def is_function(library: IndexedLibrary, name: str) -> bool:
    """Whether a name is that of a function only."""
    return name not in library.expressions and name in library.functions


def plan_observation(lowering: Lowering, group: Group, observation: Population) -> PlannedFunction:
    """The plan of an observation: a function of an episode of the observed population, or without operands for
    patients. Raises MeasureError for a function of several operands."""
    library = lowering.libraries.main
    if not library.functions.get(observation.expression):
        return PlannedFunction(lowering.define(library, observation.expression))
    observed = group.population(observation.criteria_reference or "")
    place = f"group {group.id}: observation {observation.id}"
    return _plan_function(lowering, observation.expression, [observed], group, place)


def plan_stratifier(lowering: Lowering, group: Group, component: StratifierComponent) -> PlannedFunction:
    """The plan of a stratifier that is a function: of an episode of any of the group's initial populations, or without
    operands for patients (Quality Measure IG, "Stratification"). Raises MeasureError for a function of several
    operands."""
    counted = group.having(PopulationCode.INITIAL_POPULATION)
    place = f"group {group.id}: stratifier {component.id}"
    return _plan_function(lowering, component.expression, counted, group, place)


def _plan_function(
    lowering: Lowering, name: str, populations: Sequence[Population], group: Group, place: str
) -> PlannedFunction:
    library = lowering.libraries.main
    sources = [lowering.define(library, population.expression) for population in populations]
    source = sources[0] if len(sources) == 1 else union(lowering.builder, sources)
    function = meant_overload(library.functions[name], source, group.basis, group.patient_based, place)
    scope = Scope(library, (f'{library.identifier.name}."{function.name}"',))
    if not function.operand:
        return PlannedFunction(call_function(lowering, library, function, (), function.name, scope))
    if len(function.operand) > 1:
        raise MeasureError(
            f"{place} is a function of {len(function.operand)} operands, "
            f"{', '.join(operand.name for operand in function.operand)}; it should have one, an element of population "
            f"{' or '.join(population.id for population in populations)}"
        )
    episode = element_variable(lowering, source, scope)
    value = call_function(lowering, library, function, (episode,), function.name, scope.with_variable(episode))
    scan = lowering.builder.make(Scan, source, episode, (), None)
    return PlannedFunction(lowering.builder.make(CollectWithin, scan, value, False), source)
