"""Measure packages as authoring tools export them: HQMF, CQL and ELM (JSON, XML), and pages for people.

An export is an archive or the folder that one was unpacked to; publications have many, in folders or in an archive of
archives. It is named by its HQMF document, whose path may lead through archives. Exports have no value sets, which are
licensed separately: the caller adds them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from ecqm.bundles.content.documents import ContentError
from ecqm.bundles.packages.hqmf import ROOT, Hqmf, read_hqmf
from ecqm.bundles.packages.package import VALUE_SETS, MeasurePackage
from ecqm.data import DataError
from ecqm.data.files.archived import files_in, is_archive, open_file, size_of
from ecqm.elm import ElmError, LibraryCollection, LibraryIdentifier
from ecqm.elm.sources import LibrarySource
from ecqm.terminology import PackagedValueSets

_LARGEST = 64 << 20
_ELM = b"urn:hl7-org:elm:r1"
_HEAD = 4000
_SUFFIXES = (".xml", ".json", ".cql")


def exports(path: Path) -> Iterator[Path]:
    """The HQMF documents at a path: a document itself, those of an archive and of the archives in it, or those of a
    folder and of the folders in it."""
    if path.is_dir():
        # Deeper folders are not searched: a folder of measure content may have any number of files.
        for pattern in ("*.xml", "*/*.xml"):
            yield from filter(_is_hqmf, sorted(path.glob(pattern)))
    elif is_archive(path):
        try:
            yield from filter(_is_hqmf, files_in(path, (".xml",)))
        except DataError:
            return
    elif path.suffix.lower() == ".xml" and _is_hqmf(path):
        yield path


def read_export(document: Path) -> MeasurePackage:
    """The package of an HQMF document. Raises ContentError."""
    archive = next((folder for folder in document.parents if is_archive(folder)), None)
    try:
        files, place = _in_folder(document), document.parent
        if archive is not None:
            files, place = _in_archive(document, archive)
        found = _Contents(place)
        for file in files:
            found.add(file, _read(file))
    except (DataError, ElmError, OSError) as error:
        raise ContentError(str(error)) from error
    outermost = next((folder for folder in reversed(document.parents) if is_archive(folder) and folder.is_file()), None)
    return found.package(tuple(files) if outermost is None else (outermost,))


def _in_folder(document: Path) -> list[Path]:
    below = document.parent.rglob("*")
    return _own(document, sorted(file for file in below if file.suffix in _SUFFIXES and file.is_file()))


def _in_archive(document: Path, archive: Path) -> tuple[list[Path], Path]:
    """The files of an export, and where it is: all of the archive unless that has other exports too."""
    files = files_in(archive, _SUFFIXES)
    others = (file for file in files if file.parent != document.parent and _is_hqmf(file))
    if next(others, None) is None:
        return files, archive
    return _own(document, [file for file in files if file.is_relative_to(document.parent)]), document.parent


def _own(document: Path, files: Iterable[Path]) -> list[Path]:
    """The files below the folder of an export without those of the exports in its subfolders."""
    files = list(files)
    inner = {file.parent for file in files if file.parent != document.parent and _is_hqmf(file)}
    return [file for file in files if inner.isdisjoint(file.parents)]


def _is_hqmf(file: Path) -> bool:
    if file.suffix.lower() != ".xml":
        return False
    try:
        with open_file(file) as stream:
            return ROOT.encode() in stream.read(_HEAD)
    except (DataError, OSError):
        return False


def _read(file: Path) -> bytes:
    """Raises DataError, OSError; ContentError for a file of a size that no measure has."""
    if size_of(file) > _LARGEST:
        raise ContentError(f"{file} has more than {_LARGEST} bytes")
    with open_file(file) as stream:
        return stream.read()


class _Contents:
    """What the files of an export are, by what they contain."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._hqmf: Hqmf | None = None
        self._libraries: dict[LibraryIdentifier, LibrarySource] = {}
        self._cql: dict[str, str] = {}
        self._value_sets = PackagedValueSets((), str(place))

    def add(self, file: Path, data: bytes) -> None:
        """Take a file, unless it is for people. Raises ContentError, ElmError."""
        name, origin = file.name, str(file)
        if name.endswith(".cql"):
            self._cql[_library_of(data)] = data.decode("utf-8", "replace")
        elif name.endswith(".xml") and ROOT.encode() in data[:_HEAD]:
            if self._hqmf is not None:
                raise ContentError(f"{origin}: a second HQMF document; a package has one measure")
            self._hqmf = read_hqmf(data, origin)
        elif name == VALUE_SETS:
            try:
                self._value_sets = PackagedValueSets.read(data, origin)
            except msgspec.DecodeError as error:
                raise ContentError(f"{origin}: {error}") from error
        elif (name.endswith(".xml") and _ELM in data[:_HEAD]) or (name.endswith(".json") and b'"library"' in data):
            source = LibrarySource(data, origin)
            # JSON says the same as XML, and is read faster.
            if source.identifier not in self._libraries or name.endswith(".json"):
                self._libraries[source.identifier] = source

    def package(self, files: tuple[Path, ...]) -> MeasurePackage:
        """All of it as a package, which `files` of the disk hold.

        Raises ContentError if the HQMF or the ELM of the measure is missing.
        """
        if self._hqmf is None:
            raise ContentError(f"{self._place} has no HQMF document")
        measure, library = self._hqmf.measure, self._hqmf.library
        main = next((identifier for identifier in self._libraries if identifier.name == library), None)
        if main is None:
            raise ContentError(f"{self._place} has no ELM of library {library}, which defines the populations")
        return MeasurePackage(
            measure,
            main,
            LibraryCollection(self._libraries.values()),
            self._value_sets,
            str(self._place),
            names=tuple(dict.fromkeys((measure.name, _name(self._place), library))),
            cql=self._cql,
            files=files,
        )


def _name(place: Path) -> str:
    """The name of an archive without its suffix, or of a folder, whose name may have the dots of a version."""
    return place.stem if is_archive(place) else place.name


def _library_of(cql: bytes) -> str:
    """The name in a CQL document's `library` declaration."""
    words = cql.partition(b"library ")[2].split(maxsplit=1)
    return words[0].decode("utf-8", "replace").strip('"') if words else ""
