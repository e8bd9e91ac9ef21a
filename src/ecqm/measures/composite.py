"""The score of a measure that is composed of others (Quality Measure IG, "Composite Measures").

A component gives each patient opportunities (what is left of its denominator after exclusions and exceptions) and
successes (its numerator less numerator exclusions among them). The methods differ in what they add up:

- opportunity: all successes over all opportunities;
- all-or-nothing: patients who took every opportunity they had, over patients who had any;
- linear: the mean over patients of successes over opportunities;
- weighted: the same with each component's successes and opportunities multiplied by its weight.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ecqm.measures.definition import (
    ComponentMeasure,
    CompositeScoring,
    Measure,
    MeasureError,
    PopulationCode,
    Scoring,
)
from ecqm.measures.evaluation import GroupResult
from ecqm.measures.populations import union


@dataclass(frozen=True)
class CompositeResult:
    """``score`` is None if no patient has an opportunity.

    ``patient_scores`` has shape (patients,), NaN for patients without opportunity; it is the patient's own composite
    score by the measure's method.
    """

    score: float | None
    patient_scores: NDArray[np.float64]


def composite_result(
    measure: Measure, components: Sequence[tuple[ComponentMeasure, Sequence[GroupResult]]]
) -> CompositeResult:
    """The composite score from the results of every component over the same patients.

    ``MeasureError`` if ``measure`` is not composite or a component has no group that can be combined.
    """
    if measure.composite_scoring is None:
        raise MeasureError(f"measure {measure.name} is not a composite")
    chosen = [(component, _group(component, results)) for component, results in components]
    if not chosen:
        raise MeasureError(f"composite {measure.name} has no component")
    weighted = measure.composite_scoring is CompositeScoring.WEIGHTED
    weights = np.array([component.weight if weighted else 1.0 for component, _ in chosen])[:, None]
    opportunities = np.stack([_opportunities(result) for _, result in chosen])
    successes = np.stack([_successes(result) for _, result in chosen])
    eligible = (opportunities * weights).sum(axis=0) > 0
    shares = np.full(eligible.shape, np.nan)
    if measure.composite_scoring is CompositeScoring.ALL_OR_NOTHING:
        shares[eligible] = (successes == opportunities).all(axis=0)[eligible]
    else:
        above, below = (successes * weights).sum(axis=0), (opportunities * weights).sum(axis=0)
        shares[eligible] = above[eligible] / below[eligible]
    if not eligible.any():
        return CompositeResult(None, shares)
    if measure.composite_scoring is CompositeScoring.OPPORTUNITY:
        return CompositeResult(float(successes.sum() / opportunities.sum()), shares)
    return CompositeResult(float(shares[eligible].mean()), shares)


def _group(component: ComponentMeasure, results: Sequence[GroupResult]) -> GroupResult:
    """The component's group: the one named, otherwise the first."""
    for result in results:
        if component.group_id in (None, result.group.id):
            if result.group.scoring is not Scoring.PROPORTION:
                raise MeasureError(f"component {component.measure}: only proportions can be combined")
            return result
    raise MeasureError(f"component {component.measure} has no group {component.group_id or ''}".rstrip())


def _opportunities(result: GroupResult) -> NDArray[np.int64]:
    members = dict(result.members)
    counted = union(result.group, members, PopulationCode.DENOMINATOR, len(result.units))
    for removed in (PopulationCode.DENOMINATOR_EXCLUSION, PopulationCode.DENOMINATOR_EXCEPTION):
        counted &= ~union(result.group, members, removed, len(result.units))
    return result.units.per_patient(counted)


def _successes(result: GroupResult) -> NDArray[np.int64]:
    members = dict(result.members)
    counted = union(result.group, members, PopulationCode.NUMERATOR, len(result.units))
    counted &= ~union(result.group, members, PopulationCode.NUMERATOR_EXCLUSION, len(result.units))
    return result.units.per_patient(counted)
