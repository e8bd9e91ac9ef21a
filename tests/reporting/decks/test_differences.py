"""How a case differs from its expectation, in one line."""

from __future__ import annotations

from pathlib import Path

from ecqm.measures.decks.agreement import (
    NO_SCORE,
    CaseResult,
    GroupAgreement,
    MeasureRun,
    ObservationAgreement,
    PopulationAgreement,
    ScoreAgreement,
    StratifierAgreement,
    StratumAgreement,
)
from ecqm.measures.decks.defects import STRATIFIER, Defect
from ecqm.measures.decks.test_cases import TestCase
from ecqm.reporting.decks.differences import differences_beside, failures

CASE = TestCase("Falls", "one", Path("one"), (), (), None)


def population(name: str, expected: float, actual: float | None) -> PopulationAgreement:
    return PopulationAgreement(name, None, expected, actual)


def group(
    name: str,
    *populations: PopulationAgreement,
    strata: tuple[StratumAgreement, ...] = (),
    observations: tuple[ObservationAgreement, ...] = (),
    score: ScoreAgreement = NO_SCORE,
) -> GroupAgreement:
    stratifiers = (StratifierAgreement("by-sex", strata),) if strata else ()
    return GroupAgreement(name, populations, stratifiers, observations, score)


def run(*groups: GroupAgreement, defect: Defect | None = None) -> MeasureRun:
    return MeasureRun("Falls", [CaseResult(CASE, groups, defect=defect)])


def test_strata_that_differ() -> None:
    stratum = StratumAgreement("F", (population("denominator", 1, 1), population("numerator", 1, 0)))
    ignored = StratumAgreement("false", (population("numerator", 0, 1),), compared=False)
    found = run(group("g", population("numerator", 1, 1), strata=(stratum, ignored)))
    assert list(differences_beside(found)) == ["Falls one: stratum F of by-sex (numerator expected 1, is 0)"]
    assert not list(failures(found))


def test_observations_and_scores_that_differ() -> None:
    observations = (ObservationAgreement("minutes", (1.0, 2.5), ()),)
    score = ScoreAgreement(0.5, 0.5, None, True)
    found = run(group("g", population("numerator", 1, 1), observations=observations, score=score))
    assert list(differences_beside(found)) == [
        "Falls one: minutes expected {1, 2.5}, is {}; score of g expected 0.5, is none"
    ]


def test_case_that_fails_is_told_once_with_all_that_differs() -> None:
    observations = (ObservationAgreement("minutes", (1.0,), (2.0,)),)
    found = run(group("g", population("numerator", 1, None), observations=observations))
    assert list(failures(found)) == ["Falls one: numerator expected 1, is missing; minutes expected {1}, is {2}"]
    assert not list(differences_beside(found))


def test_groups_are_named_where_their_populations_have_the_same_names() -> None:
    found = run(group("first", population("numerator", 1, 1)), group("second", population("numerator", 1, 0)))
    assert list(failures(found)) == ["Falls one: second: numerator expected 1, is 0"]


def test_stratum_that_is_listed_but_agrees() -> None:
    defect = Defect("Falls", "one", "copied", "see the case", frozenset({STRATIFIER}))
    found = run(group("g", population("numerator", 1, 1)), defect=defect)
    assert list(differences_beside(found)) == [
        "Falls one: stratifier listed as a defect of the deck, but agrees; take it off the list"
    ]
