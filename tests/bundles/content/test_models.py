"""Content with the definition of a model that its measures use."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from ecqm.bundles.content import Content
from ecqm.bundles.evaluation.planning import Planner
from ecqm.bundles.specifications.store import SpecificationStore
from ecqm.models.additions import added_models
from tests.bundles import visits
from tests.models.test_additions import DENTAL, as_before

__all__ = ["as_before"]

CQL = visits.CQL.replace("using FHIR version '4.0.1'", "using Dental version '1.0.0-draft'").replace(
    "exists ([Encounter] Visit where Visit.status.value = 'finished')", "exists [LongVisit]"
)


def definition(**more: str) -> visits.Resource:
    coding = {"system": "http://terminology.hl7.org/CodeSystem/library-type", "code": "model-definition"}
    attachment = {"contentType": "application/xml", "data": base64.b64encode(DENTAL.encode()).decode()} | more
    return {
        "resourceType": "Library",
        "id": "Dental-ModelInfo",
        "version": "1",
        "type": {"coding": [coding]},
        "content": [attachment],
    }


@pytest.fixture(params=["file", "resource"])
def content(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A measure that retrieves a type of its own model, which is defined in a file or in a Library."""
    resources = [visits.measure(), visits.library(CQL.replace("[Observation]", "[LongVisit]"))]
    if request.param == "resource":
        resources.append(definition())
    visits.repository(tmp_path, *resources)
    if request.param == "file":
        folder = tmp_path / "input" / "cql"
        folder.mkdir()
        (folder / "dental-modelinfo-1.0.0-draft.xml").write_text(DENTAL, "utf-8")
    return tmp_path


def test_the_model_is_that_of_the_content(content: Path) -> None:
    opened = Content.open(content)
    assert opened.problems == []
    planner = Planner(opened)
    planner.plan(opened.measure("Visits"))
    assert planner.warnings == {}


def test_a_damaged_definition_is_a_problem(tmp_path: Path) -> None:
    opened = Content.open(visits.repository(tmp_path, visits.measure(), definition(data="abc")))
    (problem,) = opened.problems
    assert "Dental-ModelInfo-1.json: a model definition is not base64" in problem
    assert not added_models()


def test_specifications_keep_the_models_that_their_libraries_use(content: Path, tmp_path: Path) -> None:
    opened = Content.open(content)
    store = SpecificationStore(tmp_path / "store")
    added = store.add(opened, opened.measure("Visits"), allow_missing=True)
    assert [str(part) for part in added.parts if part.kind == "Model"] == ["Model Dental|1.0.0-draft"]
    store.export([added], tmp_path / "exported")
    for read in (lambda: store.open(added), lambda: Content.open(tmp_path / "exported")):
        added_models().clear()
        again = read()
        planner = Planner(again)
        planner.plan(again.measure("Visits"))
        assert not again.problems and not planner.warnings
        assert store.compare(added, again).problems == ()


def test_models_that_no_library_uses_are_not_kept(tmp_path: Path) -> None:
    opened = Content.open(visits.repository(tmp_path / "content", visits.measure(), visits.library(), definition()))
    added = SpecificationStore(tmp_path / "store").add(opened, opened.measure("Visits"))
    assert not [part for part in added.parts if part.kind == "Model"]
