"""From the values of defines to populations, observations, strata and scores of each group."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import product

import numpy as np
from numpy.typing import NDArray

from ecqm.kernels.arrays import Mask, Rows
from ecqm.measures.definition import (
    Group,
    Measure,
    Population,
    PopulationCode,
    Stratifier,
    StratifierComponent,
)
from ecqm.measures.scoring.criteria import Episodes, Evaluated, Labels
from ecqm.measures.scoring.observed_units import ObservedUnits
from ecqm.measures.scoring.populations import PopulationMembers, membership, union, units_of
from ecqm.measures.scoring.tally import GroupTally, StratifierTally, Tally
from ecqm.measures.scoring.units import Units

TRUE, FALSE = "true", "false"

_EXCLUSIONS = {
    PopulationCode.DENOMINATOR: PopulationCode.DENOMINATOR_EXCLUSION,
    PopulationCode.NUMERATOR: PopulationCode.NUMERATOR_EXCLUSION,
    PopulationCode.MEASURE_POPULATION: PopulationCode.MEASURE_POPULATION_EXCLUSION,
}


@dataclass(frozen=True)
class Stratum:
    """One value of a stratifier and the units that have it, shape (units,).

    `values` has one label per component; a criterion's strata are "true" and "false".
    """

    values: tuple[str, ...]
    selected: Mask

    @property
    def value(self) -> str:
        return ", ".join(self.values)


@dataclass(frozen=True)
class StratifierResult:
    stratifier: Stratifier
    strata: tuple[Stratum, ...]
    criteria_based: bool
    """True if every component is a criterion (true or false) rather than a value."""

    def applies_to(self, population: Population) -> bool:
        return self.stratifier.counts(population)


@dataclass(frozen=True)
class GroupResult:
    """The results of one group for a batch of patients.

    `members` by population id and `observations` by observation id are arrays over `units`; an observation is
    NaN where the unit is not observed (not in the observed population, or excluded from it) or observed as null.
    `observed_units` has the units of measure of the observations that have any.
    """

    group: Group
    units: Units
    members: Mapping[str, Mask]
    observations: Mapping[str, NDArray[np.float64]]
    stratifiers: tuple[StratifierResult, ...]
    observed_units: Mapping[str, ObservedUnits] = field(default_factory=dict)

    def counts(self, population_id: str, within: Mask | None = None) -> Rows:
        """Members of a population per patient: 0 or 1 of patients, the number of episodes otherwise."""
        return self.units.per_patient(_within(self.members[population_id], within))

    def total(self, population_id: str, within: Mask | None = None) -> int:
        """Members of a population among all patients."""
        return int(np.count_nonzero(_within(self.members[population_id], within)))

    def episodes(self, population_id: str) -> Episodes:
        """The members of a population themselves."""
        return self.units.episodes(self.members[population_id])

    def observed(self, observation_id: str) -> list[float]:
        """The values of an observation in order of the units; nulls are left out."""
        values = self.observations[observation_id]
        return [float(value) for value in values[~np.isnan(values)]]

    def of_patient(self, patient: int) -> GroupResult:
        """The results of one patient alone: totals, scores, strata and observations over that patient's units."""
        rows = self.units.rows_of(patient)
        stratifiers = tuple(
            replace(result, strata=tuple(replace(s, selected=s.selected[rows]) for s in result.strata))
            for result in self.stratifiers
        )
        return GroupResult(
            group=self.group,
            units=self.units.only(rows),
            members={population: members[rows] for population, members in self.members.items()},
            observations={observation: values[rows] for observation, values in self.observations.items()},
            stratifiers=stratifiers,
            observed_units={
                observation: ObservedUnits(units.code[rows], units.names)
                for observation, units in self.observed_units.items()
            },
        )

    def score(self, within: Mask | None = None) -> float | None:
        """The score over the selected units; None where it is not defined (nobody to divide by, a cohort)."""
        return self._tally(within).score(self.group)

    def tally(self) -> GroupTally:
        """The counts of the group, overall and by stratum."""
        stratifiers = tuple(
            StratifierTally(
                result.stratifier, {stratum.values: self._tally(stratum.selected) for stratum in result.strata}
            )
            for result in self.stratifiers
        )
        return GroupTally(self.group, self._tally(None), stratifiers)

    def _tally(self, within: Mask | None) -> Tally:
        n = len(self.units)
        observed, units = {}, {}
        for name, values in self.observations.items():
            present = ~np.isnan(values)
            observed[name] = values[_within(present, within)]
            if (known := self.observed_units.get(name)) is not None:
                # The strata have the unit of all.
                units[name] = known.common(present, f"observation {name}")
                observed[name] = known.converted(values, units[name])[_within(present, within)]
        return Tally(
            {population: self.total(population, within) for population in self.members},
            {
                code.value: int(np.count_nonzero(_within(union(self.group, self.members, code, n), within)))
                for code in {population.code for population in self.group.criteria}
            },
            observed,
            units,
        )


def _within(members: Mask, within: Mask | None) -> Mask:
    return members if within is None else members & within


def evaluate_measure(measure: Measure, evaluated: Evaluated) -> tuple[GroupResult, ...]:
    """The results of every group of a measure, in their order."""
    return tuple(evaluate_group(group, evaluated) for group in measure.groups)


def evaluate_group(group: Group, evaluated: Evaluated) -> GroupResult:
    """Populations, observations and strata of one group, for all patients at once.

    Raises MeasureError for observations in units that cannot be converted into each other.
    """
    units = units_of(group, evaluated)
    members = membership(group, units, evaluated)
    observations = {
        observation.id: _observations(group, observation, units, members, evaluated)
        for observation in group.observations
    }
    observed_units = {
        observation.id: found
        for observation in group.observations
        if (observed := evaluated.observations.get((group.id, observation.id))) is not None
        and (found := units.observed_units(observed)) is not None
    }
    for name, found in observed_units.items():
        found.common(~np.isnan(observations[name]), f"group {group.id}: observation {name}")
    stratifiers = tuple(_stratify(group, stratifier, units, evaluated) for stratifier in group.stratifiers)
    return GroupResult(group, units, members, observations, stratifiers, observed_units)


def _observations(
    group: Group, observation: Population, units: Units, members: PopulationMembers, evaluated: Evaluated
) -> NDArray[np.float64]:
    """The values of an observation on the members of the population it observes, less those excluded from it."""
    observed = group.population(observation.criteria_reference or "")
    counted = members[observed.id]
    exclusion = _EXCLUSIONS.get(observed.code)
    if exclusion is not None:
        counted = counted & ~union(group, members, exclusion, len(units))
    result = evaluated.observations.get((group.id, observation.id))
    if result is None:
        return np.full(len(units), np.nan)
    return np.where(counted, units.values(result), np.nan)


def _stratify(group: Group, stratifier: Stratifier, units: Units, evaluated: Evaluated) -> StratifierResult:
    """The strata of a stratifier: one per combination of its components' values that some unit has.

    Both strata of a criterion are given even if one is empty. A unit without a value is in no stratum, one with several
    in the stratum of each.
    """
    having: list[Callable[[int], Mask]] = []
    names: list[tuple[str, ...]] = []
    criteria_based = True
    for component in stratifier.components:
        units_having, labels, is_criterion = _component(group, component, units, evaluated)
        having.append(units_having)
        names.append(labels)
        criteria_based &= is_criterion
    keep_empty = criteria_based and len(having) == 1
    strata = []
    for combination in product(*(range(len(labels)) for labels in names)):
        selected = np.ones(len(units), dtype=np.bool_)
        for units_having, wanted in zip(having, combination, strict=True):
            selected &= units_having(wanted)
        if keep_empty or selected.any():
            values = tuple(labels[wanted] for labels, wanted in zip(names, combination, strict=True))
            strata.append(Stratum(values, selected))
    return StratifierResult(stratifier, tuple(strata), criteria_based)


def _component(
    group: Group, component: StratifierComponent, units: Units, evaluated: Evaluated
) -> tuple[Callable[[int], Mask], tuple[str, ...], bool]:
    """The units that have each label, by its number; the labels; and whether they are those of a criterion."""
    function = evaluated.strata.get((group.id, component.expression))
    value = evaluated.defines[component.expression] if function is None else function
    if isinstance(value, Labels) and value.patient is not None:
        return partial(units.with_label, value), value.names, False
    if isinstance(value, Labels):
        return partial(np.equal, units.labels(value)), value.names, False
    return partial(np.equal, np.where(units.members(value), 0, 1)), (TRUE, FALSE), True
