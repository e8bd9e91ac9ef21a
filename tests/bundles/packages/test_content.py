"""Packages chosen by the names that people use for them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ecqm.bundles.packages.content import PackageContent
from ecqm.measures.definition.naming import MeasureNotFound
from tests.bundles.packages.stays import measure


def content(root: Path, **versions: str) -> PackageContent:
    """Packages of one measure by the names of their folders, each with its version."""
    for folder, version in versions.items():
        (root / folder).mkdir(parents=True)
        (root / folder / f"{folder}.json").write_text(json.dumps(measure() | {"hqmf_version_number": version}))
    return PackageContent.open(root)


def test_the_latest_of_several_versions_is_meant(tmp_path: Path) -> None:
    """CMS1v0, their `cms_id`, is a name of each."""
    packages = content(tmp_path, a="2.9.000", b="2.10.000", c="1.0.000")
    assert packages.find("CMS1v0").names[0] == packages.find("cms1").names[0] == "b"
    assert packages.find("CMS1v0|2.9.000").names[0] == "a"
    assert packages.find("c").measure.version == "1.0.000"
    assert [package.names[0] for package in packages.select()] == ["a", "b", "c"]


def test_names_of_no_package_and_of_several(tmp_path: Path) -> None:
    packages = content(tmp_path, a="1.0.000", b="1.0.000")
    with pytest.raises(MeasureNotFound, match=r"'CMS1v0' may mean any of: a\|1\.0\.000 .*, b\|1"):
        packages.find("CMS1v0")
    for name in ("CMS2", "a|9"):
        with pytest.raises(MeasureNotFound, match="there is no measure"):
            packages.find(name)


@pytest.mark.parametrize(
    ("version", "told"),
    [("5.6", []), ("5.0.2", ["model QDM: version 5.0.2 is not available, using 5.3 instead"])],
)
def test_a_version_of_qdm_without_a_model_is_reported(tmp_path: Path, version: str, told: list[str]) -> None:
    text = json.dumps(measure()).replace('"version": "5.6"', f'"version": "{version}"')
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "a.json").write_text(text)
    problems = PackageContent.open(tmp_path).find("a").plan().problems
    assert [problem.partition(", ")[2] for problem in problems if "QDM" in problem] == told
