"""Agreement between what test cases expect and their results, and summaries of a deck.

A case agrees if every expected population of every group has the expected count. Strata, observations and scores are
compared too, but counted separately.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ecqm.measures.decks.defects import BESIDE, ERROR, OBSERVATION, SCORE, STRATIFIER, Defect
from ecqm.measures.decks.test_cases import TestCase

_TOLERANCE = 1e-6


@dataclass(frozen=True)
class PopulationAgreement:
    """An expected count beside the actual one; `actual` is None if the measure has no such population."""

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
    """One stratum; `compared` is False where the expectation is not meaningful (see `comparison`)."""

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
class ScoreAgreement:
    """A group's score. `implied` follows from the expected populations and observations. `judged` is False where the
    expected score is not meaningful: it is absent or a placeholder, or the expected populations do not define a score
    or disagree themselves."""

    expected: float | None
    implied: float | None
    actual: float | None
    judged: bool

    @property
    def agree(self) -> bool:
        if not self.judged or self.expected is None or self.actual is None:
            return not self.judged or self.expected is self.actual
        return math.isclose(self.expected, self.actual, abs_tol=_TOLERANCE)

    def to_json(self) -> dict[str, Any]:
        return {
            "expected": self.expected,
            "implied": self.implied,
            "actual": self.actual,
            "judged": self.judged,
            "agree": self.agree,
        }


NO_SCORE = ScoreAgreement(None, None, None, False)
"""Of a group of which no score is expected."""


@dataclass(frozen=True)
class GroupAgreement:
    """A group. A composite has no populations and agrees if its score does."""

    id: str
    populations: tuple[PopulationAgreement, ...]
    stratifiers: tuple[StratifierAgreement, ...]
    observations: tuple[ObservationAgreement, ...]
    score: ScoreAgreement

    @property
    def agree(self) -> bool:
        return all(population.agree for population in self.populations) if self.populations else self.score.agree

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "populations": [population.to_json() for population in self.populations],
            "stratifiers": [stratifier.to_json() for stratifier in self.stratifiers],
            "observations": [observation.to_json() for observation in self.observations],
            "score": self.score.to_json(),
        }


@dataclass(frozen=True)
class CaseResult:
    """One case compared: `error` if it could not be evaluated, `defect` if its expectation is known to be wrong."""

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
        """What disagrees: population codes, `stratifier`, `measure-observation`, `score`; or only `error`."""
        if self.error is not None:
            return frozenset({ERROR})
        wrong = {p.code for group in self.groups for p in group.populations if not p.agree}
        if self.stratifiers_agree is False:
            wrong.add(STRATIFIER)
        if self.observations_agree is False:
            wrong.add(OBSERVATION)
        if self.scores_agree is False:
            wrong.add(SCORE)
        return frozenset(wrong)

    @property
    def excused(self) -> bool:
        """The populations disagree, but only as listed in the deck's defects."""
        return self.defect is not None and not self.agree and self.defect.covers(self.wrong - BESIDE)

    @property
    def passes(self) -> bool:
        """Whether the case agrees or, if it is a listed defect, disagrees as listed."""
        return self.agree if self.defect is None or not self.defect.concerns_populations else self.excused

    @property
    def unexplained(self) -> frozenset[str]:
        """What disagrees without being listed, and what is listed but agrees. Of several listed populations one is
        enough."""
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

    @property
    def scores_agree(self) -> bool | None:
        """None if no expected score is judged."""
        judged = [group.score for group in self.groups if group.score.judged]
        return all(score.agree for score in judged) if judged else None

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


@dataclass
class MeasureRun:
    """The cases of a measure, and the seconds spent on them (plan, load, evaluate)."""

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
    def beside(what: str, agreement: Callable[[CaseResult], bool | None]) -> dict[str, int]:
        compared = [agree for result in results if (agree := agreement(result)) is not None]
        return {"cases": len(compared), "agree": sum(compared), "defects": _listed(results, what)}

    return {
        "cases": len(results),
        "agree": sum(result.agree for result in results),
        "errors": sum(result.error is not None for result in results),
        "defects": sum(result.excused for result in results),
        "stratifiers": beside(STRATIFIER, lambda result: result.stratifiers_agree),
        "observations": beside(OBSERVATION, lambda result: result.observations_agree),
        "scores": beside(SCORE, lambda result: result.scores_agree),
        "unexplained": sum(bool(result.unexplained) for result in results),
    }


def _listed(results: Sequence[CaseResult], what: str) -> int:
    """How many cases disagree in `what` and are listed for it."""
    return sum(r.defect is not None and what in r.defect.wrong and what in r.wrong for r in results)


def _plain(value: float) -> int | float:
    return int(value) if float(value).is_integer() else value
