"""The table of populations."""

from __future__ import annotations

from typing import Any

import numpy as np

from ecqm.measures.results.table import population_table
from ecqm.measures.scoring.criteria import Episodes, Evaluated, Observed
from ecqm.measures.scoring.groups import evaluate_measure
from tests.measures.resources import criteria, group, measure, observation, population

CODES = ("initial-population", "measure-population")


def table() -> Any:
    by_patient = group("cohort", population("initial-population"), group_id="patients")
    by_episode = group(
        "continuous-variable",
        *map(population, CODES),
        observation("o", "measure-population", "Sum"),
        basis="Encounter",
        id="episodes",
        stratifier=[{"id": "s", "criteria": criteria("measure-population")}],
    )
    definition = measure(by_patient, by_episode)
    listed = Episodes(np.array([0, 0, 2]), np.array([5, 6, 7]))
    some = Episodes(np.array([0, 2]), np.array([6, 7]))
    evaluated = Evaluated(
        3,
        {"initial-population": listed, "measure-population": some},
        {("episodes", "o"): Observed(np.array([1.5, np.nan]), some)},
    )
    results = evaluate_measure(definition, evaluated)
    return population_table(definition, results, ["a", "b", "c"], lambda basis, keys: [f"{basis}/{k}" for k in keys])


def test_the_table_has_a_row_for_each_patient_or_episode() -> None:
    made = table().to_pydict()
    assert made["group"] == ["patients"] * 3 + ["episodes"] * 3
    assert made["patient"] == ["a", "b", "c", "a", "a", "c"]
    assert made["episode"] == [None] * 3 + ["Encounter/5", "Encounter/6", "Encounter/7"]
    assert made["initial_population"] == [True, False, True, True, True, True]
    assert made["measure_population"] == [False] * 4 + [True, True]
    assert made["observation_1"] == [None, None, None, None, 1.5, None]
    assert made["strata"] == [[], [], [], [], ["s=true"], ["s=true"]]
