from __future__ import annotations

import math

import numpy as np
import pytest

from ecqm.measures.composite import CompositeResult, composite_result
from ecqm.measures.criteria import Evaluated
from ecqm.measures.definition import ComponentMeasure, MeasureError
from ecqm.measures.evaluation import GroupResult, evaluate_group
from tests.measures.resources import CQFM, concept, group, measure, population, proportion


def component(denominator: list[int], numerator: list[int]) -> GroupResult:
    defines = {p.expression: np.zeros(len(denominator), dtype=np.bool_) for p in proportion().criteria}
    defines["initial-population"] = np.ones(len(denominator), dtype=np.bool_)
    defines["denominator"] = np.array(denominator, dtype=np.bool_)
    defines["numerator"] = np.array(numerator, dtype=np.bool_)
    return evaluate_group(proportion(), Evaluated(len(denominator), defines))


def composite(method: str) -> CompositeResult:
    weights = (3.0, 1.0)
    artifacts = [
        {
            "type": "composed-of",
            "resource": f"http://example.org/Measure/{n}",
            "extension": [{"url": CQFM + "cqfm-weight", "valueDecimal": weight}],
        }
        for n, weight in enumerate(weights)
    ]
    definition = measure(compositeScoring=concept(method), relatedArtifact=artifacts)
    # Four patients: both taken, the first only, only the second offered and missed, nothing offered.
    results = [component([1, 1, 0, 0], [1, 1, 0, 0]), component([1, 1, 1, 0], [1, 0, 0, 0])]
    return composite_result(definition, [(c, [r]) for c, r in zip(definition.components, results, strict=True)])


@pytest.mark.parametrize(
    ("method", "score", "of_patients"),
    [
        ("opportunity", 3 / 5, [1, 0.5, 0]),
        ("all-or-nothing", 1 / 3, [1, 0, 0]),
        ("linear", 1.5 / 3, [1, 0.5, 0]),
        ("weighted", 1.75 / 3, [1, 0.75, 0]),
    ],
)
def test_methods(method: str, score: float, of_patients: list[float]) -> None:
    result = composite(method)
    assert result.score == pytest.approx(score)
    assert result.patient_scores[:3].tolist() == of_patients
    assert math.isnan(result.patient_scores[3])


def test_only_proportions_combine() -> None:
    definition = measure(compositeScoring=concept("linear"))
    cohort = measure(group("cohort", population("initial-population"))).groups[0]
    result = evaluate_group(cohort, Evaluated(1, {"initial-population": np.ones(1, dtype=np.bool_)}))
    with pytest.raises(MeasureError, match="only proportions"):
        composite_result(definition, [(ComponentMeasure("x"), [result])])
    with pytest.raises(MeasureError, match="no group g9"):
        composite_result(definition, [(ComponentMeasure("x", group_id="g9"), [result])])
    with pytest.raises(MeasureError, match="no component"):
        composite_result(definition, [])
