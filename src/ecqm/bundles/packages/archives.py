"""Measure packages as authoring tools export them: an archive with HQMF, CQL and ELM (JSON, XML), and pages for people.

Archives have no value sets, which are licensed separately: the caller adds them.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

import msgspec

from ecqm.bundles.content.documents import ContentError
from ecqm.bundles.packages.hqmf import ROOT, Hqmf, read_hqmf
from ecqm.bundles.packages.package import VALUE_SETS, MeasurePackage
from ecqm.data import DataError
from ecqm.data.files.archives import ArchiveLimits, archive_entries
from ecqm.elm import ElmError, LibraryCollection, LibraryIdentifier
from ecqm.elm.sources import LibrarySource
from ecqm.terminology import PackagedValueSets

_LIMITS = ArchiveLimits(entry_size=64 << 20, total_size=256 << 20)
_ELM = b"urn:hl7-org:elm:r1"
_HEAD = 4000


def is_archive(path: Path) -> bool:
    """Whether a file is an archive with an HQMF document."""
    if path.suffix.lower() != ".zip" or not zipfile.is_zipfile(path):
        return False
    try:
        return any(ROOT.encode() in entry.head(_HEAD) for entry in archive_entries(path, (".xml",)))
    except DataError:
        return False


def read_archive(path: Path) -> MeasurePackage:
    """The package of an archive. Raises ContentError."""
    found = _Contents(path)
    try:
        for entry in archive_entries(path, (".xml", ".json", ".cql"), _LIMITS):
            found.add(entry.name, entry.read())
    except (DataError, ElmError) as error:
        raise ContentError(str(error)) from error
    return found.package()


class _Contents:
    """What the files of an archive are, by what they contain."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._hqmf: Hqmf | None = None
        self._libraries: dict[LibraryIdentifier, LibrarySource] = {}
        self._cql: dict[str, str] = {}
        self._value_sets = PackagedValueSets((), str(path))

    def add(self, name: str, data: bytes) -> None:
        """Take a file, unless it is for people. Raises ContentError, ElmError."""
        origin = f"{self._path}:{name}"
        if name.endswith(".cql"):
            self._cql[_library_of(data)] = data.decode("utf-8", "replace")
        elif name.endswith(".xml") and ROOT.encode() in data[:_HEAD]:
            if self._hqmf is not None:
                raise ContentError(f"{origin}: a second HQMF document; a package has one measure")
            self._hqmf = read_hqmf(data, origin)
        elif Path(name).name == VALUE_SETS:
            try:
                self._value_sets = PackagedValueSets.read(data, origin)
            except msgspec.DecodeError as error:
                raise ContentError(f"{origin}: {error}") from error
        elif (name.endswith(".xml") and _ELM in data[:_HEAD]) or (name.endswith(".json") and b'"library"' in data):
            source = LibrarySource(data, origin)
            # JSON says the same as XML, and is read faster.
            if source.identifier not in self._libraries or name.endswith(".json"):
                self._libraries[source.identifier] = source

    def package(self) -> MeasurePackage:
        """All of it as a package. Raises ContentError if the HQMF or the ELM of the measure is missing."""
        if self._hqmf is None:
            raise ContentError(f"{self._path} has no HQMF document")
        measure, library = self._hqmf.measure, self._hqmf.library
        main = next((identifier for identifier in self._libraries if identifier.name == library), None)
        if main is None:
            raise ContentError(f"{self._path} has no ELM of library {library}, which defines the populations")
        return MeasurePackage(
            measure,
            main,
            LibraryCollection(self._libraries.values()),
            self._value_sets,
            str(self._path),
            names=tuple(dict.fromkeys((measure.name, self._path.stem, library))),
            cql=self._cql,
        )


def _library_of(cql: bytes) -> str:
    """The name in a CQL document's `library` declaration."""
    words = cql.partition(b"library ")[2].split(maxsplit=1)
    return words[0].decode("utf-8", "replace").strip('"') if words else ""
