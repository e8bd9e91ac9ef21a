"""Composite scores, by the example tables and formulas of the Quality Measure IG, "Composites"."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ecqm.measures.definition import Composite, Group, MeasureError, SupplementalData
from ecqm.measures.definition.composition import resolved_composites
from ecqm.measures.evaluation.batch import MeasureResult, composed_result
from ecqm.measures.scoring.composite import (
    CompositeResult,
    component_groups,
    composite_result,
    composite_score,
)
from ecqm.measures.scoring.criteria import Episodes, Evaluated
from ecqm.measures.scoring.groups import GroupResult, evaluate_group
from tests.measures.resources import CQFM, composite_measure, concept, group, measure, population, proportion

# Ten measures by ten patients: in the numerator, in the denominator alone, in neither.
TABLE = """
T T T T F T T F T T
T T T - F T - T F T
T T T - T T - F T T
F T T - T T - T - T
F T T - T - - F - F
T T F - T - - T - F
- - - T T - T F - T
F T T T T F T T - T
F T F F F F T T T T
T T T T F T T T T T
"""


def composite(method: str, n: int = 2, weights: tuple[float, ...] = (), **more: Any) -> Composite:
    artifacts = [
        {
            "type": "composed-of",
            "resource": f"http://example.org/Measure/{at}",
            "extension": [{"url": CQFM + "cqfm-weight", "valueDecimal": weights[at]}] if weights else [],
        }
        for at in range(n)
    ]
    (found,) = measure(compositeScoring=concept(method), relatedArtifact=artifacts, **more).composites
    return found


def component(notation: str | None = None, **populations: list[int]) -> GroupResult:
    """A patient-based proportion with some of its populations; those not named are empty."""
    n = len(populations["denominator"])
    definition = proportion() if notation is None else _improving(notation)
    defines: dict[str, Any] = {p.expression: np.zeros(n, dtype=np.bool_) for p in definition.criteria}
    defines["initial-population"] = np.ones(n, dtype=np.bool_)
    for name, members in populations.items():
        defines[name.replace("_", "-")] = np.array(members, dtype=np.bool_)
    return evaluate_group(definition, Evaluated(n, defines))


def _improving(notation: str) -> Group:
    codes = ("initial-population", "denominator", "numerator")
    made = group("proportion", *(population(code) for code in codes))
    return measure(made, improvementNotation=concept(notation)).groups[0]


def scored(definition: Composite, *results: GroupResult) -> tuple[float | None, CompositeResult]:
    result = composite_result(definition, results, None)
    return composite_score(definition, result.tally, [each.tally() for each in results]), result


def of_table() -> list[GroupResult]:
    rows = [line.split() for line in TABLE.strip().splitlines()]
    return [component(denominator=[c != "-" for c in row], numerator=[c == "T" for c in row]) for row in rows]


def test_linear_and_opportunity_by_the_table_of_the_guide() -> None:
    score, result = scored(composite("linear", 10), *of_table())
    assert np.round(result.patient_scores * 100, 1).tolist() == [55.6, 100, 77.8, 80, 60, 71.4, 100, 60, 80, 80]
    assert score == pytest.approx(0.765, abs=5e-4)
    score, result = scored(composite("opportunity", 10), *of_table())
    assert score == pytest.approx(59 / 79)
    assert round(float(result.patient_scores[0]) * 100, 1) == 55.6


def test_all_or_nothing_asks_for_all_that_was_offered() -> None:
    # All taken; one of two missed; only one offered, and taken; nothing offered; excluded from one of them; excepted.
    first = component(denominator=[1, 1, 1, 0, 1, 1], numerator=[1, 1, 1, 0, 1, 1])
    second = component(
        denominator=[1, 1, 0, 0, 1, 1],
        numerator=[1, 0, 0, 0, 0, 0],
        denominator_exclusion=[0, 0, 0, 0, 1, 0],
        denominator_exception=[0, 0, 0, 0, 0, 1],
    )
    score, result = scored(composite("all-or-nothing"), first, second)
    assert score == pytest.approx(2 / 3)
    assert result.patient_scores[:3].tolist() == [1, 0, 1]
    assert np.isnan(result.patient_scores[3:]).all()


def test_numerator_exclusions_are_taken_off() -> None:
    first = component(denominator=[1, 1], numerator=[1, 1], numerator_exclusion=[1, 0])
    second = component(denominator=[1, 1], numerator=[1, 1])
    assert scored(composite("all-or-nothing"), first, second)[0] == 0.5
    assert scored(composite("opportunity"), first, second)[0] == 0.75


def test_weighted_is_of_the_scores_of_components() -> None:
    results = [
        component(denominator=[1, 1, 1, 1], numerator=[1, 1, 1, 0]),
        component(denominator=[1, 0, 0, 0], numerator=[0, 0, 0, 0]),
        component(denominator=[0, 0, 0, 0], numerator=[0, 0, 0, 0]),
    ]
    score, result = scored(composite("weighted", 3, (3.0, 1.0, 5.0)), *results)
    assert score == pytest.approx((3 * 0.75 + 1 * 0) / 4)
    assert result.patient_scores.tolist() == [0.75, 1, 1, 0]


@pytest.mark.parametrize("method", ["opportunity", "linear", "weighted"])
def test_components_that_improve_the_other_way_are_reversed(method: str) -> None:
    # The guide's example: 80 of 100, 80 of 100, and 20 of 100 of what should decrease.
    everyone, most, few = [1] * 100, [1] * 80 + [0] * 20, [1] * 20 + [0] * 80
    results = [
        component("increase", denominator=everyone, numerator=most),
        component("increase", denominator=everyone, numerator=most),
        component("decrease", denominator=everyone, numerator=few),
    ]
    assert scored(composite(method, 3, improvementNotation=concept("increase")), *results)[0] == pytest.approx(0.8)
    assert scored(composite(method, 3), *results)[0] == pytest.approx(0.6)


def episodes(denominator: list[tuple[int, int]], numerator: list[tuple[int, int]]) -> GroupResult:
    """An encounter-based proportion over two patients, episodes as (patient, key)."""

    def listed(pairs: list[tuple[int, int]]) -> Episodes:
        return Episodes(np.array([p for p, _ in pairs], np.int64), np.array([k for _, k in pairs], np.int64))

    definition = proportion("Encounter")
    defines: dict[str, Any] = {p.expression: listed([]) for p in definition.criteria}
    defines |= {"initial-population": listed(denominator), "denominator": listed(denominator)}
    return evaluate_group(definition, Evaluated(2, defines | {"numerator": listed(numerator)}))


def test_episodes_count_as_patients_or_by_themselves() -> None:
    first = episodes([(0, 1), (0, 2), (1, 3)], [(0, 1)])
    second = episodes([(0, 1), (0, 4)], [(0, 1), (0, 4)])
    assert scored(composite("opportunity"), first, second)[0] == pytest.approx(2 / 3)
    basis = [{"url": CQFM + "cqfm-populationBasis", "valueCode": "Encounter"}]
    of_encounters = composite("all-or-nothing", extension=basis)
    score, result = scored(of_encounters, first, second)
    assert score == pytest.approx(2 / 4)
    assert result.patient_scores.tolist() == [pytest.approx(2 / 3), 0]


def test_batches_add_up_and_failed_patients_are_left_out() -> None:
    definition = composite("linear", 10)
    whole = of_table()
    failed = np.array([True] + [False] * 9)
    result = composite_result(definition, whole, failed)
    assert np.isnan(result.patient_scores[0]) and result.tally.possible == 9
    assert (result.tally + result.tally).possible == 18


def test_supplemental_data_are_those_of_the_components() -> None:
    parts = (population("initial-population"), population("denominator"), population("numerator"))

    def data(name: str) -> dict[str, Any]:
        return {"id": name.lower(), "criteria": {"expression": name}}

    first = measure(
        group("proportion", *parts), url="http://example.org/Measure/0", supplementalData=[data("Sex"), data("Race")]
    )
    second = measure(group("proportion", *parts), url="http://example.org/Measure/1", supplementalData=[data("Race")])
    known = {each.url: each for each in (first, second)}
    asked = replace(
        composite_measure(), supplemental_data=(SupplementalData("own", "Payer", frozenset()),), period=("2026", None)
    )
    bound, _ = resolved_composites(asked, lambda name: known[name])
    assert [each.expression for each in bound.supplemental_data] == ["Sex", "Race"]
    told = " ".join(bound.problems)
    assert "no component has the supplemental data 'Payer'" in told and "has another effective period" in told
    patients = np.zeros(1, np.bool_)
    of_first = MeasureResult(first, (component(denominator=[1]),), patients, (), {"sex": [["f"]], "race": [["x"]]}, 0.0)
    of_second = MeasureResult(second, (component(denominator=[1]),), ~patients, (), {"race": [["y"]]}, 0.0)
    composed = composed_result(bound, [of_first, of_second])
    assert composed.supplements == {"sex": [["f"]], "race": [["y"]]} and composed.failed.all()
    with pytest.raises(MeasureError, match="not all of what"):
        composed_result(bound, [of_first])


def test_a_composite_without_a_component_has_no_score() -> None:
    both = composite("opportunity")
    first = both.components[0].measure
    assert component_groups(both, {first: [component(denominator=[1])]}) is None
