"""Which populations are asked, what statements come to, and what they are reached by."""

from __future__ import annotations

import numpy as np
import pytest

from ecqm.columns import BooleanColumn, IntegerColumn, ListColumn, NullColumn
from ecqm.measures.definition import Scoring
from ecqm.measures.explanation.relevance import OBSERVATIONS, considered, passes, reached


@pytest.mark.parametrize(
    ("counts", "scoring", "asked"),
    [
        ({"IPP": 0, "DENOM": 0, "NUMER": 0}, Scoring.PROPORTION, {"IPP"}),
        ({"IPP": 1, "DENOM": 0, "DENEX": 0, "NUMER": 0}, Scoring.PROPORTION, {"IPP", "DENOM"}),
        ({"IPP": 1, "DENOM": 1, "DENEX": 1, "NUMER": 0, "DENEXCEP": 0}, Scoring.PROPORTION, {"IPP", "DENOM", "DENEX"}),
        ({"IPP": 1, "DENOM": 1, "DENEX": 1, "NUMER": 1}, Scoring.RATIO, {"IPP", "DENOM", "DENEX", "NUMER"}),
        ({"IPP": 1, "DENOM": 1, "NUMER": 1, "NUMEX": 0, "DENEXCEP": 0}, Scoring.PROPORTION,
         {"IPP", "DENOM", "NUMER", "NUMEX"}),
        ({"IPP": 1, "DENOM": 1, "NUMER": 0, "NUMEX": 0, "DENEXCEP": 1}, Scoring.PROPORTION,
         {"IPP", "DENOM", "NUMER", "DENEXCEP"}),
        ({"IPP": 1, "MSRPOPL": 1, "MSRPOPLEX": 1, OBSERVATIONS: 1}, Scoring.CONTINUOUS_VARIABLE,
         {"IPP", "MSRPOPL", "MSRPOPLEX"}),
        ({"IPP": 1, "MSRPOPL": 0, "MSRPOPLEX": 0, OBSERVATIONS: 1}, Scoring.CONTINUOUS_VARIABLE, {"IPP", "MSRPOPL"}),
        ({"STRAT": 0, "IPP": 0, "DENOM": 0}, Scoring.PROPORTION, {"STRAT"}),
        ({"STRAT": 1, "IPP": 1, "DENOM": 1}, Scoring.PROPORTION, {"STRAT", "IPP", "DENOM"}),
    ],
)  # fmt: skip
def test_only_populations_that_the_scoring_reaches_are_considered(
    counts: dict[str, float], scoring: Scoring, asked: set[str]
) -> None:
    assert {name for name, was in considered(counts, scoring).items() if was} == asked


def test_what_comes_to_something() -> None:
    yes, no = np.array([True, False, False]), np.array([False, True, False])
    assert passes(BooleanColumn(yes, no), 3).tolist() == [True, False, False]
    assert passes(NullColumn(1), 2).tolist() == [False, False]
    ones = IntegerColumn(np.ones(3, np.int64), np.array([False, True, True]))
    assert passes(ones, 3).tolist() == [False, True, True]
    # An empty list, a list of nothing but a null, and a list of something.
    assert passes(ListColumn(np.array([0, 0, 1, 3]), ones), 3).tolist() == [False, False, True]


def test_references_are_followed_through_cycles() -> None:
    references = {("L", "a"): [("L", "b"), ("M", "c")], ("L", "b"): [("L", "a")], ("L", "d"): []}
    assert reached([("L", "a")], references) == {("L", "a"), ("L", "b"), ("M", "c")}
    assert reached([], references) == set()
