"""Which populations the scoring of a group has a use for (Quality Measure IG, "Criteria Names", the table of measure
populations by scoring)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ecqm.measures.definition.measure import Group, PopulationCode, Scoring


class Role(NamedTuple):
    """How many populations of a code a group should have, at least and at most."""

    least: int
    most: int


_REQUIRED, _OPTIONAL = Role(1, 1), Role(0, 1)
_FRACTION = {
    PopulationCode.DENOMINATOR: _REQUIRED,
    PopulationCode.DENOMINATOR_EXCLUSION: _OPTIONAL,
    PopulationCode.NUMERATOR: _REQUIRED,
    PopulationCode.NUMERATOR_EXCLUSION: _OPTIONAL,
}
_ROLES: dict[Scoring, dict[PopulationCode, Role]] = {
    Scoring.COHORT: {PopulationCode.INITIAL_POPULATION: _REQUIRED},
    Scoring.PROPORTION: {
        PopulationCode.INITIAL_POPULATION: _REQUIRED,
        **_FRACTION,
        PopulationCode.DENOMINATOR_EXCEPTION: _OPTIONAL,
    },
    Scoring.RATIO: {
        PopulationCode.INITIAL_POPULATION: Role(1, 2),
        **_FRACTION,
        PopulationCode.MEASURE_OBSERVATION: Role(0, 2),
    },
    Scoring.CONTINUOUS_VARIABLE: {
        PopulationCode.INITIAL_POPULATION: _REQUIRED,
        PopulationCode.MEASURE_POPULATION: _REQUIRED,
        PopulationCode.MEASURE_POPULATION_EXCLUSION: _OPTIONAL,
        PopulationCode.MEASURE_OBSERVATION: _REQUIRED,
    },
}


def role_problems(group: Group) -> Iterator[str]:
    """What a group has too many of, too few, or without a use, and what its observations leave open."""
    roles = _ROLES.get(group.scoring, {})
    codes = dict.fromkeys((*roles, *(population.code for population in group.populations)))
    for code in codes:
        found, (least, most) = len(group.having(code)), roles.get(code, Role(0, 0))
        if found < least:
            yield f"{group.scoring} scoring needs a {code}; without it there is no score"
        elif found and not most:
            yield f"{group.scoring} scoring has no use for a {code}"
        elif found > most and code is PopulationCode.MEASURE_OBSERVATION:
            yield f"{found} observations, of which {group.scoring} scoring uses {most}"
        elif found > most:
            yield f"{found} populations with the code {code}, which count as one"
    yield from _observation_problems(group)


def _observation_problems(group: Group) -> Iterator[str]:
    if group.scoring not in (Scoring.RATIO, Scoring.CONTINUOUS_VARIABLE):
        return
    for observation in group.observations:
        if observation.aggregate is None:
            yield f"observation {observation.id} has no aggregate method, so its values are counted"
    if group.scoring is Scoring.RATIO and group.observations:
        observed = {group.population(each.criteria_reference or "").code for each in group.observations}
        sides = (PopulationCode.DENOMINATOR, PopulationCode.NUMERATOR)
        for missing in [side for side in sides if side not in observed]:
            yield f"no observation of the {missing}, so the score is that of counts"
