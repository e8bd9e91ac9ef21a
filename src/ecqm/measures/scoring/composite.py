"""Scores of composites, from the results of the groups that they are composed of (Quality Measure IG, "Composites").

A composite scores units: patients, or episodes if that is its basis. To a patient-based composite, a component that
counts episodes contributes, for each population, the patients with an episode in it. A component gives a unit an
opportunity if the unit is in the denominator and in neither exclusions nor exceptions, and a success if it is also in
the numerator and in no numerator exclusion. The score is then

- opportunity: all successes over all opportunities;
- all-or-nothing: a proportion whose populations are unions of the components', with a numerator of those who are in the
  numerator of every component whose denominator they are in;
- linear: the mean over units of successes over opportunities;
- weighted: the weighted mean of the components' own scores, those that are not defined left out.

A component whose improvement notation is the opposite of the composite's is reversed: an opportunity without success
counts as a success, and the component's score s as 1 - s.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ecqm.kernels.arrays import Mask
from ecqm.measures.definition import Composite, CompositeScoring, Measure, PopulationCode
from ecqm.measures.scoring.groups import GroupResult
from ecqm.measures.scoring.populations import union
from ecqm.measures.scoring.tally import GroupTally
from ecqm.measures.scoring.units import Units

_Numbers = NDArray[Any]


@dataclass(frozen=True)
class CompositeTally:
    """The numbers behind a composite score, without patients; tallies of batches add up.

    The score is `achieved` of `possible`: successes of opportunities, units of units, or shares of units. Weighted
    scoring adds up no units, so that both are 0.
    """

    achieved: float = 0.0
    possible: float = 0.0

    def __add__(self, other: CompositeTally) -> CompositeTally:
        return CompositeTally(self.achieved + other.achieved, self.possible + other.possible)


@dataclass(frozen=True)
class CompositeResult:
    """`patient_scores` has shape (patients,): each patient's own score, NaN for one without any opportunity."""

    composite: Composite
    tally: CompositeTally
    patient_scores: NDArray[np.float64]

    def score_of(self, patient: int) -> float | None:
        """The score of one patient; None without any opportunity."""
        score = float(self.patient_scores[patient])
        return None if np.isnan(score) else score


def composite_result(composite: Composite, components: Sequence[GroupResult], failed: Mask | None) -> CompositeResult:
    """A composite over some patients, from the results of its components in their order.

    Patients who `failed` in a component are in none of its populations, and are not scored.
    """
    units = _units(composite, components)
    counted = np.ones(len(units), np.bool_) if failed is None else ~failed[units.patient]
    parts = [_Part.of(composite, result, units, counted) for result in components]
    opportunities = np.stack([part.opportunities for part in parts])
    successes = np.stack([part.successes for part in parts])
    if composite.scoring is CompositeScoring.WEIGHTED:
        return CompositeResult(composite, CompositeTally(), _weighted(composite, opportunities, successes, units))
    if composite.scoring is CompositeScoring.ALL_OR_NOTHING:
        possible, achieved = _all_or_nothing(parts)
    else:
        possible, achieved = opportunities.sum(axis=0), successes.sum(axis=0)
    if composite.scoring is CompositeScoring.LINEAR:
        achieved = np.nan_to_num(_quotient(achieved, possible))
        possible = possible > 0
    tally = CompositeTally(float(achieved.sum()), float(possible.sum()))
    return CompositeResult(composite, tally, _quotient(_by_patient(achieved, units), _by_patient(possible, units)))


def composite_score(composite: Composite, tally: CompositeTally, components: Sequence[GroupTally]) -> float | None:
    """The score over all patients, from the tallies of all components; None where it is not defined."""
    if composite.scoring is not CompositeScoring.WEIGHTED:
        return tally.achieved / tally.possible if tally.possible > 0 else None
    above = below = 0.0
    for component, counted in zip(composite.components, components, strict=True):
        score = counted.score()
        if score is not None:
            above += component.weight * (1 - score if composite.reverses(counted.group) else score)
            below += component.weight
    return above / below if below > 0 else None


CompositeScores = tuple[tuple[Composite, float | None], ...]


def composite_scores(
    measure: Measure, batches: Iterable[Sequence[CompositeTally]], groups: Mapping[str, Iterable[GroupTally]]
) -> CompositeScores:
    """The score of each composite of a measure over all batches; each batch has a tally per composite.

    `groups` has the tallies of all components over all batches, by the canonical of their measures.
    """
    tallies = [sum(each, CompositeTally()) for each in zip(*batches, strict=True)]
    return tuple(
        (composite, None if found is None else composite_score(composite, tally, found))
        for composite, tally in zip(measure.composites, tallies, strict=True)
        for found in [component_groups(composite, groups)]
    )


_G = TypeVar("_G", GroupResult, GroupTally)


def component_groups(composite: Composite, measures: Mapping[str, Iterable[_G]]) -> list[_G] | None:
    """The results of a composite's components, found by the canonical of their measures; None if one is missing."""
    found = []
    for component in composite.components:
        group = next((g for g in measures.get(component.measure, ()) if g.group.id == component.group_id), None)
        if group is None:
            return None
        found.append(group)
    return found


@dataclass(frozen=True)
class _Part:
    """A component's populations over the composite's units, reversed if it has to be."""

    denominator: Mask
    excluded: Mask
    excepted: Mask
    numerator: Mask
    numerator_excluded: Mask

    @classmethod
    def of(cls, composite: Composite, result: GroupResult, units: Units, counted: Mask) -> _Part:
        def members(code: PopulationCode) -> Mask:
            found = union(result.group, dict(result.members), code, len(result.units))
            if composite.patient_based:
                return counted & (result.units.per_patient(found) > 0)
            return counted & units.members(result.units.episodes(found))

        part = cls(
            members(PopulationCode.DENOMINATOR),
            members(PopulationCode.DENOMINATOR_EXCLUSION),
            members(PopulationCode.DENOMINATOR_EXCEPTION),
            members(PopulationCode.NUMERATOR),
            members(PopulationCode.NUMERATOR_EXCLUSION),
        )
        if not composite.reverses(result.group):
            return part
        missed = part.opportunities & ~part.successes
        return replace(part, numerator=missed, numerator_excluded=np.zeros(len(missed), np.bool_))

    @property
    def opportunities(self) -> Mask:
        return self.denominator & ~self.excluded & ~(self.excepted & ~self.numerator)

    @property
    def successes(self) -> Mask:
        return self.opportunities & self.numerator & ~self.numerator_excluded


def _units(composite: Composite, components: Sequence[GroupResult]) -> Units:
    n_patients = components[0].units.n_patients
    if composite.patient_based:
        return Units.of_patients(n_patients)
    everything = (result.units.episodes(np.ones(len(result.units), np.bool_)) for result in components)
    return Units.of_episodes(n_patients, *everything)


def _all_or_nothing(parts: Sequence[_Part]) -> tuple[_Numbers, _Numbers]:
    """The denominator and the numerator, less exclusions and exceptions."""

    def any_of(masks: Iterable[Mask]) -> Mask:
        return reduce(np.logical_or, masks)

    counted = any_of(part.denominator for part in parts) & ~any_of(part.excluded for part in parts)
    numerator = counted & ~any_of(part.denominator & ~part.numerator for part in parts)
    excepted = any_of(part.excepted for part in parts) & ~numerator
    return counted & ~excepted, numerator & ~any_of(part.numerator_excluded for part in parts)


def _weighted(composite: Composite, opportunities: Mask, successes: Mask, units: Units) -> NDArray[np.float64]:
    """Each patient's weighted mean of the shares taken of each component's opportunities."""
    above, below = np.zeros(units.n_patients), np.zeros(units.n_patients)
    for component, offered, taken in zip(composite.components, opportunities, successes, strict=True):
        share = _quotient(_by_patient(taken, units), _by_patient(offered, units))
        above += component.weight * np.nan_to_num(share)
        below += component.weight * ~np.isnan(share)
    return _quotient(above, below)


def _by_patient(values: _Numbers, units: Units) -> NDArray[np.float64]:
    return np.bincount(units.patient, values.astype(np.float64), minlength=units.n_patients).astype(np.float64)


def _quotient(above: _Numbers, below: _Numbers) -> NDArray[np.float64]:
    """above / below, NaN where below is 0."""
    quotient = np.full(len(below), np.nan)
    np.divide(above, below, out=quotient, where=below > 0)
    return quotient
