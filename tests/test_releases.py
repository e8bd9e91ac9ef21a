"""The catalogue of CMS releases says what published content has."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from ecqm.bundles.content import Content
from ecqm.bundles.specifications.releases import RELEASES as RELEASES_FILE
from ecqm.measures.definition.naming import cms_id
from tests.content import CONTENT, needs_content

CONTENTS: dict[str, list[dict[str, Any]]] = tomllib.loads(RELEASES_FILE.read_text("utf-8"))
RELEASES, UPDATES = CONTENTS["release"], CONTENTS["annual_update"]
FACTS = {
    "reporting_year", "name", "specifications", "value_sets", "quality_data_model", "cql", "hqmf", "fhir_content",
    "fhir_model", "sources",
}  # fmt: skip


@pytest.mark.parametrize("release", RELEASES, ids=lambda release: release["name"])
def test_measures_are_listed_once(release: dict[str, Any]) -> None:
    ids = [measure["id"] for measure in release["measures"]]
    assert len(set(ids)) == len(ids)
    assert all(cms_id(measure["id"]) == measure["id"] for measure in release["measures"])


def test_each_year_has_one_update_with_its_sources() -> None:
    years = [update["reporting_year"] for update in UPDATES]
    assert years == list(range(2022, 2027))
    assert all(update["sources"] and set(update) <= FACTS for update in UPDATES)
    assert {release["name"]: release["reporting_year"] for release in RELEASES}.items() <= {
        update["name"]: update["reporting_year"] for update in UPDATES
    }.items()


@needs_content
@pytest.mark.parametrize("release", RELEASES, ids=lambda release: release["name"])
def test_published_content_has_these_versions(release: dict[str, Any]) -> None:
    content = Content.open(CONTENT / release["content"])
    published = {(source.name, source.version) for source in content.measures}
    assert {(measure["name"], measure["version"]) for measure in release["measures"]} == published
