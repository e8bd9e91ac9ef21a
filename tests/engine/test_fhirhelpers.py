"""The kernels of FHIRHelpers conversions against the library's own definitions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ecqm.bundles.content import Content
from ecqm.bundles.evaluation.planning import Planner
from ecqm.data import Cohort, read_cases
from ecqm.engine import Executor, FhirProfiles, kernel_for
from ecqm.language.fhirhelpers import fhir_helpers
from ecqm.measures.definition.period import measurement_period
from ecqm.measures.evaluation.batch import MeasureSet
from ecqm.measures.evaluation.planning import plan_measure
from ecqm.measures.scoring.groups import GroupResult
from ecqm.plan.nodes import FunctionKernel
from ecqm.terminology import CodeIndex, Membership
from ecqm.values import EvaluationContext
from tests.content import CONTENT, needs_content
from tests.data.resources import encounter, observation, patient
from tests.engine.logic import Logic, cohort_of

PUBLISHED = CONTENT / "ecqm-content-qicore-2025" / "input" / "cql" / "FHIRHelpers.cql"
UCUM = "http://unitsofmeasure.org"

# One expression per conversion, over the values of observations (or what is named).
CONVERSIONS = {
    "quantity": "(O.value as FHIR.Quantity)",
    "range": "(O.value as FHIR.Range)",
    "ratio": "(O.value as FHIR.Ratio)",
    "period": "(O.effective as FHIR.Period)",
    "concept": "(O.value as FHIR.CodeableConcept)",
    "string": "(O.value as FHIR.string)",
    "boolean": "(O.value as FHIR.boolean)",
    "integer": "(O.value as FHIR.integer)",
    "dateTime": "(O.effective as FHIR.dateTime)",
    "instant": "O.issued",
    "status": "O.status",
    "code": "First(O.code.coding)",
}
FUNCTIONS = {
    "quantity": "ToQuantity",
    "range": "ToInterval",
    "ratio": "ToRatio",
    "period": "ToInterval",
    "concept": "ToConcept",
    "string": "ToString",
    "boolean": "ToBoolean",
    "integer": "ToInteger",
    "dateTime": "ToDateTime",
    "instant": "ToDateTime",
    "status": "ToString",
    "code": "ToCode",
}
OBSERVED: list[dict[str, Any]] = [
    {"valueQuantity": {"value": 7.50, "unit": "percent", "system": UCUM, "code": "%"}},
    {"valueQuantity": {"value": 3, "unit": "days", "system": UCUM, "code": "d"}},
    {"valueQuantity": {"value": 3}},
    {"valueQuantity": {"unit": "mg", "system": UCUM, "code": "mg"}},
    {"valueRange": {"low": {"value": 1, "system": UCUM, "code": "mg"}, "high": {"value": 2, "code": "mg"}}},
    {"valueRange": {"high": {"value": 2, "system": UCUM, "code": "mg"}}},
    {"valueRatio": {"numerator": {"value": 1}, "denominator": {"value": 128}}},
    {"valueCodeableConcept": {"coding": [{"system": "s", "code": "c", "display": "d"}, {"code": "e"}], "text": "t"}},
    {
        "valueCodeableConcept": {
            "coding": [{"system": "s", "code": c, "display": d} for c, d in ("ad", "bd", "ad", "ae")]
        }
    },
    {"valueCodeableConcept": {"text": "only text"}},
    {"valueString": "text"},
    {"valueBoolean": False},
    {"valueInteger": 5},
    {"effectiveDateTime": "2026-03"},
    {"effectiveDateTime": "2026-03-05T10:00:00-05:00", "issued": "2026-03-05T10:00:00.123Z"},
    {"effectivePeriod": {"start": "2026-01-01", "end": "2026-02-01T00:00:00Z"}},
    {"effectivePeriod": {"start": "2026-01-01"}},
    {"effectivePeriod": {"end": "2026-01-01"}},
    {},
]


@pytest.fixture
def cohort(tmp_path: Path) -> Cohort:
    values = [observation(f"o{n}", status="final", **elements) for n, elements in enumerate(OBSERVED)]
    return cohort_of(tmp_path, [patient("p1"), encounter("e1"), *values])


@pytest.fixture(params=["supplied", pytest.param("published", marks=needs_content)])
def helpers(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The file of a FHIRHelpers: our own, or the published one."""
    if request.param == "published":
        return PUBLISHED
    own = tmp_path / "FHIRHelpers.cql"
    own.write_text(fhir_helpers() or "", "utf-8")
    return own


@pytest.mark.parametrize("name", CONVERSIONS)
def test_a_kernel_is_what_the_library_defines(cohort: Cohort, helpers: Path, name: str) -> None:
    source = f"define Converted: [Observation] O return all FHIRHelpers.{FUNCTIONS[name]}({CONVERSIONS[name]})"
    fast, defined = Logic(source, helpers=helpers), Logic(source, lambda library, function: None, helpers)
    assert any(isinstance(node, FunctionKernel) for node in nodes_of(fast))
    assert not any(isinstance(node, FunctionKernel) for node in nodes_of(defined))
    (converted,) = fast.values("Converted", cohort)
    assert any(value is not None for value in converted)
    assert [converted] == defined.values("Converted", cohort)


def nodes_of(logic: Logic) -> frozenset[Any]:
    from ecqm.plan.nodes import reachable

    return reachable([logic.plan("Converted")])


@pytest.mark.parametrize("comparator", ["<", "<=", ">", ">="])
def test_a_quantity_with_a_comparator_is_an_error(tmp_path: Path, helpers: Path, comparator: str) -> None:
    compared = observation("o", valueQuantity={"value": 5, "comparator": comparator, "system": UCUM, "code": "mg"})
    cohort = cohort_of(tmp_path, [patient("p1"), compared], [patient("p2")])
    source = "define Converted: [Observation] O return all FHIRHelpers.ToQuantity(O.value as FHIR.Quantity)"
    for kernels in (kernel_for, lambda library, function: None):
        logic = Logic(source, kernels, helpers)
        executor = logic.executor(cohort)
        assert logic.values("Converted", executor)[1] == ()
        assert [error.patient for error in executor.errors] == [0]


@needs_content
@pytest.mark.parametrize("name", ["CMS122", "CMS165", "CMS2", "CMS832", "CMS506"])
def test_measures_agree_without_kernels(name: str) -> None:
    content = Content.open(
        CONTENT / "ecqm-content-qicore-2025", [CONTENT / "libraries-2025"], [CONTENT / "valuesets-2025"]
    )
    measure = content.measure(name)
    libraries = Planner(content).libraries(measure)
    assert content.tests is not None
    folders = sorted(path for path in (content.tests / measure.name).iterdir() if path.is_dir())
    context = EvaluationContext.of_this_moment()

    def results(kernels: Any) -> tuple[tuple[GroupResult, ...], list[int]]:
        plan = plan_measure(measure, libraries, kernels)
        codes = CodeIndex()
        cohort = read_cases(folders, plan.demand, codes)
        parameters = {"Measurement Period": measurement_period(measure)}
        membership = Membership(codes, content.value_sets)
        executor = Executor(cohort, membership, FhirProfiles(), context, parameters)
        (result,) = MeasureSet([plan]).evaluate(executor)
        return result.groups, result.failed.nonzero()[0].tolist()

    fast, fast_failed = results(kernel_for)
    defined, defined_failed = results(lambda library, function: None)
    assert fast_failed == defined_failed
    for one, other in zip(fast, defined, strict=True):
        for population in one.group.criteria:
            assert one.counts(population.id).tolist() == other.counts(population.id).tolist()
        for observed in one.group.observations:
            assert one.observed(observed.id) == other.observed(observed.id)
