"""The sources of libraries in files and folders."""

from __future__ import annotations

from pathlib import Path

from ecqm.language.sources import index


def test_an_include_without_a_version_takes_the_newest_which_is_no_draft(tmp_path: Path) -> None:
    for version in ("3.9.000", "4.0.000-ballot", "4.0.000", "3.10.000"):
        (tmp_path / f"{version}.cql").write_text(f"library Common version '{version}' define A: '{version}'")
    sources = index([tmp_path])
    assert sources.versions("Common") == ["4.0.000", "4.0.000-ballot", "3.10.000", "3.9.000"]
    assert sources("Common", None) == sources("Common", "4.0.000")
    assert sources.file("Common", None) == str(tmp_path / "4.0.000.cql")
