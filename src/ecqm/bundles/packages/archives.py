"""Measure packages as authoring tools export them: an archive with HQMF, CQL and ELM (JSON, XML), and pages for people.

Value sets are not among them (they are licensed apart): they come from layers that the caller adds.
"""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

from ecqm.bundles.content.documents import ContentError
from ecqm.bundles.packages.hqmf import ROOT, read_hqmf
from ecqm.bundles.packages.package import VALUE_SETS, MeasurePackage
from ecqm.data import DataError
from ecqm.data.files.archives import ArchiveEntry, ArchiveLimits, archive_entries
from ecqm.elm import ElmError, LibraryCollection, LibraryIdentifier
from ecqm.elm.sources import LibrarySource
from ecqm.terminology import PackagedValueSets

_LIMITS = ArchiveLimits(entry_size=64 << 20, total_size=256 << 20)
_ELM = b"urn:hl7-org:elm:r1"
_HEAD = 4000


def is_archive(path: Path) -> bool:
    """Is a file an archive with an HQMF document?"""
    if path.suffix.lower() != ".zip" or not zipfile.is_zipfile(path):
        return False
    try:
        return any(ROOT.encode() in entry.head(_HEAD) for entry in archive_entries(path, (".xml",)))
    except DataError:
        return False


def read_archive(path: Path) -> MeasurePackage:
    """The package of an archive. Raises ContentError."""
    try:
        return _package(path, archive_entries(path, (".xml", ".json", ".cql"), _LIMITS))
    except DataError as error:
        raise ContentError(str(error)) from error


def _package(path: Path, entries: Sequence[ArchiveEntry]) -> MeasurePackage:
    hqmf: tuple[str, bytes] | None = None
    libraries: dict[LibraryIdentifier, LibrarySource] = {}
    cql: dict[str, str] = {}
    value_sets = PackagedValueSets((), str(path))
    for entry in entries:
        name, data = entry.name, entry.read()
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


def _library_of(cql: bytes) -> str:
    """The name in a CQL document's `library` declaration."""
    words = cql.partition(b"library ")[2].split(maxsplit=1)
    return words[0].decode("utf-8", "replace").strip('"') if words else ""
