"""Files of data, also within zip archives. A file in an archive has a path that leads through it:
`export.zip/Patient.ndjson`. It is unpacked while it is read, and never to disk.

The limits of `ecqm.data.files.archives` apply, with one difference: NDJSON is read line by line, so that its size alone
does no harm. That of all files together is limited to a multiple of the size of the archive, like that of each file.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import IO

from ecqm.data.files.archives import ArchiveLimits, UnsafeArchive
from ecqm.data.files.suffixes import NDJSON_SUFFIXES
from ecqm.data.problems import DataError

ARCHIVE = ".zip"
DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError)
"""What reading a damaged archive raises; NotImplementedError is for ways of compression that are not known."""

LIMITS = ArchiveLimits()
_HIDDEN = (".", "__MACOSX")

State = tuple[int, int]
"""Size of a file, and when it was written (in ns): another state means other content."""


def is_archive(path: Path) -> bool:
    """Whether a path has the name of an archive, of a file or within another archive."""
    return path.suffix.lower() == ARCHIVE and not path.is_dir()


def files_in(archive: Path, suffixes: tuple[str, ...]) -> list[Path]:
    """The files in an archive whose names end in some suffix, and archives in it, in order of their names.

    Raises DataError if it is damaged, UnsafeArchive if it exceeds the limits.
    """
    return [archive / name for name in sorted(_archive(archive).entries) if name.endswith((*suffixes, ARCHIVE))]


def open_file(path: Path) -> IO[bytes]:
    """A file for reading.

    Raises OSError if there is none; DataError for an archive, and for a file in an archive that is damaged, encrypted,
    or exceeds the limits.
    """
    place = _place(path)
    if place is None:
        if is_archive(path):
            _archive(path)
            raise DataError("an archive, where a file of data was expected")
        return path.open("rb")
    archive, name = place
    if is_archive(path):
        raise DataError("an archive in another archive; unpack the outer one first")
    return _archive(archive).open(name)


def size_of(path: Path) -> int:
    """The size of a file in bytes; of one in an archive, when it is unpacked. Raises as `open_file` does."""
    place = _place(path)
    return path.stat().st_size if place is None else _archive(place[0]).entry(place[1]).file_size


def state_of(path: Path) -> State:
    """The state of a file, which is that of the archive that it is in."""
    place = _place(path)
    return _state(path if place is None else place[0])


def is_in_archive(path: Path) -> bool:
    """Whether a path leads through an archive."""
    return _place(path) is not None


def is_file(path: Path) -> bool:
    """Whether there is a file at a path, also in an archive."""
    place = _place(path)
    return path.is_file() if place is None else place[1] in _archive(place[0]).entries


def _place(path: Path) -> tuple[Path, str] | None:
    """The archive that a path leads through, and the name in it; None for a file of its own."""
    if f"{ARCHIVE}/" not in path.as_posix().lower():
        return None
    found = next((each for each in path.parents if each.suffix.lower() == ARCHIVE and each.is_file()), None)
    return None if found is None else (found, path.relative_to(found).as_posix())


def _state(path: Path) -> State:
    state = path.stat()
    return state.st_size, state.st_mtime_ns


@dataclass(frozen=True)
class _Archive:
    """An open archive, and its files by their paths in it."""

    file: zipfile.ZipFile
    entries: dict[str, zipfile.ZipInfo]

    def entry(self, name: str) -> zipfile.ZipInfo:
        found = self.entries.get(name)
        if found is None:
            raise DataError("not in the archive")
        return found

    def open(self, name: str) -> IO[bytes]:
        entry = self.entry(name)
        size = 0 if name.endswith(NDJSON_SUFFIXES) else entry.file_size
        excess = LIMITS.excess(size, entry.compress_size) or LIMITS.growth(entry.file_size, entry.compress_size)
        if excess is not None:
            raise UnsafeArchive(f"unpacks to more than {excess}")
        try:
            return self.file.open(entry)
        except (*DAMAGE, RuntimeError) as error:
            raise DataError(f"damaged or encrypted: {error}") from error


def _archive(path: Path) -> _Archive:
    """Raises DataError if it cannot be read, UnsafeArchive if it exceeds the limits."""
    try:
        return _opened(path, _state(path))
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError) as error:
        raise DataError(f"not a readable zip archive: {error}") from error


# Some archives have a million files, and reading its directory takes seconds.
@lru_cache(maxsize=8)
def _opened(path: Path, state: State) -> _Archive:
    file = zipfile.ZipFile(path)
    listed = [entry for entry in file.infolist() if not entry.is_dir()]
    if len(listed) > LIMITS.entries:
        raise UnsafeArchive(f"has {len(listed)} files; at most {LIMITS.entries} are read")
    if (excess := LIMITS.growth(sum(entry.file_size for entry in listed), state[0])) is not None:
        raise UnsafeArchive(f"unpacks to more than {excess}")
    return _Archive(file, {place: entry for entry in listed if (place := _inside(entry.filename)) is not None})


def _inside(name: str) -> str | None:
    """The path of a file below its archive; None for hidden files and those that would be elsewhere."""
    path = PurePosixPath(name.replace("\\", "/"))
    parts: Sequence[str] = path.parts
    skipped = path.is_absolute() or any(part == ".." or part.startswith(_HIDDEN) for part in parts)
    return None if skipped or not parts else path.as_posix()
