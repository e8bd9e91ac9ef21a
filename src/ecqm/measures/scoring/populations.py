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

from collections.abc import Iterable, Mapping

import numpy as np

from ecqm.kernels.arrays import Mask
from ecqm.measures.definition import Group, Population, PopulationCode, Scoring
from ecqm.measures.scoring.criteria import Criterion, Episodes, Evaluated
from ecqm.measures.scoring.units import Units

_INITIAL = PopulationCode.INITIAL_POPULATION
_Role = tuple[PopulationCode, tuple[PopulationCode, ...]]

# What the populations of proportions and of ratios have in common.
_OF_FRACTIONS: Mapping[PopulationCode, _Role] = {
    PopulationCode.DENOMINATOR: (_INITIAL, ()),
    PopulationCode.DENOMINATOR_EXCLUSION: (PopulationCode.DENOMINATOR, ()),
    PopulationCode.NUMERATOR_EXCLUSION: (PopulationCode.NUMERATOR, ()),
    PopulationCode.DENOMINATOR_EXCEPTION: (
        PopulationCode.DENOMINATOR,
        (PopulationCode.DENOMINATOR_EXCLUSION, PopulationCode.NUMERATOR),
    ),
}
# What a population is drawn from, and what is taken out before.
_ROLES: Mapping[Scoring, Mapping[PopulationCode, _Role]] = {
    Scoring.PROPORTION: {
        **_OF_FRACTIONS,
        PopulationCode.NUMERATOR: (PopulationCode.DENOMINATOR, (PopulationCode.DENOMINATOR_EXCLUSION,)),
    },
    Scoring.RATIO: {**_OF_FRACTIONS, PopulationCode.NUMERATOR: (_INITIAL, ())},
    Scoring.CONTINUOUS_VARIABLE: {
        PopulationCode.MEASURE_POPULATION: (_INITIAL, ()),
        PopulationCode.MEASURE_POPULATION_EXCLUSION: (PopulationCode.MEASURE_POPULATION, ()),
    },
}
# Each after those that it is drawn from.
_IN_ORDER = (
    PopulationCode.DENOMINATOR,
    PopulationCode.DENOMINATOR_EXCLUSION,
    PopulationCode.NUMERATOR,
    PopulationCode.NUMERATOR_EXCLUSION,
    PopulationCode.DENOMINATOR_EXCEPTION,
    PopulationCode.MEASURE_POPULATION,
    PopulationCode.MEASURE_POPULATION_EXCLUSION,
)

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
    for population in group.having(_INITIAL):
        members[population.id] = meets(population) & present
    for population in (each for code in _IN_ORDER for each in group.having(code)):
        sources, before = drawn_from(group, population)
        left = _any(sources, members, len(units)) & ~_any(before, members, len(units))
        members[population.id] = left & meets(population) if sources else left
    # In the order of the measure.
    return {population.id: members[population.id] for population in group.criteria}


def drawn_from(group: Group, population: Population) -> tuple[tuple[Population, ...], tuple[Population, ...]]:
    """The populations that a population is drawn from (its members are in one of them), and those whose members are
    taken out before; no populations for one without a role in the scoring, such as an exception in a cohort."""
    role = _ROLES.get(group.scoring, {}).get(population.code)
    if role is None:
        return (), ()
    source, before = role
    sources = group.having(source)
    if source is _INITIAL:
        sources = (_initial(group, population),)
    return sources, tuple(each for code in before for each in group.having(code))


def _initial(group: Group, population: Population) -> Population:
    """The initial population that a population is drawn from: the one it refers to, otherwise the first. A numerator
    may refer to a denominator."""
    first, *others = group.having(_INITIAL)
    denominators = group.having(PopulationCode.DENOMINATOR) if population.code is PopulationCode.NUMERATOR else ()
    return next((each for each in (*others, *denominators) if each.id == population.criteria_reference), first)


def union(group: Group, members: Mapping[str, Mask], code: PopulationCode, n_units: int) -> Mask:
    """The members of any population with this code; nobody if the group has none."""
    return _any(group.having(code), members, n_units)


def _any(populations: Iterable[Population], members: Mapping[str, Mask], n_units: int) -> Mask:
    selected = np.zeros(n_units, dtype=np.bool_)
    for population in populations:
        selected |= members[population.id]
    return selected
