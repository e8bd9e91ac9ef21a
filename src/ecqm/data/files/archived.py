"""Files of data, also within zip archives. A file in an archive has a path that leads through it:
`export.zip/Patient.ndjson`. It is unpacked while it is read, and never to disk. An archive in an archive is unpacked to
memory while its files are read: `exports.zip/clinic.zip/Patient.ndjson`.

The limits of `ecqm.data.files.archives` apply, with one difference: NDJSON is read line by line, so that its size alone
does no harm. That of all files together is limited to a multiple of the size of the archive, like that of each file.
"""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import IO

from ecqm.data.files.archives import ArchiveLimits, UnsafeArchive
from ecqm.data.files.suffixes import NDJSON_SUFFIXES
from ecqm.data.problems import DataError

ARCHIVE = ".zip"
DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError)
"""What reading a damaged archive raises; NotImplementedError is for ways of compression that are not known."""

LIMITS = ArchiveLimits()
DEPTH = 3
"""How many archives an archive may be in."""

_HIDDEN = (".", "__MACOSX")

State = tuple[int, int]
"""Size of a file, and when it was written (in ns): another state means other content."""


def is_archive(path: Path) -> bool:
    """Whether a path has the name of an archive, of a file or within another archive."""
    return path.suffix.lower() == ARCHIVE and not path.is_dir()


def files_in(archive: Path, suffixes: tuple[str, ...], depth: int = DEPTH) -> list[Path]:
    """The files in an archive, and in the archives in it, whose names end in some suffix, in order of their names.

    An inner archive that cannot be read is among them, so that it is reported like any file. Raises DataError if the
    archive is damaged, UnsafeArchive if it exceeds the limits.
    """
    found: list[Path] = []
    for name in sorted(_archive(archive).entries):
        path = archive / name
        if name.endswith(suffixes):
            found.append(path)
        elif is_archive(path):
            found += _files_in_inner(path, suffixes, depth - 1, LIMITS.entries - len(found))
    return found


def _files_in_inner(archive: Path, suffixes: tuple[str, ...], depth: int, most: int) -> list[Path]:
    """The files in an inner archive; the archive itself if they cannot be read, or are more than the limit allows."""
    try:
        found = files_in(archive, suffixes, depth) if depth >= 0 else [archive]
    except DataError:
        return [archive]
    return found if len(found) <= most else [archive]


def open_file(path: Path) -> IO[bytes]:
    """A file for reading.

    Raises OSError if there is none; DataError for an archive, and for a file in an archive that is damaged, encrypted,
    or exceeds the limits.
    """
    place = _place(path)
    if is_archive(path):
        _archive(path)
        told = "one of too many archives in another; unpack that first"
        raise DataError("an archive, where a file of data was expected" if place is None else told)
    return path.open("rb") if place is None else _archive(place[0]).open(place[1])


def size_of(path: Path) -> int:
    """The size of a file in bytes; of one in an archive, when it is unpacked. Raises as `open_file` does."""
    place = _place(path)
    return path.stat().st_size if place is None else _archive(place[0]).entry(place[1]).file_size


def state_of(path: Path) -> State:
    """The state of a file, which is that of the outermost archive that it is in."""
    place = _place(path)
    return _state(path) if place is None else state_of(place[0])


def is_in_archive(path: Path) -> bool:
    """Whether a path leads through an archive."""
    return _place(path) is not None


def is_file(path: Path) -> bool:
    """Whether there is a file at a path, also in an archive. Raises DataError if that is damaged."""
    place = _place(path)
    return path.is_file() if place is None else place[1] in _archive(place[0]).entries


def _place(path: Path) -> tuple[Path, str] | None:
    """The innermost archive that a path leads through, and the name in it; None for a file of its own."""
    if f"{ARCHIVE}/" not in path.as_posix().lower():
        return None
    found = next((each for each in path.parents if each.suffix.lower() == ARCHIVE and is_file(each)), None)
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
        place = _place(path)
        return _opened(path, _state(path)) if place is None else _unpacked(path, *place, state_of(path))
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError) as error:
        raise DataError(f"not a readable zip archive: {error}") from error


# Some archives have a million files, and reading its directory takes seconds.
@lru_cache(maxsize=8)
def _opened(path: Path, state: State) -> _Archive:
    return _checked(zipfile.ZipFile(path), state[0])


# The files of an inner archive are read one after the other.
@lru_cache(maxsize=2)
def _unpacked(path: Path, outer: Path, name: str, state: State) -> _Archive:
    entry = _archive(outer).entry(name)
    if entry.file_size > LIMITS.entry_size:
        raise UnsafeArchive(f"an archive of more than {LIMITS.entry_size} bytes in another; unpack the outer one first")
    try:
        with _archive(outer).open(name) as file:
            content = file.read()
    except DAMAGE as error:
        raise DataError(f"damaged: {error}") from error
    return _checked(zipfile.ZipFile(BytesIO(content)), entry.compress_size)


def _checked(file: zipfile.ZipFile, packed: int) -> _Archive:
    """An archive of some size, in the archive that it is in if there is one. Raises UnsafeArchive."""
    listed = [entry for entry in file.infolist() if not entry.is_dir()]
    if len(listed) > LIMITS.entries:
        raise UnsafeArchive(f"has {len(listed)} files; at most {LIMITS.entries} are read")
    if (excess := LIMITS.growth(sum(entry.file_size for entry in listed), packed)) is not None:
        raise UnsafeArchive(f"unpacks to more than {excess}")
    return _Archive(file, {place: entry for entry in listed if (place := _inside(entry.filename)) is not None})


def _inside(name: str) -> str | None:
    """The path of a file below its archive, whatever its name leads to; None for hidden files."""
    parts = [part for part in PurePosixPath(name.replace("\\", "/")).parts if part not in ("/", "//", "..")]
    return None if not parts or any(part.startswith(_HIDDEN) for part in parts) else "/".join(parts)
