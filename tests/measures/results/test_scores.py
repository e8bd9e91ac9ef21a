"""Counts and scores by group and stratum."""

from __future__ import annotations

import numpy as np

from ecqm.measures.results.scores import score_rows, score_table
from ecqm.measures.scoring.criteria import Evaluated
from ecqm.measures.scoring.groups import evaluate_measure
from tests.measures.resources import criteria, group, measure, population

CODES = ("initial-population", "denominator", "numerator")


def test_a_row_per_group_and_stratum() -> None:
    definition = measure(
        group(
            "proportion",
            *map(population, CODES),
            id="g",
            stratifier=[{"id": "s", "criteria": criteria("old")}],
        )
    )
    everybody = np.array([True, True, True, False])
    numerator, old = np.array([True, False, False, False]), np.array([True, True, False, False])
    evaluated = Evaluated(
        4, {"initial-population": everybody, "denominator": everybody, "numerator": numerator, "old": old}
    )
    results = evaluate_measure(definition, evaluated)
    first, second = score_table(score_rows("M", [result.tally() for result in results])).to_pylist()
    assert (first["measure"], first["group"], first["stratum"]) == ("M", "g", None)
    assert (first["initial_population"], first["numerator"], first["measure_population"]) == (3, 1, None)
    assert (second["stratum"], second["denominator"], second["numerator"]) == ("s=true", 2, 1)
    assert (round(first["score"], 4), second["score"]) == (0.3333, 0.5)
