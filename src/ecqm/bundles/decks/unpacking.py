"""Archives of measures and test cases unpacked for the time of a run: cases are folders to those who read them."""

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

# Data and logic, what an export says of its cases, and the archives that an export of both consists of.
_SUFFIXES = (".json", ".ndjson", ".xml", ".cql", ".txt", ".madie", ".zip")
_DEPTH = 3


@contextmanager
def unpacked(
    path: Path, report: Callable[[str], None] = lambda problem: None, limits: ArchiveLimits | None = None
) -> Iterator[Path]:
    """A zip archive, with the archives in it, as a folder that is gone afterwards; so is a folder with the archives
    that lie in it, beside what else it has. A folder without archives is as it is.

    The limits are for all that is unpacked together. What `report` takes is left out: files and inner archives that are
    damaged or beyond the limits. Raises ContentError for what is neither archive nor folder, and for an archive that is
    damaged itself or beyond the limits.
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
    """A path that nothing has: beside the archive of an export there may be the folder of the same name."""
    while path.exists():
        path = path.with_name(path.name + "-archive")
    return path


@dataclass
class _Unpacking:
    """What is unpacked together; `limits` are of what is left to be."""

    limits: ArchiveLimits
    report: Callable[[str], None]

    def unpack(self, archive: Path, origin: str, into: Path, depth: int) -> None:
        """Raises DataError for an archive that is damaged, or beyond what is left of the limits."""
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
        """One archive among others, which are unpacked though it may not be."""
        try:
            self.unpack(archive, origin, into, depth)
        except DataError as error:
            self.report(str(error))
