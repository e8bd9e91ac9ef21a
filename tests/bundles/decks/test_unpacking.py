"""Archives as folders: within limits, and what is wrong with one costs no other."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from ecqm.bundles.content.documents import ContentError
from ecqm.bundles.decks.unpacking import unpacked
from ecqm.data.files.archives import ArchiveLimits


def packed(**files: str | bytes) -> bytes:
    """An archive of files, by their names with `_` for the point."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name.replace("_", "."), content)
    return out.getvalue()


def contents(path: Path, limits: ArchiveLimits | None = None) -> tuple[list[str], list[str]]:
    """The files that come of an archive, but for the archives, and what was left out."""
    problems: list[str] = []
    with unpacked(path, problems.append, limits) as folder:
        files = [each for each in folder.rglob("*") if each.is_file() and each.suffix != ".zip"]
        return sorted(each.relative_to(folder).as_posix() for each in files), problems


def test_archives_in_archives(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(packed(x_json="{}", b_zip=packed(y_json="{}", c_zip=packed(z_xml="<a/>"))))
    assert contents(tmp_path / "a.zip") == (["b/c/z.xml", "b/y.json", "x.json"], [])


def test_limits_are_for_all_archives_together(tmp_path: Path) -> None:
    inner = packed(y_json="0" * 600)
    (tmp_path / "a.zip").write_bytes(packed(b_zip=inner, c_zip=inner, x_json="{}"))
    files, problems = contents(tmp_path / "a.zip", ArchiveLimits(total_size=1100))
    assert files == ["b/y.json", "x.json"]
    (problem,) = problems
    assert problem.startswith(f"{tmp_path / 'a.zip'}/c.zip unpacks to more than ")
    assert contents(tmp_path / "a.zip", ArchiveLimits(entries=4))[0] == ["b/y.json", "x.json"]


def test_a_large_file_costs_itself(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(packed(large_json="0" * 5000, small_json="{}"))
    limits = ArchiveLimits(entry_size=1000, total_size=1000)
    told = f"{tmp_path / 'a.zip'}, entry large.json: unpacks to more than 1000 bytes"
    assert contents(tmp_path / "a.zip", limits) == (["small.json"], [told])


def test_a_damaged_archive_costs_itself(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(packed(b_zip=b"none", x_json="{}"))
    files, (problem,) = contents(tmp_path / "a.zip")
    assert files == ["x.json"] and "a.zip/b.zip is not a readable zip archive" in problem
    (tmp_path / "c.zip").write_bytes(b"none")
    with pytest.raises(ContentError, match="not a readable zip"):
        contents(tmp_path / "c.zip")


def test_a_folder_with_archives(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(packed(x_json="{}"))
    (tmp_path / "b.zip").write_bytes(b"none")
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "y.json").write_text("{}", "utf-8")
    with unpacked(tmp_path) as folder:
        assert (folder / "a" / "y.json").is_file() and (folder / "a-archive" / "x.json").is_file()
    assert (tmp_path / "a" / "y.json").is_file()
    with unpacked(tmp_path / "a") as folder:
        assert folder == tmp_path / "a"
