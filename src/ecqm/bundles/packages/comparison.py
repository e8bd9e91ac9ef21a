"""Results of the patients of a package compared with what is expected of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ecqm.bundles.packages.expectations import COUNTED, ExpectedSet
from ecqm.bundles.packages.runner import SetResult
from ecqm.data import DataProblem
from ecqm.measures.decks.agreement import (
    NO_SCORE,
    CaseResult,
    GroupAgreement,
    MeasureRun,
    ObservationAgreement,
    PopulationAgreement,
    deck_report,
)
from ecqm.measures.decks.defects import Defect
from ecqm.measures.decks.test_cases import TestCase
from ecqm.measures.explanation.relevance import Outcome


@dataclass(frozen=True)
class PackageCaseResult(CaseResult):
    """A patient compared: beside populations, the episodes and statements of the reference.

    `authored` says whether the results agree with the author's expected values, None if there are none;
    `reference_authored` the same of the reference. `differing` describes the statements that differ.
    """

    episodes_agree: bool | None = None
    statements: int = 0
    statements_agree: int = 0
    differing: tuple[str, ...] = ()
    authored: bool | None = None
    reference_authored: bool | None = None
    problems: tuple[DataProblem, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The result as in the JSON report of a deck."""
        return super().to_json() | {
            "episodesAgree": self.episodes_agree,
            "statements": {"compared": self.statements, "agree": self.statements_agree, "differ": self.differing},
            "expectedValues": {"agree": self.authored, "referenceAgrees": self.reference_authored},
            "problems": [str(problem) for problem in self.problems],
        }


def compare_patient(
    case: TestCase,
    actual: Mapping[str, SetResult],
    reference: Mapping[str, ExpectedSet] | None,
    authored: Mapping[str, ExpectedSet],
    error: str | None,
    defect: Defect | None,
    problems: tuple[DataProblem, ...],
) -> PackageCaseResult:
    """One patient's results beside the reference, or beside the values of the author where there is no reference."""
    expected = authored if reference is None else reference
    episodes = [
        _same_episodes(each.episodes, actual[name])
        for name, each in expected.items()
        if each.episodes is not None and name in actual
    ]
    statements = [found for name, each in expected.items() for found in _statements(name, each, actual.get(name))]
    results = {name: ExpectedSet(result.counts) for name, result in actual.items()}
    return PackageCaseResult(
        case,
        tuple(_group(name, each, actual.get(name)) for name, each in expected.items()),
        error or (None if expected else "nothing is expected"),
        defect,
        episodes_agree=all(episodes) if episodes else None,
        statements=len(statements),
        statements_agree=statements.count(None),
        differing=tuple(filter(None, statements)),
        authored=_meets(results, authored),
        reference_authored=None if reference is None else _meets(reference, authored),
        problems=problems,
    )


def _statements(name: str, expected: ExpectedSet, actual: SetResult | None) -> Iterator[str | None]:
    """For each statement of a population set how it differs, None if it agrees."""
    for library, statements in (expected.statements or {}).items():
        for statement, outcome in statements.items():
            found = actual.statements.get((library, statement)) if actual is not None else None
            told = found or Outcome.NOT_APPLICABLE
            differs = told != outcome
            yield f"{name}: {library}.{statement} expected {outcome}, is {told.value}" if differs else None


def _group(name: str, expected: ExpectedSet, actual: SetResult | None) -> GroupAgreement:
    populations = tuple(
        PopulationAgreement(
            COUNTED[population], population, count, None if actual is None else actual.counts.get(population)
        )
        for population, count in expected.counts.items()
    )
    observations: tuple[ObservationAgreement, ...] = ()
    if expected.observations is not None:
        found = () if actual is None else tuple(sorted(actual.observations))
        observations = (ObservationAgreement("OBSERV", tuple(sorted(expected.observations)), found),)
    return GroupAgreement(name, populations, (), observations, NO_SCORE)


def _same_episodes(expected: Mapping[str, Mapping[str, float]], actual: SetResult) -> bool:
    """Whether the same episodes are in the same populations. An episode in no population may be left out."""

    def members(episodes: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, float]]:
        found = {name: {p: count for p, count in each.items() if count} for name, each in episodes.items()}
        return {name: each for name, each in found.items() if each}

    return members(expected) == members(actual.episodes or {})


def _meets(found: Mapping[str, ExpectedSet], authored: Mapping[str, ExpectedSet]) -> bool | None:
    """Whether results agree with the expected values of a patient's author; None if there are none."""
    if not authored:
        return None
    return all(
        name in found and all(found[name].counts.get(p, 0) == count for p, count in each.counts.items())
        for name, each in authored.items()
    )


def package_report(engine: dict[str, Any], runs: Sequence[MeasureRun]) -> dict[str, Any]:
    """The report of a deck, as for FHIR decks, with counts of agreeing episodes, statements and expected values of
    authors."""
    report = deck_report(engine, runs)
    for told, run in zip(report["measures"], runs, strict=True):
        told.update(_tally(run.results))
    report["totals"] |= _tally([result for run in runs for result in run.results])
    return report


def _tally(results: Sequence[CaseResult]) -> dict[str, Any]:
    compared = [result for result in results if isinstance(result, PackageCaseResult)]
    episodes = [result.episodes_agree for result in compared if result.episodes_agree is not None]
    authored = [result for result in compared if result.authored is not None]
    return {
        "episodes": {"cases": len(episodes), "agree": sum(episodes)},
        "statements": {
            "compared": sum(result.statements for result in compared),
            "agree": sum(result.statements_agree for result in compared),
        },
        "expectedValues": {
            "cases": len(authored),
            "agree": sum(bool(result.authored) for result in authored),
            "referenceAgrees": sum(bool(result.reference_authored) for result in authored),
        },
    }
