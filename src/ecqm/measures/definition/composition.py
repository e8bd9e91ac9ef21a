"""Composites and the measures that they are composed of (Quality Measure IG, "Composites")."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from ecqm.measures.definition.measure import (
    ComponentMeasure,
    Composite,
    CompositeScoring,
    Group,
    Measure,
    MeasureError,
    Scoring,
)

_COMBINED = {
    CompositeScoring.OPPORTUNITY: {Scoring.PROPORTION, Scoring.RATIO},
    CompositeScoring.ALL_OR_NOTHING: {Scoring.PROPORTION, Scoring.RATIO},
    CompositeScoring.LINEAR: {Scoring.PROPORTION, Scoring.RATIO},
    CompositeScoring.WEIGHTED: {Scoring.PROPORTION, Scoring.RATIO, Scoring.CONTINUOUS_VARIABLE},
}


def resolved_composites(measure: Measure, find: Callable[[str], Measure]) -> tuple[Measure, list[Measure]]:
    """The measure with every component named by versioned canonical and group, and the measures of the components.

    `find` gives the measure of a canonical, which may have no version; what it raises for an unknown one is passed on.
    Raises MeasureError for components that cannot be combined.
    """
    needed: dict[str, Measure] = {}

    def resolved(composite: Composite, component: ComponentMeasure) -> ComponentMeasure:
        found = measure if component.measure.partition("|")[0] == measure.url else find(component.measure)
        needed[found.canonical] = found
        group = _component_group(found, composite, component)
        return replace(component, measure=found.canonical, group_id=group.id)

    def with_groups(composite: Composite) -> Composite:
        if not composite.components:
            raise MeasureError(f"composite {measure.name} has no component")
        components = tuple(resolved(composite, component) for component in composite.components)
        return replace(composite, components=components)

    bound = replace(measure, composites=tuple(map(with_groups, measure.composites)))
    differing = tuple(
        f"measure {measure.name}: its component {each.name} has another effective period, and is evaluated over that "
        "unless a period is stated"
        for each in needed.values()
        if each.period != measure.period
    )
    bound = replace(bound, problems=bound.problems + differing)
    if not measure.groups:
        bound = _with_supplements(bound, needed.values())
    needed.pop(measure.canonical, None)
    return bound, list(needed.values())


def _with_supplements(measure: Measure, components: Iterable[Measure]) -> Measure:
    """A measure without logic of its own, with the supplemental data of its components, each name once."""
    found = {s.expression: s for component in components for s in component.supplemental_data}
    own = {s.expression: s for s in measure.supplemental_data}
    problems = tuple(
        f"measure {measure.name}: no component has the supplemental data {name!r}" for name in own if name not in found
    )
    supplements = tuple(own.get(name, supplement) for name, supplement in found.items())
    return replace(measure, supplemental_data=supplements, problems=measure.problems + problems)


def _component_group(measure: Measure, composite: Composite, component: ComponentMeasure) -> Group:
    """The group that a component refers to. Raises MeasureError if the composite's scoring cannot combine it."""
    where = f"component {component.measure}"
    if not measure.groups:
        raise MeasureError(f"{where} is itself a composite")
    if component.group_id is None and len(measure.groups) > 1:
        raise MeasureError(f"{where} has several groups; the composite has to name one (cqfm-groupId)")
    group = next((g for g in measure.groups if component.group_id in (None, g.id)), None)
    if group is None:
        raise MeasureError(f"{where} has no group {component.group_id}")
    if group.scoring not in _COMBINED[composite.scoring]:
        raise MeasureError(f"{where}: {composite.scoring} scoring does not combine measures of {group.scoring} scoring")
    if not composite.patient_based and composite.basis != group.basis:
        raise MeasureError(f"{where} counts {group.basis}, but the composite {composite.basis}")
    if group.scoring is Scoring.CONTINUOUS_VARIABLE and composite.reverses(group):
        raise MeasureError(
            f"{where} improves in the opposite direction of the composite, and observations cannot be reversed"
        )
    return group
