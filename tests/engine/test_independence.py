"""What a measure comes to for a patient does not depend on who else is in the cohort."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from ecqm.bundles.content import Content
from ecqm.bundles.planning import Planner
from ecqm.data import read_cases
from ecqm.engine import Executor, FhirProfiles
from ecqm.measures.batch import MeasureSet
from ecqm.measures.period import measurement_period
from ecqm.measures.planning import MeasurePlan
from ecqm.terminology import CodeIndex, Membership
from ecqm.values import DateTime, EvaluationContext
from tests.content import CONTENT, needs_content

SAMPLE = Path(__file__).parents[2] / "measure_bundles" / "sample"
REQUEST = EvaluationContext(DateTime(2026, 12, 1, 12, 0, 0, 0, 0))

Counts = dict[str, list[int]]
"""The populations that a case is in, in order of groups and populations, by the name of the case."""


def counts(content: Content, plan: MeasurePlan, folders: Sequence[Path]) -> Counts:
    codes = CodeIndex()
    cohort = read_cases(folders, plan.demand, codes)
    parameters = {"Measurement Period": measurement_period(plan.measure)}
    executor = Executor(cohort, Membership(codes, content.value_sets), FhirProfiles(), REQUEST, parameters)
    (result,) = MeasureSet([plan]).evaluate(executor)
    found: Counts = {folder.name: [] for folder in folders}
    for group in result.groups:
        for population in group.group.criteria:
            for folder, count in zip(folders, group.counts(population.id).tolist(), strict=True):
                found[folder.name].append(count)
    return found


def check(content: Content, name: str, alone: int) -> None:
    """The first cases one by one, and all of them the other way round, come to what all of them do together."""
    measure = content.measure(name)
    plan = Planner(content).plan(measure)
    assert content.tests is not None
    folders = sorted(path for path in (content.tests / measure.name).iterdir() if path.is_dir())
    together = counts(content, plan, folders)
    assert counts(content, plan, folders[::-1]) == together
    for folder in folders[:alone]:
        assert counts(content, plan, [folder]) == {folder.name: together[folder.name]}


@pytest.mark.parametrize("name", ["SampleDiabetesKidneyCheck", "SampleHospitalStay"])
def test_sample_measures(name: str) -> None:
    check(Content.open(SAMPLE), name, alone=100)


@needs_content
@pytest.mark.parametrize("name", ["CMS2", "CMS71", "CMS165", "CMS646", "CMS832"])
def test_published_measures(name: str) -> None:
    folder = CONTENT / "ecqm-content-qicore-2025"
    check(Content.open(folder, [CONTENT / "libraries-2025"], [CONTENT / "valuesets-2025"]), name, alone=15)
