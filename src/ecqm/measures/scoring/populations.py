"""Who is in which population (Quality Measure IG, "Population Criteria" and "Measure Scoring").

Counts are memberships before subtraction: a denominator holds its exclusions and exceptions, a numerator its numerator
exclusions; the score subtracts them. What a population is drawn from:

- proportion: denominator from the initial population; exclusions from the denominator; numerator from the denominator
  less exclusions; exceptions from what is then in neither; numerator exclusions from the numerator.
- ratio: denominator and numerator each from its own initial population, independent of one another, so that a
  denominator exclusion does not remove from the numerator; exclusions each from their own.
- continuous variable: measure population from the initial population, exclusions from the measure population.
- cohort: the initial population.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from ecqm.kernels.arrays import Mask
from ecqm.measures.definition import Group, Population, PopulationCode, Scoring
from ecqm.measures.scoring.criteria import Criterion, Episodes, Evaluated
from ecqm.measures.scoring.units import Units

PopulationMembers = dict[str, Mask]
"""Population id → its members among the units."""


def units_of(group: Group, evaluated: Evaluated) -> Units:
    """What a group counts: all patients, or the distinct episodes that may be members.

    Every population is drawn from an initial population, so its episodes are all there are; if the initial population
    of an episode-based group is a condition on patients, the episodes are those of the other criteria.
    """
    if group.patient_based:
        return Units.of_patients(evaluated.n_patients)
    initial = [evaluated.criterion(p.expression) for p in group.having(PopulationCode.INITIAL_POPULATION)]
    if not all(isinstance(criterion, Episodes) for criterion in initial):
        initial = [evaluated.criterion(p.expression) for p in group.criteria]
    return Units.of_episodes(evaluated.n_patients, *(c for c in initial if isinstance(c, Episodes)))


def membership(group: Group, units: Units, evaluated: Evaluated) -> PopulationMembers:
    """The members of every population of a group, by population id."""

    def meets(population: Population) -> Mask:
        criterion: Criterion = evaluated.criterion(population.expression)
        return units.members(criterion)

    members: PopulationMembers = {}
    present = np.ones(len(units), dtype=np.bool_)
    if evaluated.failed is not None:
        present = ~evaluated.failed[units.patient]
    for population in group.having(PopulationCode.INITIAL_POPULATION):
        members[population.id] = meets(population) & present
    if group.scoring in (Scoring.PROPORTION, Scoring.RATIO):
        _fraction(group, members, meets)
    elif group.scoring is Scoring.CONTINUOUS_VARIABLE:
        _continuous_variable(group, members, meets)
    for population in group.criteria:
        # A population without a role in the scoring (an exception in a cohort) has no members.
        members.setdefault(population.id, np.zeros(len(units), dtype=np.bool_))
    return members


def union(group: Group, members: Mapping[str, Mask], code: PopulationCode, n_units: int) -> Mask:
    """The members of any population with this code; nobody if the group has none."""
    selected = np.zeros(n_units, dtype=np.bool_)
    for population in group.having(code):
        selected |= members[population.id]
    return selected


def _initial(group: Group, members: PopulationMembers, population: Population) -> Mask:
    """The initial population that a population is drawn from: the one it refers to, otherwise the first."""
    if population.criteria_reference in members:
        return members[population.criteria_reference]
    return members[group.having(PopulationCode.INITIAL_POPULATION)[0].id]


def _fraction(group: Group, members: PopulationMembers, meets: Callable[[Population], Mask]) -> None:
    n_units = len(next(iter(members.values())))

    def add(code: PopulationCode, drawn_from: Mask) -> Mask:
        for population in group.having(code):
            members[population.id] = meets(population) & drawn_from
        return union(group, members, code, n_units)

    for population in group.having(PopulationCode.DENOMINATOR):
        members[population.id] = meets(population) & _initial(group, members, population)
    denominator = union(group, members, PopulationCode.DENOMINATOR, n_units)
    counted = denominator & ~add(PopulationCode.DENOMINATOR_EXCLUSION, denominator)
    for population in group.having(PopulationCode.NUMERATOR):
        drawn_from = _initial(group, members, population) if group.scoring is Scoring.RATIO else counted
        members[population.id] = meets(population) & drawn_from
    numerator = union(group, members, PopulationCode.NUMERATOR, n_units)
    add(PopulationCode.NUMERATOR_EXCLUSION, numerator)
    add(PopulationCode.DENOMINATOR_EXCEPTION, counted & ~numerator)


def _continuous_variable(group: Group, members: PopulationMembers, meets: Callable[[Population], Mask]) -> None:
    for population in group.having(PopulationCode.MEASURE_POPULATION):
        members[population.id] = meets(population) & _initial(group, members, population)
    n_units = len(next(iter(members.values())))
    counted = union(group, members, PopulationCode.MEASURE_POPULATION, n_units)
    for population in group.having(PopulationCode.MEASURE_POPULATION_EXCLUSION):
        members[population.id] = meets(population) & counted
