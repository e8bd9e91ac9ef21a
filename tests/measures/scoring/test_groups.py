"""Populations, strata, observations and scores of groups, counted by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecqm.measures.definition import Aggregate, Group
from ecqm.measures.scoring.criteria import Episodes, Evaluated, Labels, Observed
from ecqm.measures.scoring.groups import GroupResult, evaluate_group
from ecqm.measures.scoring.tally import aggregate
from ecqm.measures.scoring.units import Units
from tests.measures.resources import criteria, group, measure, observation, population, proportion


def episodes(*pairs: tuple[int, int]) -> Episodes:
    """Episodes given as (patient, key)."""
    array = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return Episodes(array[:, 0], array[:, 1])


def mask(text: str) -> np.ndarray[Any, np.dtype[np.bool_]]:
    return np.array([c == "1" for c in text])


def counts(result: GroupResult) -> dict[str, list[int]]:
    return {population_id: result.counts(population_id).tolist() for population_id in result.members}


def test_patient_based_proportion() -> None:
    """One patient per column: outside, numerator, excluded, exception, numerator despite exception, failing."""
    defines = {
        "initial-population": mask("011111"),
        "denominator": mask("111111"),
        "denominator-exclusion": mask("101000"),
        "numerator": mask("111010"),
        "numerator-exclusion": mask("111010"),
        "denominator-exception": mask("111110"),
    }
    result = evaluate_group(proportion(), Evaluated(6, defines))
    assert counts(result) == {
        "initial-population": [0, 1, 1, 1, 1, 1],
        "denominator": [0, 1, 1, 1, 1, 1],
        "denominator-exclusion": [0, 0, 1, 0, 0, 0],
        "numerator": [0, 1, 0, 0, 1, 0],
        "numerator-exclusion": [0, 1, 0, 0, 1, 0],
        "denominator-exception": [0, 0, 0, 1, 0, 0],
    }
    assert result.score() == 0 / 3  # both numerator members are numerator exclusions
    assert result.score(within=mask("100000")) is None


def test_episodes_are_matched_by_identity() -> None:
    defines = {
        "initial-population": episodes((0, 10), (0, 11), (1, 12), (1, 12)),
        "denominator": episodes((0, 10), (0, 11), (0, 99), (1, 12)),
        "denominator-exclusion": episodes((0, 10)),
        "numerator": episodes((0, 10), (1, 12)),
        "numerator-exclusion": episodes(),
        "denominator-exception": mask("110"),
    }
    result = evaluate_group(proportion("Encounter"), Evaluated(3, defines))
    assert counts(result) == {
        "initial-population": [2, 1, 0],
        "denominator": [2, 1, 0],
        "denominator-exclusion": [1, 0, 0],
        "numerator": [0, 1, 0],  # episode 10 is excluded, though as many episodes would remain
        "numerator-exclusion": [0, 0, 0],
        "denominator-exception": [1, 0, 0],  # a condition on the patient takes what is left of its episodes
    }
    assert result.episodes("numerator").key.tolist() == [12]
    assert result.score() == 1 / 1


def test_failed_patients_belong_nowhere() -> None:
    defines = {p.expression: mask("11") for p in proportion().criteria}
    result = evaluate_group(proportion(), Evaluated(2, defines, failed=mask("10")))
    assert result.counts("initial-population").tolist() == [0, 1]


def ratio(*more: dict[str, Any], basis: str = "Encounter", initial: int = 1) -> Group:
    def from_ip(number: int) -> dict[str, Any]:
        reference = {"url": "x/cqfm-criteriaReference", "valueString": f"ip{number}"}
        return {"extension": [reference]} if initial == 2 else {}

    parts = [population("initial-population", f"ip{n}", id=f"ip{n}") for n in range(1, initial + 1)]
    parts += [
        population("denominator", **from_ip(1)),
        population("denominator-exclusion"),
        population("numerator", **from_ip(2)),
        population("numerator-exclusion"),
    ]
    return measure(group("ratio", *parts, *more, basis=basis)).groups[0]


def test_ratio_with_two_observations() -> None:
    defines = {
        "ip1": episodes((0, 1), (0, 2), (1, 3)),
        "denominator": episodes((0, 1), (0, 2), (1, 3)),
        "denominator-exclusion": episodes((0, 2)),
        "numerator": episodes((0, 2), (1, 3)),
        "numerator-exclusion": episodes((1, 3)),
    }
    observations = {
        ("g1", "d"): Observed(np.array([5.0, 7.0, np.nan]), episodes((0, 1), (0, 2), (1, 3))),
        ("g1", "n"): Observed(np.array([2.0, 4.0]), episodes((0, 2), (1, 3))),
    }
    ratio_group = ratio(observation("d", "denominator", "Sum"), observation("n", "numerator", "Sum"))
    result = evaluate_group(ratio_group, Evaluated(2, defines, observations))
    assert counts(result)["numerator"] == [1, 1]  # a denominator exclusion does not reach a ratio's numerator
    assert result.of_patient(0).observed("d") == [5.0] and result.of_patient(1).observed("d") == []
    assert result.of_patient(0).observed("n") == [2.0] and result.of_patient(1).observed("n") == []
    assert result.score() == 2.0 / 5.0


def test_ratio_with_separate_initial_populations() -> None:
    defines = {
        "ip1": mask("110"),
        "ip2": mask("011"),
        "denominator": mask("111"),
        "denominator-exclusion": mask("000"),
        "numerator": mask("111"),
        "numerator-exclusion": mask("001"),
    }
    result = evaluate_group(ratio(basis="boolean", initial=2), Evaluated(3, defines))
    assert counts(result)["denominator"] == [1, 1, 0]
    assert counts(result)["numerator"] == [0, 1, 1]
    assert result.score() == (2 - 1) / 2


def test_continuous_variable() -> None:
    parts = (
        population("initial-population"),
        population("measure-population"),
        population("measure-population-exclusion"),
        observation("o", "measure-population", "Median"),
    )
    cv = measure(group("continuous-variable", *parts, basis="Encounter")).groups[0]
    listed = episodes((0, 1), (0, 2), (0, 3), (1, 4))
    defines = {
        "initial-population": listed,
        "measure-population": episodes((0, 1), (0, 2), (1, 4)),
        "measure-population-exclusion": episodes((0, 2), (0, 3)),
    }
    observations = {("g1", "o"): Observed(np.array([3.0, 50.0, 60.0, 5.0]), listed)}
    result = evaluate_group(cv, Evaluated(2, defines, observations))
    assert counts(result)["measure-population-exclusion"] == [1, 0]
    assert result.of_patient(0).observed("o") == [3.0]
    assert result.score() == 4.0


def test_cohort_has_no_score() -> None:
    cohort = measure(group("cohort", population("initial-population"))).groups[0]
    result = evaluate_group(cohort, Evaluated(2, {"initial-population": mask("10")}))
    assert result.total("initial-population") == 1 and result.score() is None


def test_criterion_strata() -> None:
    stratified = proportion("Encounter", stratifier=[{"id": "s", "criteria": criteria("S")}])
    listed = episodes((0, 1), (0, 2), (1, 3))
    defines: dict[str, Any] = {p.expression: listed for p in stratified.criteria}
    defines["denominator-exclusion"] = episodes()
    for value, inside in ((episodes((0, 1)), [1, 0]), (mask("10"), [2, 0])):
        result = evaluate_group(stratified, Evaluated(2, defines | {"S": value}))
        true, false = result.stratifiers[0].strata
        assert (true.value, false.value) == ("true", "false")
        assert result.counts("numerator", true.selected).tolist() == inside
        assert result.total("numerator", false.selected) == 3 - sum(inside)
        assert result.score(true.selected) == 0.0  # all of them are numerator exclusions


def test_value_strata_and_their_combinations() -> None:
    stratifier = {"id": "s", "component": [{"criteria": criteria("Sex")}, {"criteria": criteria("Old")}]}
    stratified = proportion(stratifier=[stratifier])
    defines: dict[str, Any] = {p.expression: mask("1111") for p in stratified.criteria}
    defines["Sex"] = Labels(np.array([0, 1, 1, -1], dtype=np.int32), ("female", "male"))
    defines["Old"] = mask("1001")
    (result,) = evaluate_group(stratified, Evaluated(4, defines)).stratifiers
    assert [stratum.value for stratum in result.strata] == ["female, true", "male, false"]
    assert result.strata[1].selected.tolist() == [False, True, True, False]


def test_labels_of_episodes_on_patients_take_the_first() -> None:
    labels = Labels(np.array([-1, 1, 0], dtype=np.int32), ("a", "b"), episodes((0, 1), (0, 2), (0, 3)))
    assert Units.of_patients(2).labels(labels).tolist() == [1, -1]


@pytest.mark.parametrize(
    ("method", "of_three", "of_none"),
    [
        (Aggregate.COUNT, 3.0, 0.0),
        (Aggregate.SUM, 9.0, 0.0),
        (Aggregate.AVERAGE, 3.0, None),
        (Aggregate.MEDIAN, 2.0, None),
        (Aggregate.MINIMUM, 1.0, None),
        (Aggregate.MAXIMUM, 6.0, None),
    ],
)
def test_aggregates(method: Aggregate, of_three: float, of_none: float | None) -> None:
    assert aggregate(method, np.array([1.0, 2.0, 6.0])) == of_three
    assert aggregate(method, np.array([])) == of_none


pairs = st.lists(st.tuples(st.integers(0, 3), st.sampled_from([0, 1, 2, 10**12])), max_size=8)


@given(st.lists(pairs, min_size=6, max_size=6))
def test_episode_membership_equals_set_algebra(lists: list[list[tuple[int, int]]]) -> None:
    of_episodes = proportion("Encounter")
    defines = {
        p.expression: episodes(*sorted(listed, key=lambda pair: pair[0]))
        for p, listed in zip(of_episodes.criteria, lists, strict=True)
    }
    result = evaluate_group(of_episodes, Evaluated(4, defines))
    ip, den, denex, num, numex, exception = map(set, lists)
    den &= ip
    denex &= den
    num &= den - denex
    expected = [ip, den, denex, num, numex & num, exception & den - denex - num]
    for p, members in zip(of_episodes.criteria, expected, strict=True):
        found = result.episodes(p.id)
        assert set(zip(found.patient.tolist(), found.key.tolist(), strict=True)) == members
        assert result.total(p.id) == len(members)
