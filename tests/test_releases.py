"""The catalogue of CMS releases says what published content has."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from ecqm.bundles.catalog import cms_id
from ecqm.bundles.content import Content
from tests.content import CONTENT, needs_content

CATALOGUE = Path(__file__).parent.parent / "measure_bundles" / "releases.toml"
RELEASES: list[dict[str, Any]] = tomllib.loads(CATALOGUE.read_text("utf-8"))["release"]


@pytest.mark.parametrize("release", RELEASES, ids=lambda release: release["name"])
def test_measures_are_listed_once(release: dict[str, Any]) -> None:
    ids = [measure["id"] for measure in release["measures"]]
    assert len(set(ids)) == len(ids)
    assert all(cms_id(measure["id"]) == measure["id"] for measure in release["measures"])


@needs_content
@pytest.mark.parametrize("release", RELEASES, ids=lambda release: release["name"])
def test_published_content_has_these_versions(release: dict[str, Any]) -> None:
    content = Content.open(CONTENT / release["content"])
    published = {(source.name, source.version) for source in content.measures}
    assert {(measure["name"], measure["version"]) for measure in release["measures"]} == published
