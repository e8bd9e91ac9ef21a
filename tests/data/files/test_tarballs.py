"""Compressed tar archives, the form of FHIR packages."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from ecqm.data import DataError
from ecqm.data.files.archives import ArchiveLimits, UnsafeArchive, tarball_files

FILES = {"package/package.json": "{}", "package/Library-A.json": '{"resourceType": "Library"}', "package/logo.png": "x"}


def tarball(path: Path, files: dict[str, str]) -> Path:
    """A package of files."""
    with tarfile.open(path, "w:gz") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return path


def test_the_files_of_some_kind(tmp_path: Path) -> None:
    found = dict(tarball_files(tarball(tmp_path / "a.tgz", FILES), (".json",)))
    assert {name: data.decode() for name, data in found.items()} == {n: t for n, t in FILES.items() if "json" in n}


def test_links_are_no_files(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tgz", "w:gz") as archive:
        link = tarfile.TarInfo("package/a.json")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
        archive.addfile(link)
    assert list(tarball_files(tmp_path / "a.tgz", (".json",))) == []


@pytest.mark.parametrize("limits", [ArchiveLimits(entries=2), ArchiveLimits(entry_size=5), ArchiveLimits(total_size=9)])
def test_archives_beyond_the_limits_are_refused(tmp_path: Path, limits: ArchiveLimits) -> None:
    with pytest.raises(UnsafeArchive, match=r"a\.tgz, entry .* unpacks to more"):
        list(tarball_files(tarball(tmp_path / "a.tgz", FILES), (".json",), limits))


def test_damaged_archives(tmp_path: Path) -> None:
    whole = tarball(tmp_path / "a.tgz", {"a.json": "{}" * 5000}).read_bytes()
    for part in (whole[: len(whole) // 2], b"no archive"):
        (tmp_path / "b.tgz").write_bytes(part)
        with pytest.raises(DataError, match=r"b\.tgz is not a readable tar archive"):
            list(tarball_files(tmp_path / "b.tgz", (".json",)))
