"""Results of batches put together are those of one batch."""

from __future__ import annotations

import numpy as np

from ecqm.measures.definition import Group, Population, PopulationCode, Scoring, Stratifier, StratifierComponent
from ecqm.measures.evaluation import GroupResult, StratifierResult, Stratum
from ecqm.measures.merging import key_offsets, merged
from ecqm.measures.units import Units

INITIAL = Population(PopulationCode.INITIAL_POPULATION, "ip", "IP")
BY_VALUE = Stratifier("s", (StratifierComponent("s", "S"),))
GROUP = Group("g", Scoring.COHORT, "Encounter", (INITIAL,), (BY_VALUE,))


def batch(n: int, patients: list[int], keys: list[int], members: list[bool], **strata: list[bool]) -> GroupResult:
    return GroupResult(
        GROUP,
        Units(n, np.array(patients, np.int64), np.array(keys, np.int64)),
        {"ip": np.array(members, np.bool_)},
        {"obs": np.arange(len(keys), dtype=np.float64)},
        (StratifierResult(BY_VALUE, tuple(Stratum((k,), np.array(v, np.bool_)) for k, v in strata.items()), False),),
    )


def test_patients_and_keys_of_later_batches_come_later() -> None:
    whole = merged([batch(2, [0, 1], [0, 3], [True, False]), batch(3, [2], [0], [True])])
    assert whole.units.n_patients == 5
    assert whole.units.patient.tolist() == [0, 1, 4]
    assert whole.units.key is not None and whole.units.key.tolist() == [0, 3, 4]
    assert whole.counts("ip").tolist() == [1, 0, 0, 0, 1]
    assert whole.observed("obs") == [0.0, 1.0, 0.0]


def test_strata_that_one_batch_lacks() -> None:
    whole = merged([batch(1, [0], [0], [True], red=[True]), batch(1, [0], [0], [True], blue=[True], red=[False])])
    strata = {stratum.value: stratum.selected.tolist() for stratum in whole.stratifiers[0].strata}
    assert strata == {"red": [True, False], "blue": [False, True]}


def test_a_batch_without_units() -> None:
    whole = merged([batch(2, [], [], []), batch(1, [0], [5], [True])])
    assert whole.units.patient.tolist() == [2]
    assert key_offsets([batch(2, [], [], []).units, batch(1, [0], [5], [True]).units]) == [0, 0]


def test_patients_as_units() -> None:
    group = Group("g", Scoring.COHORT, "boolean", (INITIAL,))
    parts = [
        GroupResult(group, Units.of_patients(len(members)), {"ip": np.array(members)}, {}, ())
        for members in ([True, False], [True])
    ]
    whole = merged(parts)
    assert whole.units.key is None and len(whole.units) == 3
    assert whole.total("ip") == 2
