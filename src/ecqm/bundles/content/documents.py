"""Documents of measure content in a folder, an archive or a FHIR Bundle."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import msgspec

from ecqm.data import DataError
from ecqm.data.files.archives import TARBALLS, ArchiveEntry, ArchiveLimits, archive_entries, tarball_files
from ecqm.data.files.fhir_xml import is_fhir_xml, json_of_xml
from ecqm.json_decoding import json_decoder
from ecqm.terminology.svs import is_svs, json_of_svs
from ecqm.xml_parsing import UnsafeDocument

SUFFIXES = (".json", ".cql", ".xml")


class ContentError(ValueError):
    """Measure content that cannot be read; the message says where and why."""


@dataclass(frozen=True, slots=True)
class Document:
    """Where a document comes from, and how to read it: `origin` is its path below `root`, the folder or archive as the
    user named it."""

    origin: str
    read: Callable[[], bytes]
    root: Path | None = None

    @property
    def path(self) -> PurePosixPath:
        """The path of the document within its content."""
        return PurePosixPath(self.origin)

    @property
    def place(self) -> str:
        """Where the user finds the document, for messages."""
        return self.origin if self.root is None else str(self.root / self.origin)

    def part(self, number: int, read: Callable[[], bytes]) -> Document:
        """A document within this one."""
        return Document(f"{self.origin}#{number}", read, self.root)


def readers(documents: Iterable[Document]) -> list[tuple[str, Callable[[], bytes]]]:
    """Documents as the store of value sets takes them."""
    return [(document.place, document.read) for document in documents]


def open_documents(path: Path, limits: ArchiveLimits | None = None) -> list[Document]:
    """The JSON, XML and CQL documents of a folder, an archive or a single file, in order of their paths.

    Of a zip archive only the directory is read; a FHIR package (.tgz) is read into memory. FHIR resources, and value
    sets of registries, are read from XML as JSON. Hidden files are skipped. Raises ContentError if there is nothing at
    `path`, or for an archive that is damaged or exceeds the limits.
    """
    if not path.exists():
        raise ContentError(f"there is no file or folder {path}")
    try:
        return list(map(_translated, _documents(path, limits)))
    except DataError as error:
        raise ContentError(str(error)) from error


def _documents(path: Path, limits: ArchiveLimits | None) -> Iterator[Document]:
    if path.is_dir():
        yield from _folder(path)
    elif path.suffix.lower() == ".zip" or zipfile.is_zipfile(path):
        yield from _archive(path, limits)
    elif path.name.lower().endswith(TARBALLS):
        yield from _tarball(path, limits)
    else:
        yield Document(path.name, path.read_bytes, path.parent)


def _translated(document: Document) -> Document:
    if document.path.suffix.lower() != ".xml":
        return document
    return replace(document, read=_Translated(document).read)


@dataclass(frozen=True)
class _Translated:
    document: Document

    def read(self) -> bytes:
        """FHIR, and the value sets of registries, as JSON; other XML as it is."""
        data = self.document.read()
        try:
            if is_svs(data):
                return json_of_svs(data)
            return json_of_xml(data) if is_fhir_xml(data) else data
        except (DataError, UnsafeDocument) as error:
            raise ContentError(str(error)) from error


def _wanted(path: PurePosixPath) -> bool:
    return path.suffix.lower() in SUFFIXES and not any(part.startswith((".", "__MACOSX")) for part in path.parts)


def _folder(root: Path) -> Iterator[Document]:
    # Walking hundreds of thousands of test files takes seconds; cases are read separately.
    for path in sorted(_files(root, root)):
        yield Document(path.relative_to(root).as_posix(), path.read_bytes, root)


def _files(folder: Path, root: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.is_dir():
            if path.name != "tests" and not path.name.startswith("."):
                yield from _files(path, root)
        elif _wanted(PurePosixPath(path.relative_to(root).as_posix())):
            yield path


def _archive(path: Path, limits: ArchiveLimits | None) -> Iterator[Document]:
    for entry in archive_entries(path, SUFFIXES, limits):
        inside = PurePosixPath(entry.name)
        if _wanted(inside) and "tests" not in inside.parts[:-1]:
            yield Document(inside.as_posix(), _Entry(entry).read, path)


def _tarball(path: Path, limits: ArchiveLimits | None) -> Iterator[Document]:
    for name, data in sorted(tarball_files(path, SUFFIXES, limits)):
        if _wanted(PurePosixPath(name)) and "tests" not in PurePosixPath(name).parts[:-1]:
            yield Document(name, Constant(data).read, path)


@dataclass(frozen=True)
class _Entry:
    entry: ArchiveEntry

    def read(self) -> bytes:
        try:
            return self.entry.read()
        except DataError as error:
            raise ContentError(str(error)) from error


class _BundleEntry(msgspec.Struct, frozen=True):
    resource: msgspec.Raw = msgspec.Raw(b"")


class _Bundle(msgspec.Struct, frozen=True):
    entry: list[_BundleEntry] | None = None


_decode_bundle = json_decoder(_Bundle)


def bundle_entries(data: bytes, bundle: Document) -> Iterator[Document]:
    """The resources of a FHIR Bundle as documents. Raises msgspec.DecodeError if it is truncated or malformed."""
    for position, entry in enumerate(_decode_bundle(data).entry or ()):
        content = bytes(entry.resource)
        if content:
            yield bundle.part(position, Constant(content).read)


@dataclass(frozen=True)
class Constant:
    """The content of a document that is a part of another."""

    data: bytes

    def read(self) -> bytes:
        return self.data
