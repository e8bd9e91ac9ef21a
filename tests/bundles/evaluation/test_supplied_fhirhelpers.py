"""Content that includes FHIRHelpers without having it."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from ecqm.bundles.content import Content
from ecqm.bundles.evaluation.planning import Planner
from ecqm.elm import ElmError, write_json
from ecqm.language import compile_library
from tests.bundles import visits

CQL = visits.CQL.replace("\nparameter", "\ninclude FHIRHelpers version '4.0.1'\nparameter", 1).replace(
    "Visit.status.value = 'finished'", "Visit.status = 'finished' and Visit.period during \"Measurement Period\""
)
OTHER = (
    "library FHIRHelpers version '4.4.000'\nusing FHIR version '4.0.1'\ndefine function ToString(value FHIR.id): 'x'\n"
)


def in_elm() -> visits.Resource:
    """The library with its ELM alone."""
    elm = write_json(compile_library(CQL).library)
    attachment = {"contentType": "application/elm+json", "data": base64.b64encode(elm).decode()}
    return visits.library() | {"content": [attachment]}


def planned(root: Path, *resources: visits.Resource, relax_versions: bool = False) -> Planner:
    """The planner, after it planned the measure."""
    content = Content.open(visits.repository(root, visits.measure(), *resources))
    planner = Planner(content, relax_versions)
    planner.plan(content.measure("Visits"))
    return planner


@pytest.mark.parametrize("library", [visits.library(CQL), in_elm()])
def test_it_is_supplied_with_a_warning(tmp_path: Path, library: visits.Resource) -> None:
    told = {"FHIRHelpers|4.0.1 is not in the content; ecqm's own is used": "Visits 1.0.000"}
    assert planned(tmp_path, library).warnings == told


def test_another_version_is_used_only_on_request(tmp_path: Path) -> None:
    other = visits.library(OTHER, id="FHIRHelpers", name="FHIRHelpers", version="4.4.000", url="http://x/FHIRHelpers")
    assert planned(tmp_path / "a", in_elm(), other).warnings
    assert not planned(tmp_path / "b", in_elm(), other, relax_versions=True).warnings


def test_versions_for_other_fhir_are_not_supplied(tmp_path: Path) -> None:
    with pytest.raises(ElmError, match=r"library FHIRHelpers version 3\.0\.0 not found"):
        planned(tmp_path, visits.library(CQL.replace("FHIRHelpers version '4.0.1'", "FHIRHelpers version '3.0.0'")))
