"""Tallies of batches added up say what the results of all patients say."""

from __future__ import annotations

import json
from itertools import repeat

import numpy as np
import pytest

from ecqm.measures.definition import Aggregate, Group, Population, PopulationCode, Scoring, Stratifier
from ecqm.measures.definition import StratifierComponent as Component
from ecqm.measures.scoring.criteria import Mask
from ecqm.measures.scoring.groups import GroupResult, StratifierResult, Stratum
from ecqm.measures.scoring.tally import GroupTally, merged_tallies
from ecqm.measures.scoring.units import Units

CODES = (PopulationCode.INITIAL_POPULATION, PopulationCode.DENOMINATOR, PopulationCode.NUMERATOR)
COLOUR = Stratifier("s", (Component("s", "Colour"),))


def group(scoring: Scoring, method: Aggregate | None = None) -> Group:
    populations = [Population(code, code.value, code.value) for code in CODES]
    if method is not None:
        observation = Population(PopulationCode.MEASURE_OBSERVATION, "obs", "Obs", "numerator", method)
        populations.append(observation)
    return Group("g", scoring, "boolean", tuple(populations), (COLOUR,))


def batch(of: Group, seed: int, n: int, *colours: str) -> GroupResult:
    random = np.random.default_rng(seed)
    members = {code.value: random.random(n) < 0.6 for code in CODES}
    observed = {"obs": np.where(random.random(n) < 0.7, random.integers(0, 9, n), np.nan)} if of.observations else {}
    which = random.integers(0, len(colours), n)
    strata = tuple(Stratum((colour,), which == number) for number, colour in enumerate(colours))
    return GroupResult(of, Units.of_patients(n), members, observed, (StratifierResult(COLOUR, strata, False),))


def together(parts: list[GroupResult]) -> GroupResult:
    """The results of all patients as of one batch."""
    first = parts[0]
    sizes = [len(part.units) for part in parts]
    colours = dict.fromkeys(stratum.values for part in parts for stratum in part.stratifiers[0].strata)

    def selected(part: GroupResult, values: tuple[str, ...], size: int) -> Mask:
        found = [stratum.selected for stratum in part.stratifiers[0].strata if stratum.values == values]
        return found[0] if found else np.zeros(size, np.bool_)

    strata = tuple(
        Stratum(values, np.concatenate([selected(*each) for each in zip(parts, repeat(values), sizes, strict=False)]))
        for values in colours
    )
    return GroupResult(
        first.group,
        Units.of_patients(sum(sizes)),
        {name: np.concatenate([part.members[name] for part in parts]) for name in first.members},
        {name: np.concatenate([part.observations[name] for part in parts]) for name in first.observations},
        (StratifierResult(COLOUR, strata, False),),
    )


OBSERVED = [group(Scoring.CONTINUOUS_VARIABLE, method) for method in Aggregate]


@pytest.mark.parametrize("of", [group(Scoring.PROPORTION), group(Scoring.RATIO), *OBSERVED])
def test_tallies_add_up(of: Group) -> None:
    parts = [batch(of, 1, 7, "red"), batch(of, 2, 11, "blue", "red"), batch(of, 3, 5, "green")]
    whole = together(parts)
    through_json = [GroupTally.from_json(of, json.loads(json.dumps(part.tally().to_json()))) for part in parts]
    tally = merged_tallies(through_json)
    assert tally.score() == whole.score()
    assert [tally.total(code.value) for code in CODES] == [whole.total(code.value) for code in CODES]
    (stratifier,) = tally.stratifiers
    assert list(stratifier.strata) == [("red",), ("blue",), ("green",)]
    for stratum in whole.stratifiers[0].strata:
        found = stratifier.strata[stratum.values]
        assert found.score(of) == whole.score(stratum.selected)
        assert found.members == {code.value: whole.total(code.value, stratum.selected) for code in CODES}
