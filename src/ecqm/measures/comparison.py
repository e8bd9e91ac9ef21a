"""What a test case expects against what came out.

A case agrees if every expected population of every group has the expected count. Strata, observations and scores are
compared beside it and counted apart. Groups, populations and stratifiers are matched by id, and what is left over in
their order. A published expectation is read as follows:

- A population listed twice in one stratum counts as first listed; the authoring tool repeats the list there, and what
  it repeats no longer belongs to the stratum.
- Of the strata "true" and "false" of a criterion only "true" is compared: the tool writes "false" as one minus "true"
  for every population, which for a population that the patient is not in says the opposite of what the stratum holds.
- Observations are compared as the values that each observation has on the patient's episodes, in whatever order.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from ecqm.measures.defects import BESIDE, ERROR, OBSERVATION, STRATIFIER, Defect
from ecqm.measures.definition import Group, Measure, Population
from ecqm.measures.evaluation import FALSE, TRUE, GroupResult, StratifierResult, Stratum
from ecqm.measures.test_cases import (
    Expectation,
    ExpectedGroup,
    ExpectedPopulation,
    ExpectedStratifier,
    ExpectedStratum,
    TestCase,
)

_TOLERANCE = 1e-6


@dataclass(frozen=True)
class PopulationAgreement:
    """An expected count beside the actual one; ``actual`` is None if the measure has no such population."""

    code: str
    id: str | None
    expected: float
    actual: float | None

    @property
    def agree(self) -> bool:
        return self.actual is not None and math.isclose(self.expected, self.actual, abs_tol=_TOLERANCE)

    def to_json(self) -> dict[str, Any]:
        return {
            "code": self.code,
            "id": self.id,
            "expected": _plain(self.expected),
            "actual": None if self.actual is None else _plain(self.actual),
        }


@dataclass(frozen=True)
class StratumAgreement:
    """One stratum; ``compared`` is False where the expectation says nothing of its own."""

    value: str | None
    populations: tuple[PopulationAgreement, ...]
    compared: bool = True

    @property
    def agree(self) -> bool:
        return not self.compared or all(population.agree for population in self.populations)

    def to_json(self) -> dict[str, Any]:
        populations = [population.to_json() for population in self.populations]
        return {"value": self.value, "agree": self.agree, "compared": self.compared, "populations": populations}


@dataclass(frozen=True)
class StratifierAgreement:
    id: str | None
    strata: tuple[StratumAgreement, ...]

    @property
    def agree(self) -> bool:
        return all(stratum.agree for stratum in self.strata)

    def to_json(self) -> dict[str, Any]:
        return {"id": self.id, "agree": self.agree, "strata": [stratum.to_json() for stratum in self.strata]}


@dataclass(frozen=True)
class ObservationAgreement:
    """The values of one observation on the patient, each list in ascending order."""

    id: str
    expected: tuple[float, ...]
    actual: tuple[float, ...]

    @property
    def agree(self) -> bool:
        return len(self.expected) == len(self.actual) and all(
            math.isclose(expected, actual, abs_tol=_TOLERANCE)
            for expected, actual in zip(self.expected, self.actual, strict=True)
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "agree": self.agree,
            "expected": [_plain(value) for value in self.expected],
            "actual": [_plain(value) for value in self.actual],
        }


@dataclass(frozen=True)
class GroupAgreement:
    id: str
    populations: tuple[PopulationAgreement, ...]
    stratifiers: tuple[StratifierAgreement, ...]
    observations: tuple[ObservationAgreement, ...]
    expected_score: float | None
    actual_score: float | None

    @property
    def agree(self) -> bool:
        return all(population.agree for population in self.populations)

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "populations": [population.to_json() for population in self.populations],
            "stratifiers": [stratifier.to_json() for stratifier in self.stratifiers],
            "observations": [observation.to_json() for observation in self.observations],
            "score": {"expected": self.expected_score, "actual": self.actual_score},
        }


@dataclass(frozen=True)
class CaseResult:
    """One case compared: ``error`` if it could not be evaluated, ``defect`` if its expectation is known to be wrong."""

    case: TestCase
    groups: tuple[GroupAgreement, ...]
    error: str | None = None
    defect: Defect | None = None

    @property
    def agree(self) -> bool:
        """Every population of every group has the expected count."""
        return self.error is None and bool(self.groups) and all(group.agree for group in self.groups)

    @property
    def wrong(self) -> frozenset[str]:
        """What does not agree: population codes, `stratifier`, `measure-observation`; or just `error`."""
        if self.error is not None:
            return frozenset({ERROR})
        wrong = {p.code for group in self.groups for p in group.populations if not p.agree}
        if self.stratifiers_agree is False:
            wrong.add(STRATIFIER)
        if self.observations_agree is False:
            wrong.add(OBSERVATION)
        return frozenset(wrong)

    @property
    def excused(self) -> bool:
        """Its populations disagree, just in what is listed as a defect of the deck."""
        return self.defect is not None and not self.agree and self.defect.covers(self.wrong - BESIDE)

    @property
    def passes(self) -> bool:
        """What a run asks of a case: that it agrees if it is not listed, and disagrees as listed if it is."""
        return self.agree if self.defect is None or not self.defect.concerns_populations else self.excused

    @property
    def unexplained(self) -> frozenset[str]:
        """What disagrees without being listed, and what is listed but agrees; of populations any listed one will do."""
        listed = frozenset() if self.defect is None else self.defect.wrong
        beside = (self.wrong ^ listed) & BESIDE
        return beside if self.passes else beside | (self.wrong - BESIDE) | (listed - BESIDE)

    @property
    def stratifiers_agree(self) -> bool | None:
        """None if the case expects no strata."""
        compared = [stratifier for group in self.groups for stratifier in group.stratifiers]
        return all(stratifier.agree for stratifier in compared) if compared else None

    @property
    def observations_agree(self) -> bool | None:
        """None if the case expects no observation."""
        compared = [observation for group in self.groups for observation in group.observations]
        return all(o.agree for o in compared) if any(o.expected for o in compared) else None

    def to_json(self) -> dict[str, Any]:
        result: dict[str, Any] = {
            "case": self.case.name,
            "title": self.case.title,
            "agree": self.agree,
            "error": self.error,
            "groups": [group.to_json() for group in self.groups],
        }
        if self.defect is not None:
            result["defect"] = self.defect.to_json() | {"excuses": self.excused}
        return result


def compare_case(
    case: TestCase,
    measure: Measure,
    results: Sequence[GroupResult],
    patient: int,
    error: str | None = None,
    defect: Defect | None = None,
) -> CaseResult:
    """A case's expectation against the results for one patient (a row number of the batch).

    With ``error`` (the patient could not be evaluated) the expected counts are listed without actual ones.
    """
    expectation = case.expectation(measure.url, tuple(group.id for group in measure.groups))
    if expectation is None:
        return CaseResult(case, (), error or "; ".join(case.problems) or "nothing is expected", defect)
    if error is not None:
        return CaseResult(case, _unevaluated(expectation), error, defect)
    by_group = {result.group.id: result.of_patient(patient) for result in results}
    groups = []
    for expected, group in _matched(expectation.groups, measure.groups):
        if expected is not None:
            groups.append(_compare_group(expected, by_group[group.id] if group else None))
    return CaseResult(case, tuple(groups), None, defect)


class _Identified(Protocol):
    @property
    def id(self) -> str | None: ...


_E = TypeVar("_E", bound=_Identified)
_A = TypeVar("_A", bound=_Identified)


def _matched(expected: Sequence[_E], actual: Sequence[_A]) -> list[tuple[_E | None, _A | None]]:
    """Pairs by id, then what is left over in order; what has no partner is paired with None."""
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


def _compare_group(expected: ExpectedGroup, result: GroupResult | None) -> GroupAgreement:
    if result is None:
        populations = tuple(PopulationAgreement(p.code, p.id, p.count, None) for p in expected.populations)
        return GroupAgreement(expected.id or "", populations, (), (), expected.score, None)
    stratifiers = [
        _compare_stratifier(listed, found, result)
        for listed, found in _matched_stratifiers(expected.stratifiers, result.stratifiers)
    ]
    return GroupAgreement(
        id=result.group.id,
        populations=_compare_populations(expected.populations, result, None),
        stratifiers=tuple(stratifiers),
        observations=_compare_observations(expected.observations, result),
        expected_score=expected.score,
        actual_score=result.score(),
    )


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
    """Populations by id if the code fits too, otherwise by code in order; a repeated one only as first listed."""
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
    expected: Sequence[ExpectedPopulation], result: GroupResult
) -> tuple[ObservationAgreement, ...]:
    observations = result.group.observations
    listed: dict[str, list[float]] = {observation.id: [] for observation in observations}
    for position, value in enumerate(expected):
        observation = _observation(value, observations, position, result.group)
        if observation is not None:
            listed[observation.id].append(value.count)
    return tuple(
        ObservationAgreement(o.id, tuple(sorted(listed[o.id])), tuple(sorted(result.observed(o.id))))
        for o in observations
    )


def _observation(
    expected: ExpectedPopulation, observations: Sequence[Population], position: int, group: Group
) -> Population | None:
    """The observation that an expected value is of: ids are the observation's with the number of the episode added."""
    by_id = [o for o in observations if expected.id == o.id or (expected.id or "").startswith(f"{o.id}_")]
    if by_id:
        return max(by_id, key=lambda o: len(o.id))
    by_code = [
        o for o in observations if expected.code == f"{group.population(o.criteria_reference or '').code}-observation"
    ]
    if len(by_code) == 1 or len(observations) == 1:
        return (by_code or list(observations))[0]
    return observations[position % len(observations)] if observations else None


def _unevaluated(expectation: Expectation) -> tuple[GroupAgreement, ...]:
    return tuple(_compare_group(group, None) for group in expectation.groups)


def _plain(value: float) -> int | float:
    return int(value) if float(value).is_integer() else value


@dataclass
class MeasureRun:
    """A measure's cases and what they took, in seconds (plan, load, evaluate)."""

    measure: str
    results: list[CaseResult]
    seconds: dict[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {
            "measure": self.measure,
            **_tally(self.results),
            "seconds": {step: round(taken, 4) for step, taken in self.seconds.items()},
            "results": [result.to_json() for result in self.results],
        }


def deck_report(engine: dict[str, Any], runs: Sequence[MeasureRun]) -> dict[str, Any]:
    """A deck's results: engine, measures with their cases, totals."""
    results = [result for run in runs for result in run.results]
    return {
        "engine": engine,
        "measures": [run.to_json() for run in runs],
        "totals": {"measures": len(runs), **_tally(results)},
    }


def _tally(results: Sequence[CaseResult]) -> dict[str, Any]:
    strata = [agree for result in results if (agree := result.stratifiers_agree) is not None]
    observations = [agree for result in results if (agree := result.observations_agree) is not None]
    return {
        "cases": len(results),
        "agree": sum(result.agree for result in results),
        "errors": sum(result.error is not None for result in results),
        "defects": sum(result.excused for result in results),
        "stratifiers": {"cases": len(strata), "agree": sum(strata), "defects": _listed(results, STRATIFIER)},
        "observations": {
            "cases": len(observations),
            "agree": sum(observations),
            "defects": _listed(results, OBSERVATION),
        },
        "unexplained": sum(bool(result.unexplained) for result in results),
    }


def _listed(results: Sequence[CaseResult], what: str) -> int:
    """Cases that disagree in this and are listed for it."""
    return sum(r.defect is not None and what in r.defect.wrong and what in r.wrong for r in results)
