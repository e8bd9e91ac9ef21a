"""Measure packages as authoring tools export them: an archive with HQMF, CQL and ELM (JSON, XML), and pages for people.

Value sets are not among them (they are licensed apart): they come from layers that the caller adds.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

import msgspec

from ecqm.bundles.documents import ContentError
from ecqm.bundles.hqmf import ROOT, read_hqmf
from ecqm.bundles.packages import VALUE_SETS, MeasurePackage
from ecqm.elm import ElmError, LibraryCollection, LibraryIdentifier
from ecqm.elm.sources import LibrarySource
from ecqm.terminology import PackagedValueSets

_LARGEST_MEMBER = 64 * 1024 * 1024
_LARGEST_ARCHIVE = 256 * 1024 * 1024
_ELM = b"urn:hl7-org:elm:r1"
_HEAD = 4000


def is_archive(path: Path) -> bool:
    """Is a file an archive with an HQMF document?"""
    if path.suffix != ".zip" or not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any(name.endswith(".xml") and ROOT.encode() in _head(archive, name) for name in archive.namelist())


def read_archive(path: Path) -> MeasurePackage:
    """The package of an archive. Raises ContentError."""
    hqmf: tuple[str, bytes] | None = None
    libraries: dict[LibraryIdentifier, LibrarySource] = {}
    cql: dict[str, str] = {}
    value_sets = PackagedValueSets((), str(path))
    for name, data in _members(path):
        origin = f"{path}:{name}"
        if name.endswith(".cql"):
            cql[_library_of(data)] = data.decode("utf-8", "replace")
        elif name.endswith(".xml") and ROOT.encode() in data[:_HEAD]:
            if hqmf is not None:
                raise ContentError(f"{path} has two HQMF documents, {hqmf[0]} and {origin}")
            hqmf = (origin, data)
        elif Path(name).name == VALUE_SETS:
            try:
                value_sets = PackagedValueSets.read(data, origin)
            except msgspec.DecodeError as error:
                raise ContentError(f"{origin}: {error}") from error
        elif (name.endswith(".xml") and _ELM in data[:_HEAD]) or (name.endswith(".json") and b'"library"' in data):
            try:
                source = LibrarySource(data, origin)
            except ElmError as error:
                raise ContentError(str(error)) from error
            # JSON says the same as XML, and is read faster.
            if source.identifier not in libraries or name.endswith(".json"):
                libraries[source.identifier] = source
    if hqmf is None:
        raise ContentError(f"{path} has no HQMF document")
    measure = read_hqmf(hqmf[1], hqmf[0])
    main = next((identifier for identifier in libraries if identifier.name == measure.library), None)
    if main is None:
        raise ContentError(f"{path} has no ELM of {measure.library}, which its populations are in")
    return MeasurePackage(
        measure.measure,
        main,
        LibraryCollection(libraries.values()),
        value_sets,
        str(path),
        names=tuple(dict.fromkeys((measure.measure.name, path.stem, measure.library))),
        cql=cql,
    )


def _members(path: Path) -> Iterator[tuple[str, bytes]]:
    try:
        with zipfile.ZipFile(path) as archive:
            total = 0
            for info in sorted(archive.infolist(), key=lambda each: each.filename):
                if info.is_dir() or not info.filename.endswith((".xml", ".json", ".cql")):
                    continue
                total += info.file_size
                if info.file_size > _LARGEST_MEMBER or total > _LARGEST_ARCHIVE:
                    raise ContentError(f"{path}: {info.filename} is too large ({info.file_size} bytes)")
                yield info.filename, archive.read(info)
    except zipfile.BadZipFile as error:
        raise ContentError(f"{path}: {error}") from error


def _head(archive: zipfile.ZipFile, name: str) -> bytes:
    with archive.open(name) as member:
        return member.read(_HEAD)


def _library_of(cql: bytes) -> str:
    """The name in a CQL document's `library` declaration."""
    words = cql.partition(b"library ")[2].split(maxsplit=1)
    return words[0].decode("utf-8", "replace").strip('"') if words else ""
