"""Zip archives of documents, read within bounds: one may unpack to more than memory holds, and lie about its sizes.

Nothing is unpacked into files here: the names of entries, whatever they are, only say where something was found.
"""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from ecqm.data.problems import DataError


class UnsafeArchive(DataError):
    """An archive that would unpack to more than the limits allow."""


@dataclass(frozen=True)
class ArchiveLimits:
    """Bounds on what an archive may unpack to, in bytes, entries and times its packed size.

    The ratio counts from `ratio_from` bytes on: small text files compress beyond any sensible ratio harmlessly.
    """

    entries: int = 200_000
    entry_size: int = 512 << 20
    total_size: int = 4 << 30
    ratio: int = 200
    ratio_from: int = 16 << 20


@dataclass(frozen=True)
class ArchiveEntry:
    """A file in an archive."""

    archive: Path
    name: str
    limits: ArchiveLimits

    def read(self) -> bytes:
        """What it holds. Raises DataError where it is damaged or encrypted, UnsafeArchive beyond the limits."""
        data = self.head(self.limits.entry_size + 1)
        with zipfile.ZipFile(self.archive) as archive:
            self.check(len(data), archive.getinfo(self.name).compress_size)
        return data

    def head(self, size: int) -> bytes:
        """Its first bytes. Raises DataError where it is damaged or encrypted."""
        try:
            with zipfile.ZipFile(self.archive) as archive, archive.open(self.name) as stream:
                return stream.read(size)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
            raise DataError(f"{self.archive}, entry {self.name}: {error}") from error

    def check(self, size: int, packed: int) -> None:
        """Raises UnsafeArchive for a size beyond the limits."""
        where = f"{self.archive}, entry {self.name}"
        if size > self.limits.entry_size:
            raise UnsafeArchive(f"{where}: unpacks to more than {self.limits.entry_size} bytes")
        if size > self.limits.ratio_from and size > self.limits.ratio * max(packed, 1):
            raise UnsafeArchive(f"{where}: unpacks to more than {self.limits.ratio} times its packed size")


def archive_entries(path: Path, suffixes: tuple[str, ...], limits: ArchiveLimits | None = None) -> list[ArchiveEntry]:
    """The files of an archive whose names end so, in order of their names; only its directory is read.

    Raises DataError for what is no zip archive, UnsafeArchive where what its directory says is beyond the limits.
    """
    limits = limits or ArchiveLimits()
    try:
        with zipfile.ZipFile(path) as archive:
            listed = [entry for entry in archive.infolist() if not entry.is_dir()]
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise DataError(f"{path} is not a readable zip archive: {error}") from error
    if len(listed) > limits.entries:
        raise UnsafeArchive(f"{path} has {len(listed)} entries; at most {limits.entries} are read")
    if sum(entry.file_size for entry in listed) > limits.total_size:
        raise UnsafeArchive(f"{path} unpacks to more than {limits.total_size} bytes")
    entries = []
    for each in sorted(listed, key=lambda each: each.filename):
        if each.filename.lower().endswith(suffixes):
            entry = ArchiveEntry(path, each.filename, limits)
            entry.check(each.file_size, each.compress_size)
            entries.append(entry)
    return entries
