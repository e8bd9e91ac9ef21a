"""Archives of documents, read within limits: an archive may unpack to more than memory holds, and lie about it.

Nothing is unpacked to disk here: the names of entries only serve to say where something was found.
"""

from __future__ import annotations

import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ecqm.data.problems import DataError


class UnsafeArchive(DataError):
    """An archive that would unpack to more than the limits allow."""


@dataclass(frozen=True)
class ArchiveLimits:
    """Limits on what an archive may unpack to: in bytes, in entries, and as a multiple of its packed size.

    The ratio applies from `ratio_from` bytes on: small text files may compress extremely well and are harmless.
    """

    entries: int = 200_000
    entry_size: int = 512 << 20
    total_size: int = 4 << 30
    ratio: int = 200
    ratio_from: int = 16 << 20

    def excess(self, size: int, packed: int) -> str | None:
        """The limit that a file of some size exceeds, in words; None if it is within the limits."""
        return f"{self.entry_size} bytes" if size > self.entry_size else self.growth(size, packed)

    def growth(self, size: int, packed: int) -> str | None:
        """As `excess`, of the multiple of the packed size alone."""
        if size > self.ratio_from and size > self.ratio * max(packed, 1):
            return f"{self.ratio} times its packed size"
        return None


@dataclass(frozen=True)
class ArchiveEntry:
    """A file in an archive, with the size that the archive claims; `origin` is the name of the archive in messages."""

    archive: Path
    name: str
    limits: ArchiveLimits
    size: int
    packed: int
    origin: str

    def read(self) -> bytes:
        """The content. Raises DataError if it is damaged or encrypted, UnsafeArchive if it exceeds the limits."""
        self._check(self.size)
        data = self.head(self.limits.entry_size + 1)
        self._check(len(data))
        return data

    @property
    def is_safe(self) -> bool:
        """Whether it is within the limits, going by the size that the archive claims."""
        return self.limits.excess(self.size, self.packed) is None

    def head(self, size: int) -> bytes:
        """The first bytes. Raises DataError if it is damaged or encrypted."""
        try:
            with zipfile.ZipFile(self.archive) as archive, archive.open(self.name) as stream:
                return stream.read(size)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
            raise DataError(f"{self.origin}, entry {self.name}: {error}") from error

    def _check(self, size: int) -> None:
        """Raises UnsafeArchive for a size beyond the limits."""
        if (excess := self.limits.excess(size, self.packed)) is not None:
            raise UnsafeArchive(f"{self.origin}, entry {self.name}: unpacks to more than {excess}")


def archive_entries(
    path: Path, suffixes: tuple[str, ...], limits: ArchiveLimits | None = None, origin: str | None = None
) -> list[ArchiveEntry]:
    """The files of an archive whose names end in some suffix, in order of names; only the directory is read.

    A file that is too large by itself is among them: reading it raises UnsafeArchive, and the others can be read.
    Raises DataError if it is not a zip archive, UnsafeArchive for too many files, or if all together are too large.
    """
    limits, origin = limits or ArchiveLimits(), origin or str(path)
    try:
        with zipfile.ZipFile(path) as archive:
            listed = [entry for entry in archive.infolist() if not entry.is_dir()]
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise DataError(f"{origin} is not a readable zip archive: {error}") from error
    if len(listed) > limits.entries:
        raise UnsafeArchive(f"{origin} has {len(listed)} entries; at most {limits.entries} are read")
    entries = [
        ArchiveEntry(path, each.filename, limits, each.file_size, each.compress_size, origin)
        for each in sorted(listed, key=lambda each: each.filename)
        if each.filename.lower().endswith(suffixes)
    ]
    if sum(entry.size for entry in entries if entry.is_safe) > limits.total_size:
        raise UnsafeArchive(f"{origin} unpacks to more than {limits.total_size} bytes")
    return entries


TARBALLS = (".tgz", ".tar.gz")
"""How the names of compressed tar archives end: the form of FHIR packages (FHIR NPM Packages)."""


def tarball_files(
    path: Path, suffixes: tuple[str, ...], limits: ArchiveLimits | None = None
) -> Iterator[tuple[str, bytes]]:
    """The names and contents of the files of a compressed tar archive whose names end in some suffix.

    Such an archive has no directory, so that it is read from its beginning. Raises DataError if it is damaged,
    UnsafeArchive if it exceeds the limits.
    """
    limits = limits or ArchiveLimits()
    total = 0
    try:
        with tarfile.open(path, "r:gz") as archive:
            for number, member in enumerate(archive):
                total += member.size
                if number >= limits.entries or total > limits.total_size or member.size > limits.entry_size:
                    raise UnsafeArchive(f"{path}, entry {member.name}: the archive unpacks to more than is read")
                if member.isfile() and member.name.lower().endswith(suffixes):
                    stream = archive.extractfile(member)
                    assert stream is not None
                    yield member.name, stream.read()
    except (tarfile.TarError, zlib.error, EOFError, OSError) as error:
        raise DataError(f"{path} is not a readable tar archive: {error}") from error
