"""Populations that a scoring needs, and those that it has no use for (`ecqm.measures.definition.roles`)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.measures.resources import group, measure, observation, population

Json = dict[str, Any]
INITIAL, DENOMINATOR, NUMERATOR = map(population, ("initial-population", "denominator", "numerator"))
STAYS = population("measure-population")


def problems(scoring: str, *populations: Json) -> list[str]:
    found = measure(group(scoring, *populations)).problems
    return [problem.removeprefix("measure Example, group g1: ") for problem in found]


@pytest.mark.parametrize(
    ("scoring", "populations"),
    [
        ("cohort", [INITIAL]),
        ("proportion", [INITIAL, DENOMINATOR, NUMERATOR, population("denominator-exception")]),
        ("ratio", [INITIAL, population("initial-population", id="second"), DENOMINATOR, NUMERATOR]),
        ("continuous-variable", [INITIAL, STAYS, observation("f", "measure-population", "median")]),
    ],
)
def test_what_a_scoring_needs(scoring: str, populations: list[Json]) -> None:
    assert problems(scoring, *populations) == []


@pytest.mark.parametrize(
    ("scoring", "populations", "says"),
    [
        ("proportion", [INITIAL, DENOMINATOR], "proportion scoring needs a numerator; without it there is no score"),
        ("cohort", [INITIAL, DENOMINATOR], "cohort scoring has no use for a denominator"),
        (
            "ratio",
            [INITIAL, DENOMINATOR, NUMERATOR, population("denominator-exception")],
            "ratio scoring has no use for a denominator-exception",
        ),
        (
            "proportion",
            [INITIAL, DENOMINATOR, population("denominator", id="d2"), NUMERATOR],
            "2 populations with the code denominator, which count as one",
        ),
        (
            "continuous-variable",
            [INITIAL, STAYS],
            "continuous-variable scoring needs a measure-observation; without it there is no score",
        ),
        (
            "continuous-variable",
            [INITIAL, STAYS, *(observation(name, "measure-population", "sum") for name in "fg")],
            "2 observations, of which continuous-variable scoring uses 1",
        ),
        (
            "continuous-variable",
            [INITIAL, STAYS, population("measure-observation")],
            "observation measure-observation has no aggregate method, so its values are counted",
        ),
        (
            "ratio",
            [INITIAL, DENOMINATOR, NUMERATOR, observation("f", "numerator", "sum")],
            "no observation of the denominator, so the score is that of counts",
        ),
    ],
)
def test_what_is_missing_or_has_no_use(scoring: str, populations: list[Json], says: str) -> None:
    assert problems(scoring, *populations) == [says]
