"""What a measure comes to for a patient does not depend on who else is in the cohort."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ecqm.bundles.content import Content
from ecqm.bundles.evaluation.planning import Planner
from ecqm.columns import to_values
from ecqm.data import read_cases
from ecqm.engine import Executor, FhirProfiles
from ecqm.measures.definition.period import measurement_period
from ecqm.measures.evaluation.batch import MeasureSet
from ecqm.measures.evaluation.planning import MeasurePlan, demand_of
from ecqm.plan.nodes import PlanNode, reachable
from ecqm.terminology import CodeIndex, Membership
from ecqm.values import DateTime, EvaluationContext
from tests.content import CONTENT, needs_content
from tests.engine.logic import named

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


Values = dict[str, dict[str, Any]]
"""The value of every define as text, by the name of the case and of the define; errors under the name "errors"."""


def values(
    content: Content,
    plan: MeasurePlan,
    defines: dict[str, PlanNode],
    folders: Sequence[Path],
    pair_limit: int = 2_000_000,
) -> Values:
    codes = CodeIndex()
    cohort = read_cases(folders, demand_of(reachable(defines.values())), codes)
    parameters = {"Measurement Period": measurement_period(plan.measure)}
    terminology = Membership(codes, content.value_sets)
    executor = Executor(cohort, terminology, FhirProfiles(), REQUEST, parameters, pair_limit)
    found: Values = {folder.name: {} for folder in folders}
    for name, node in defines.items():
        column = executor.evaluate(node, name).broadcast(cohort.n)
        for folder, value in zip(folders, to_values(column), strict=True):
            found[folder.name][name] = repr(named(value))
    for number, folder in enumerate(folders):
        errors = {(error.origin, error.message) for error in executor.errors if error.patient == number}
        found[folder.name]["errors"] = errors
    return found


def check_defines(content: Content, name: str, alone: int) -> None:
    """Every define of the measure's library, and the pairs of its queries taken in the smallest chunks."""
    plan = Planner(content).plan(content.measure(name))
    library = plan.libraries.main
    defines = {define: plan.lowering.define(library, define) for define in library.expressions}
    assert content.tests is not None
    folders = sorted(path for path in (content.tests / plan.measure.name).iterdir() if path.is_dir())
    together = values(content, plan, defines, folders)
    assert values(content, plan, defines, folders, pair_limit=1) == together
    for folder in folders[:: max(1, len(folders) // alone)]:
        assert values(content, plan, defines, [folder]) == {folder.name: together[folder.name]}


@pytest.mark.parametrize("name", ["SampleDiabetesKidneyCheck", "SampleHospitalStay"])
def test_defines_of_sample_measures(name: str) -> None:
    check_defines(Content.open(SAMPLE), name, alone=100)


@needs_content
@pytest.mark.parametrize("name", ["CMS986", "CMS1017", "CMS1218"])
def test_defines_of_published_measures(name: str) -> None:
    folder = CONTENT / "ecqm-content-qicore-2025"
    check_defines(Content.open(folder, [CONTENT / "libraries-2025"], [CONTENT / "valuesets-2025"]), name, alone=6)
