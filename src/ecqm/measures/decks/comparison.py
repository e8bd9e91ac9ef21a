"""Comparing the results of a test case with its expectation.

Groups, populations and stratifiers are matched by id; the rest are matched in order. A published expectation is read as
follows:

- If a stratum lists a population twice, the first entry counts: the authoring tool repeats the list, and the repetition
  is not about the stratum.
- Of the strata "true" and "false" of a criterion only "true" is compared: the tool writes "false" as one minus "true"
  for every population, which is wrong for populations that the patient is not in.
- The values of an observation over the patient's episodes are compared in any order. They may be in contained
  Observations.
- A score is judged only if the expected populations and observations define one and agree themselves. If a group's
  score is the same in all cases of a measure and contradicts the populations of one of them, it is a placeholder of the
  authoring tool and never judged. A composite has no populations; its expectation is the score alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

import numpy as np

from ecqm.measures.decks.agreement import (
    CaseResult,
    GroupAgreement,
    ObservationAgreement,
    PopulationAgreement,
    ScoreAgreement,
    StratifierAgreement,
    StratumAgreement,
)
from ecqm.measures.decks.defects import Defect
from ecqm.measures.decks.expectations import (
    Expectation,
    ExpectedGroup,
    ExpectedStratifier,
    ExpectedStratum,
)
from ecqm.measures.decks.observations import ContainedObservation, ExpectedPopulation, listed_observations
from ecqm.measures.decks.test_cases import TestCase
from ecqm.measures.definition import Composite, Group, Measure, Population
from ecqm.measures.scoring.composite import CompositeResult
from ecqm.measures.scoring.groups import FALSE, TRUE, GroupResult, StratifierResult, Stratum
from ecqm.measures.scoring.tally import Tally


def compare_case(
    case: TestCase,
    measure: Measure,
    results: Sequence[GroupResult],
    patient: int,
    error: str | None = None,
    defect: Defect | None = None,
    composites: Sequence[CompositeResult] = (),
    placeholders: frozenset[str] = frozenset(),
) -> CaseResult:
    """Compare the expectation of a case with the results for one patient (a row number of the batch).

    With `error` (the patient could not be evaluated) the expected counts are listed without actual ones. `placeholders`
    are ids of groups whose expected scores are ignored, see `placeholder_scores`.
    """
    expectation = expectation_of(case, measure)
    if expectation is None:
        return CaseResult(case, (), error or "; ".join(case.problems) or "nothing is expected", defect)
    if error is not None:
        return CaseResult(case, _unevaluated(expectation), error, defect)
    by_group = {result.group.id: result.of_patient(patient) for result in results}
    scores = {result.composite.id: result.score_of(patient) for result in composites}
    groups = []
    for expected, group in _matched_groups(expectation, measure):
        if isinstance(group, Composite):
            score = ScoreAgreement(expected.score, None, scores[group.id], True)
            groups.append(GroupAgreement(group.id, (), (), (), score))
        else:
            result = by_group.get(group.id) if group is not None else None
            judged = group is None or group.id not in placeholders
            groups.append(_compare_group(expected, expectation.contained, result, judged))
    return CaseResult(case, tuple(groups), None, defect)


def expectation_of(case: TestCase, measure: Measure) -> Expectation | None:
    """What a case expects of a measure."""
    ids = [group.id for group in measure.published_groups] + [composite.id for composite in measure.composites]
    return case.expectation(measure.url, tuple(ids))


def placeholder_scores(measure: Measure, cases: Iterable[TestCase]) -> frozenset[str]:
    """The ids of groups whose expected score is a placeholder: the same in all cases, and in one of them in
    contradiction to the expected populations."""
    stated: dict[str, set[float | None]] = {}
    contradictory: set[str] = set()
    for case in cases:
        expectation = expectation_of(case, measure)
        if expectation is None:
            continue
        for expected, group in _matched_groups(expectation, measure):
            if isinstance(group, Group):
                implied = _implied_score(expected, expectation.contained, group)
                stated.setdefault(group.id, set()).add(expected.score)
                if implied is not None and expected.score is not None and not math.isclose(expected.score, implied):
                    contradictory.add(group.id)
    return frozenset(name for name in contradictory if len(stated[name]) == 1)


def _matched_groups(expectation: Expectation, measure: Measure) -> list[tuple[ExpectedGroup, Group | Composite | None]]:
    scored: list[Group | Composite] = [*measure.published_groups, *measure.composites]
    return [(expected, group) for expected, group in _matched(expectation.groups, scored) if expected is not None]


class _Identified(Protocol):
    @property
    def id(self) -> str | None: ...


_E = TypeVar("_E", bound=_Identified)
_A = TypeVar("_A", bound=_Identified)


def _matched(expected: Sequence[_E], actual: Sequence[_A]) -> list[tuple[_E | None, _A | None]]:
    """Pairs by id, then the rest in order; an element without a partner is paired with None."""
    partners: dict[int, _A] = {}
    free = list(actual)
    for position, item in enumerate(expected):
        partner = next((a for a in free if a.id is not None and a.id == item.id), None)
        if partner is not None:
            partners[position] = partner
            free.remove(partner)
    for position in range(len(expected)):
        if position not in partners and free:
            partners[position] = free.pop(0)
    pairs: list[tuple[_E | None, _A | None]] = [(item, partners.get(n)) for n, item in enumerate(expected)]
    return pairs + [(None, item) for item in free]


def _compare_group(
    expected: ExpectedGroup,
    contained: Sequence[ContainedObservation],
    result: GroupResult | None,
    judged: bool = True,
) -> GroupAgreement:
    if result is None:
        populations = tuple(PopulationAgreement(p.code, p.id, p.count, None) for p in expected.populations)
        return GroupAgreement(expected.id or "", populations, (), (), ScoreAgreement(expected.score, None, None, False))
    stratifiers = [
        _compare_stratifier(listed, found, result)
        for listed, found in _matched_stratifiers(expected.stratifiers, result.stratifiers)
    ]
    populations = _compare_populations(expected.populations, result, None)
    observations = _compare_observations(expected.observations, contained, result)
    implied = _implied_score(expected, contained, result.group)
    judged = judged and expected.score is not None and implied is not None
    judged = judged and all(p.agree for p in populations) and all(o.agree for o in observations)
    score = ScoreAgreement(expected.score, implied, result.score(), judged)
    return GroupAgreement(result.group.id, populations, tuple(stratifiers), observations, score)


def _implied_score(expected: ExpectedGroup, contained: Sequence[ContainedObservation], group: Group) -> float | None:
    """The score that follows from the expected populations and observations."""
    counts: dict[str, int] = {}
    for listed, _ in _paired(expected.populations, group):
        counts[listed.code] = counts.get(listed.code, 0) + int(listed.count)
    observed = {
        name: np.array(values) for name, values in listed_observations(expected.observations, contained, group).items()
    }
    return Tally({}, counts, observed).score(group)


def _matched_stratifiers(
    expected: Sequence[ExpectedStratifier], actual: Sequence[StratifierResult]
) -> list[tuple[ExpectedStratifier, StratifierResult | None]]:
    by_id = {result.stratifier.id: result for result in actual}
    pairs = _matched(expected, [result.stratifier for result in actual])
    return [(e, by_id[stratifier.id] if stratifier else None) for e, stratifier in pairs if e is not None]


def _compare_populations(
    expected: Iterable[ExpectedPopulation], result: GroupResult, stratum: Stratum | None
) -> tuple[PopulationAgreement, ...]:
    agreements = []
    within = stratum.selected if stratum is not None else None
    for listed, population in _paired(expected, result.group):
        actual = result.total(population.id, within) if population is not None else None
        agreements.append(PopulationAgreement(listed.code, listed.id, listed.count, actual))
    return tuple(agreements)


def _paired(expected: Iterable[ExpectedPopulation], group: Group) -> list[tuple[ExpectedPopulation, Population | None]]:
    """Populations matched by id and code, otherwise by code in order; a repeated one counts as first listed."""
    by_id = {population.id: population for population in group.criteria}
    once: dict[tuple[str, str | None], ExpectedPopulation] = {}
    for listed in expected:
        once.setdefault((listed.code, listed.id), listed)
    named = {key: p for key in once if (p := by_id.get(key[1] or "")) is not None and p.code.value == key[0]}
    used = {population.id for population in named.values()}
    free = [population for population in group.criteria if population.id not in used]
    pairs: list[tuple[ExpectedPopulation, Population | None]] = []
    for key, listed in once.items():
        partner = named.get(key) or next((p for p in free if p.code.value == listed.code), None)
        if partner in free:
            free.remove(partner)
        pairs.append((listed, partner))
    return pairs


def _compare_stratifier(
    expected: ExpectedStratifier, result: StratifierResult | None, group: GroupResult
) -> StratifierAgreement:
    values = [stratum.value for stratum in expected.strata]
    strata = []
    for listed in expected.strata:
        compared = not (listed.value == FALSE and TRUE in values and result is not None and result.criteria_based)
        strata.append(_compare_stratum(listed, result, group, compared))
    return StratifierAgreement(expected.id, tuple(strata))


def _compare_stratum(
    expected: ExpectedStratum, result: StratifierResult | None, group: GroupResult, compared: bool
) -> StratumAgreement:
    found: Stratum | None = None
    if result is not None:
        found = next((stratum for stratum in result.strata if stratum.value == expected.value), None)
        if found is None and result.criteria_based and len(result.stratifier.components) == 1:
            # A criterion's only stratum may carry the stratifier's title as its value.
            found = result.strata[0]
    if result is None:
        unknown = tuple(PopulationAgreement(p.code, p.id, p.count, None) for p in expected.populations)
        return StratumAgreement(expected.value, unknown, compared)
    nobody = Stratum((expected.value or "",), group.units.patient < 0)
    populations = _compare_populations(expected.populations, group, found or nobody)
    return StratumAgreement(expected.value, populations, compared)


def _compare_observations(
    expected: Sequence[ExpectedPopulation], contained: Sequence[ContainedObservation], result: GroupResult
) -> tuple[ObservationAgreement, ...]:
    return tuple(
        ObservationAgreement(name, tuple(sorted(values)), tuple(sorted(result.observed(name))))
        for name, values in listed_observations(expected, contained, result.group).items()
    )


def _unevaluated(expectation: Expectation) -> tuple[GroupAgreement, ...]:
    return tuple(_compare_group(group, (), None) for group in expectation.groups)
