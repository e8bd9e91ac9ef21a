"""Unpacking archives of measures and test cases for the time of a run: cases are read as folders."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from ecqm.bundles.content.documents import ContentError
from ecqm.data import DataError
from ecqm.data.files.archives import ArchiveLimits, archive_entries
from ecqm.data.files.suffixes import NDJSON_SUFFIXES

# Data and logic, descriptions of cases in exports, and archives within exports.
_SUFFIXES = (".json", *NDJSON_SUFFIXES, ".xml", ".cql", ".txt", ".madie", ".zip")
_DEPTH = 3


@contextmanager
def unpacked(
    path: Path, report: Callable[[str], None] = lambda problem: None, limits: ArchiveLimits | None = None
) -> Iterator[Path]:
    """A temporary folder with the content of a zip archive and of the archives in it, or with the content of a folder
    that has archives, unpacked. A folder without archives is returned as it is.

    The limits apply to everything unpacked together. Damaged files and inner archives, or those that exceed the limits,
    are left out and passed to `report`. Raises ContentError if `path` is neither an archive nor a folder, or an archive
    that is damaged or exceeds the limits.
    """
    archives = sorted(each for each in path.glob("*.zip") if each.is_file()) if path.is_dir() else [path]
    if not archives:
        yield path
        return
    with TemporaryDirectory(prefix="ecqm-") as name:
        folder = Path(name)
        unpacking = _Unpacking(limits or ArchiveLimits(), report)
        try:
            if path.is_dir():
                for other in path.iterdir():
                    if other not in archives:
                        os.symlink(other.absolute(), folder / other.name, other.is_dir())
                for archive in archives:
                    unpacking.inner(archive, archive.name, _free(folder / archive.stem), _DEPTH)
            else:
                unpacking.unpack(path, str(path), folder, _DEPTH)
        except DataError as error:
            raise ContentError(str(error)) from error
        yield folder


def _free(path: Path) -> Path:
    """A free path: next to the archive of an export there may be a folder of the same name."""
    while path.exists():
        path = path.with_name(path.name + "-archive")
    return path


@dataclass
class _Unpacking:
    """Unpacks archives into one folder; `limits` are what remains of the limits."""

    limits: ArchiveLimits
    report: Callable[[str], None]

    def unpack(self, archive: Path, origin: str, into: Path, depth: int) -> None:
        """Raises DataError for an archive that is damaged or exceeds the remaining limits."""
        within: list[tuple[Path, str]] = []
        for entry in archive_entries(archive, _SUFFIXES, self.limits, origin):
            inside = PurePosixPath(entry.name.replace("\\", "/"))
            outside = inside.is_absolute() or ".." in inside.parts
            if outside or any(part.startswith("__MACOSX") for part in inside.parts):
                continue
            try:
                data = entry.read()
            except DataError as error:
                self.report(str(error))
                continue
            self.limits = replace(
                self.limits, entries=self.limits.entries - 1, total_size=self.limits.total_size - len(data)
            )
            target = into / inside
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
            if target.suffix.lower() == ".zip" and depth:
                within.append((target, f"{origin}/{inside}"))
        for inner, called in within:
            self.inner(inner, called, inner.with_suffix(""), depth - 1)

    def inner(self, archive: Path, origin: str, into: Path, depth: int) -> None:
        """Unpack an inner archive; if that fails, the others are still unpacked."""
        try:
            self.unpack(archive, origin, into, depth)
        except DataError as error:
            self.report(str(error))
