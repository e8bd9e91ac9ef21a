"""Which files of a case folder are read."""

from __future__ import annotations

from pathlib import Path

from ecqm.data.files.case_folders import case_documents


def test_bundles_of_earlier_versions_hidden_files_and_twins_are_left_out(tmp_path: Path) -> None:
    kept = (
        "CMS1-v0.10.000-A-b.json",
        "CMS2-v0.1.000-A-b.json",
        "CMS2-v0.1.000-A-c.json",
        "Patient-v2-x-y.json",
        "a.json",
    )
    left_out = (
        "CMS1-v0.9.999-A-other title.json",
        "CMS1FHIR-v0.1.000-A-b.json",
        "._a.json",
        "a.xml",
        ".DS_Store",
        "README.txt",
    )
    (tmp_path / "Encounter").mkdir()
    for name in (*kept, *left_out, "Encounter/CMS1-v0.1.000-A-b.json"):
        (tmp_path / name).touch()
    # Versions are compared within a folder.
    expected = [*kept, "CMS1-v0.1.000-A-b.json"]
    assert [path.name for path in case_documents(tmp_path)] == expected
