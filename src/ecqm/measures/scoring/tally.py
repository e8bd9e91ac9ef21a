"""Counts of the members of populations, without the members: all that a summary report needs.

Tallies of batches of patients add up to that of all of them, however many there are: the size of a tally does not grow
with the number of patients, except by the observed values that a median needs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecqm.measures.definition import Aggregate, Group, Population, PopulationCode, Scoring, Stratifier
from ecqm.measures.scoring.observed_units import ONE, common_unit, converted, unit_of_quotient
from ecqm.values.units import comparable

Json = dict[str, Any]


@dataclass(frozen=True)
class Tally:
    """Units (patients or episodes) counted, all of a group's or those of a stratum.

    `members` by population id; `of_code` those in any population of a code; `observed` the values of each observation
    by its id, without nulls, and `units` the units of those that have one.
    """

    members: Mapping[str, int]
    of_code: Mapping[str, int]
    observed: Mapping[str, NDArray[np.float64]]
    units: Mapping[str, str] = field(default_factory=dict)

    def score(self, group: Group) -> float | None:
        """The score; None where it is not defined (nobody to divide by, a cohort)."""
        return self._scored(group)[0]

    def score_unit(self, group: Group) -> str | None:
        """The unit of the score; None if it has none, or if there is no score."""
        score, unit = self._scored(group)
        return None if score is None or unit == ONE else unit

    def observed_unit(self, observation: Population) -> str | None:
        """The unit of an observation's aggregate; None if it has none."""
        unit = self._unit(observation)
        return None if unit == ONE else unit

    def values_in(self, observation: str, units: Mapping[str, str]) -> NDArray[np.float64]:
        """The values of an observation in the unit that `units` has for it; without one, in their own."""
        own = self.units.get(observation, ONE)
        values = self.observed[observation]
        return converted(values, own, units.get(observation, own)) if len(values) else values

    def _scored(self, group: Group) -> tuple[float | None, str]:
        if group.scoring is Scoring.CONTINUOUS_VARIABLE and group.observations:
            return self._aggregate(group.observations[0]), self._unit(group.observations[0])
        if group.scoring is Scoring.PROPORTION:
            return self._fraction(PopulationCode.DENOMINATOR_EXCLUSION, PopulationCode.DENOMINATOR_EXCEPTION), ONE
        if group.scoring is Scoring.RATIO:
            observing = {group.population(o.criteria_reference or "").code: o for o in group.observations}
            top = observing.get(PopulationCode.NUMERATOR)
            bottom = observing.get(PopulationCode.DENOMINATOR)
            if top is None or bottom is None:
                return self._fraction(PopulationCode.DENOMINATOR_EXCLUSION), ONE
            return self._quotient(top, bottom)
        return None, ONE

    def _quotient(self, top: Population, bottom: Population) -> tuple[float | None, str]:
        above, below = self._aggregate(top), self._aggregate(bottom)
        unit, other = self._unit(top), self._unit(bottom)
        if above is None or not below:
            return None, ONE
        if comparable(unit, other):
            return above / float(converted(np.array([below]), other, unit)[0]), ONE
        return above / below, unit_of_quotient(unit, other)

    def _unit(self, observation: Population) -> str:
        counts = observation.aggregate in (None, Aggregate.COUNT)
        return ONE if counts else self.units.get(observation.id, ONE)

    def _fraction(self, *removed: PopulationCode) -> float | None:
        above = self._count(PopulationCode.NUMERATOR) - self._count(PopulationCode.NUMERATOR_EXCLUSION)
        below = self._count(PopulationCode.DENOMINATOR) - sum(map(self._count, removed))
        return above / below if below > 0 else None

    def _count(self, code: PopulationCode) -> int:
        return self.of_code.get(code.value, 0)

    def _aggregate(self, observation: Population) -> float | None:
        return aggregate(observation.aggregate or Aggregate.COUNT, self.observed[observation.id])


def aggregate(method: Aggregate, values: NDArray[np.float64]) -> float | None:
    """Observed values aggregated to one number. Count and sum of no values are 0; the others are then undefined."""
    if method is Aggregate.COUNT:
        return float(len(values))
    if method is Aggregate.SUM:
        return float(values.sum())
    if len(values) == 0:
        return None
    functions: dict[Aggregate, Callable[[NDArray[np.float64]], np.floating[Any]]] = {
        Aggregate.AVERAGE: np.mean,
        Aggregate.MEDIAN: np.median,
        Aggregate.MINIMUM: np.min,
        Aggregate.MAXIMUM: np.max,
    }
    return float(functions[method](values))


@dataclass(frozen=True)
class StratifierTally:
    """A tally for each value that a stratifier has, by its labels: one per component."""

    stratifier: Stratifier
    strata: Mapping[tuple[str, ...], Tally]


@dataclass(frozen=True)
class GroupTally:
    """The counts of a group, overall and by stratum."""

    group: Group
    overall: Tally
    stratifiers: tuple[StratifierTally, ...] = ()

    def __repr__(self) -> str:
        counts = ", ".join(f"{each.code.value} {self.total(each.id)}" for each in self.group.criteria)
        return f"<GroupTally {self.group.id}: {counts}>"

    def total(self, population_id: str) -> int:
        """Members of a population among all patients."""
        return self.overall.members[population_id]

    def score(self) -> float | None:
        """The score over all units; None where it is not defined."""
        return self.overall.score(self.group)

    def score_unit(self) -> str | None:
        """The unit of the score; None if it has none."""
        return self.overall.score_unit(self.group)

    def to_json(self) -> Json:
        """The tally as JSON, without the definition of its group."""
        return {
            "overall": _json(self.overall),
            "strata": [
                [[list(values), _json(tally)] for values, tally in each.strata.items()] for each in self.stratifiers
            ],
        }

    @classmethod
    def from_json(cls, group: Group, content: Json) -> GroupTally:
        """The tally of a group that `to_json` wrote."""
        stratifiers = tuple(
            StratifierTally(stratifier, {tuple(values): _tally(tally) for values, tally in strata})
            for stratifier, strata in zip(group.stratifiers, content["strata"], strict=True)
        )
        return cls(group, _tally(content["overall"]), stratifiers)


def _json(tally: Tally) -> Json:
    observed = {name: values.tolist() for name, values in tally.observed.items()}
    units = dict(tally.units)
    return {"members": dict(tally.members), "of_code": dict(tally.of_code), "observed": observed, "units": units}


def _tally(content: Json) -> Tally:
    observed = {name: np.array(values, np.float64) for name, values in content["observed"].items()}
    return Tally(content["members"], content["of_code"], observed, content["units"])


def merged_tallies(parts: Sequence[GroupTally]) -> GroupTally:
    """The tally of a group over several batches.

    Raises MeasureError for observations in units that cannot be converted into each other.
    """
    units = _units([part.overall for part in parts])
    stratifiers = tuple(
        StratifierTally(
            each.stratifier,
            {
                values: _merged([part.strata[values] for part in of_stratifier if values in part.strata], units)
                # In order of first appearance.
                for values in dict.fromkeys(values for part in of_stratifier for values in part.strata)
            },
        )
        for place, each in enumerate(parts[0].stratifiers)
        for of_stratifier in [[part.stratifiers[place] for part in parts]]
    )
    return GroupTally(parts[0].group, _merged([part.overall for part in parts], units), stratifiers)


def _units(parts: Sequence[Tally]) -> dict[str, str]:
    """The unit of each observation that has one in some part. Parts without any value have none to consider."""
    units = {}
    for name in dict.fromkeys(name for part in parts for name in part.units):
        found = (part.units.get(name, ONE) for part in parts if len(part.observed[name]))
        units[name] = common_unit(found, f"observation {name}")
    return units


def _merged(parts: Sequence[Tally], units: Mapping[str, str]) -> Tally:
    first = parts[0]
    return Tally(
        {name: sum(part.members[name] for part in parts) for name in first.members},
        {code: sum(part.of_code[code] for part in parts) for code in first.of_code},
        {name: np.concatenate([part.values_in(name, units) for part in parts]) for name in first.observed},
        units,
    )
