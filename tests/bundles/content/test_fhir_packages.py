"""Content with the FHIR packages of implementation guides, which have the libraries that content includes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ecqm.bundles.content import Content
from ecqm.bundles.content.documents import ContentError
from ecqm.bundles.evaluation.planning import plan_of
from tests.bundles import visits
from tests.data.files.test_tarballs import tarball

SHARED = "library guide.Shared version '2.0.0'\nusing FHIR version '4.0.1'\ncontext Patient\ndefine Seen: [Encounter]\n"


def package(path: Path) -> Path:
    """A package with one library, as packages have it: as a resource, not in a namespace."""
    library = visits.library(
        SHARED, id="Shared", name="Shared", version="2.0.0", url="http://example.org/Library/Shared"
    )
    return tarball(
        path, {"package/package.json": '{"name": "guide"}', "package/Library-Shared.json": json.dumps(library)}
    )


def test_libraries_of_a_package(tmp_path: Path) -> None:
    include = "\ninclude guide.Shared version '2.0.0' called Shared\n"
    cql = visits.CQL.replace("\nparameter", include + "parameter", 1).replace("[Encounter]", "Shared.Seen")
    visits.repository(tmp_path / "content", visits.measure(), visits.library(cql))
    content = Content.open(tmp_path / "content", [package(tmp_path / "guide-2.0.0.tgz")])
    assert content.problems == []
    plan = plan_of(content, content.measure("Visits"))
    assert "Shared" in [library.identifier.name for library in plan.libraries.libraries]


def test_a_damaged_package(tmp_path: Path) -> None:
    (tmp_path / "guide.tgz").write_bytes(b"\x1f\x8b")
    with pytest.raises(ContentError, match="not a readable tar archive"):
        Content.open(tmp_path / "guide.tgz")
