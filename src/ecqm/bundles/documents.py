"""Documents of measure content, wherever they lie: a folder, a zip archive, a FHIR Bundle."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import msgspec

from ecqm.data import DataError
from ecqm.data.fhir_xml import is_fhir_xml, json_of_xml

SUFFIXES = (".json", ".cql", ".xml")


class ContentError(ValueError):
    """Measure content that cannot be read, with where and why."""


class UnsafeArchive(ContentError):
    """An archive that would unpack to more than the limits allow."""


class Document(NamedTuple):
    """Where a document comes from, and how to read it. ``origin`` is its path below the content's root."""

    origin: str
    read: Callable[[], bytes]

    @property
    def path(self) -> PurePosixPath:
        return PurePosixPath(self.origin)


@dataclass(frozen=True)
class ArchiveLimits:
    """Bounds on what an archive may unpack to, in bytes, entries and times its packed size.

    The ratio counts from ``ratio_from`` bytes on: small text files compress beyond any sensible ratio harmlessly.
    """

    entries: int = 200_000
    entry_size: int = 512 << 20
    total_size: int = 4 << 30
    ratio: int = 200
    ratio_from: int = 16 << 20


def open_documents(path: Path, limits: ArchiveLimits | None = None) -> list[Document]:
    """The JSON, XML and CQL documents of a folder, a zip archive or a single file, in order of their paths.

    Nothing is read but the directory of an archive. FHIR resources in XML read as JSON. Hidden files are passed over.
    ``ContentError`` if there is nothing
    at ``path`` or it is no readable archive; ``UnsafeArchive`` beyond the limits.
    """
    if path.is_dir():
        return list(map(_translated, _folder(path)))
    if not path.exists():
        raise ContentError(f"there is no file or folder {path}")
    if zipfile.is_zipfile(path):
        return list(map(_translated, _archive(path, limits or ArchiveLimits())))
    if path.suffix.lower() == ".zip":
        raise ContentError(f"{path} is not a readable zip archive")
    return [_translated(Document(path.name, path.read_bytes))]


def _translated(document: Document) -> Document:
    if document.path.suffix.lower() != ".xml":
        return document
    return Document(document.origin, _Translated(document).read)


@dataclass(frozen=True)
class _Translated:
    document: Document

    def read(self) -> bytes:
        """FHIR as JSON; other XML as it is."""
        data = self.document.read()
        try:
            return json_of_xml(data) if is_fhir_xml(data) else data
        except DataError as error:
            raise ContentError(str(error)) from error


def _wanted(path: PurePosixPath) -> bool:
    return path.suffix.lower() in SUFFIXES and not any(part.startswith((".", "__MACOSX")) for part in path.parts)


def _folder(root: Path) -> Iterator[Document]:
    # A folder of hundreds of thousands of test files costs seconds to walk; cases are read by themselves.
    for path in sorted(_files(root, root)):
        yield Document(path.relative_to(root).as_posix(), path.read_bytes)


def _files(folder: Path, root: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.is_dir():
            if path.name != "tests" and not path.name.startswith("."):
                yield from _files(path, root)
        elif _wanted(PurePosixPath(path.relative_to(root).as_posix())):
            yield path


def _archive(path: Path, limits: ArchiveLimits) -> Iterator[Document]:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    except (zipfile.BadZipFile, OSError) as error:
        raise ContentError(f"{path} is not a readable zip archive: {error}") from error
    if len(entries) > limits.entries:
        raise UnsafeArchive(f"{path} has {len(entries)} entries; at most {limits.entries} are read")
    if sum(entry.file_size for entry in entries) > limits.total_size:
        raise UnsafeArchive(f"{path} unpacks to more than {limits.total_size} bytes")
    for entry in sorted(entries, key=lambda e: e.filename):
        inside = PurePosixPath(entry.filename)
        if not _wanted(inside) or "tests" in inside.parts[:-1]:
            continue
        _check(path, entry, entry.file_size, limits)
        yield Document(inside.as_posix(), _ArchiveEntry(path, entry.filename, limits).read)


def _check(path: Path, entry: zipfile.ZipInfo, size: int, limits: ArchiveLimits) -> None:
    where = f"{path}, entry {entry.filename}"
    if size > limits.entry_size:
        raise UnsafeArchive(f"{where}: unpacks to more than {limits.entry_size} bytes")
    if size > limits.ratio_from and size > limits.ratio * max(entry.compress_size, 1):
        raise UnsafeArchive(f"{where}: unpacks to more than {limits.ratio} times its packed size")


@dataclass(frozen=True)
class _ArchiveEntry:
    archive: Path
    name: str
    limits: ArchiveLimits

    def read(self) -> bytes:
        """The unpacked entry; reading stops at the limits, because an archive may lie about its sizes."""
        try:
            with zipfile.ZipFile(self.archive) as archive:
                entry = archive.getinfo(self.name)
                with archive.open(entry) as stream:
                    data = stream.read(self.limits.entry_size + 1)
        except (zipfile.BadZipFile, zlib.error, OSError, NotImplementedError, RuntimeError) as error:
            raise ContentError(f"{self.archive}, entry {self.name}: {error}") from error
        _check(self.archive, entry, len(data), self.limits)
        return data


class _BundleEntry(msgspec.Struct, frozen=True):
    resource: msgspec.Raw = msgspec.Raw(b"")


class _Bundle(msgspec.Struct, frozen=True):
    entry: list[_BundleEntry] | None = None


_decode_bundle = msgspec.json.Decoder(_Bundle).decode


def bundle_entries(data: bytes, origin: str) -> Iterator[Document]:
    """The resources of a FHIR Bundle as documents; ``msgspec.DecodeError`` if it is cut or malformed."""
    for position, entry in enumerate(_decode_bundle(data).entry or ()):
        content = bytes(entry.resource)
        if content:
            yield Document(f"{origin}#{position}", _Constant(content).read)


@dataclass(frozen=True)
class _Constant:
    data: bytes

    def read(self) -> bytes:
        return self.data
