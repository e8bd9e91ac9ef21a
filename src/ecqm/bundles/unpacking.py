"""Archives of measures and test cases unpacked for the time of a run: cases are folders to those who read them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from ecqm.bundles.documents import ContentError
from ecqm.data import DataError
from ecqm.data.archives import ArchiveLimits, archive_entries

# Data and logic, what an export says of its cases, and the archives that an export of both consists of.
_SUFFIXES = (".json", ".xml", ".cql", ".txt", ".madie", ".zip")
_DEPTH = 3


@contextmanager
def unpacked(path: Path, limits: ArchiveLimits | None = None) -> Iterator[Path]:
    """A folder as it is; a zip archive, with the archives in it, as a folder that is gone afterwards.

    Raises ContentError for what is neither, for a damaged archive, and for one that unpacks to more than the limits.
    """
    if path.is_dir():
        yield path
        return
    with TemporaryDirectory(prefix="ecqm-") as folder:
        try:
            _unpack(path, Path(folder), limits, _DEPTH)
        except DataError as error:
            raise ContentError(str(error)) from error
        yield Path(folder)


def _unpack(archive: Path, into: Path, limits: ArchiveLimits | None, depth: int) -> None:
    for entry in archive_entries(archive, _SUFFIXES, limits):
        inside = PurePosixPath(entry.name.replace("\\", "/"))
        if inside.is_absolute() or ".." in inside.parts or any(part.startswith("__MACOSX") for part in inside.parts):
            continue
        target = into / inside
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(entry.read())
        if target.suffix.lower() == ".zip" and depth:
            _unpack(target, target.with_suffix(""), limits, depth - 1)
