"""Which files to read: the paths that users give may be files, folders, archives, or manifests of bulk
exports."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from ecqm.data.files.archived import files_in, is_archive
from ecqm.data.files.exports import Export, read_export
from ecqm.data.files.suffixes import DOCUMENT_SUFFIXES, NDJSON_SUFFIXES
from ecqm.data.problems import DataError, DataProblem

_SUFFIXES = DOCUMENT_SUFFIXES + NDJSON_SUFFIXES


@dataclass(frozen=True)
class Inputs:
    """Files of data, in the order in which they are read, and the exports that some of them come from."""

    files: tuple[Path, ...] = ()
    exports: tuple[Export, ...] = field(default=(), repr=False)

    @cached_property
    def deleted(self) -> tuple[Path, ...]:
        """Files of bundles that DELETE resources."""
        return tuple(dict.fromkeys(file.path for export in self.exports for file in export.deleted))

    @cached_property
    def counts(self) -> dict[Path, int]:
        """How many resources files of exports have according to their manifests."""
        named = (file for export in self.exports for file in (*export.output, *export.deleted))
        return {file.path: file.count for file in named if file.count is not None}

    def problems(self) -> list[DataProblem]:
        """Problems that the servers reported about their exports."""
        return [problem for export in self.exports for problem in export.problems()]


def find_inputs(paths: Iterable[Path]) -> Inputs:
    """The files at some paths.

    Of an export whose manifest is given, or found in a given folder, the output files are data; files of errors and
    deleted resources are not. Raises DataError for a path that does not exist, and as `read_export` does.
    """
    files: dict[Path, None] = {}
    exports: dict[Path, Export] = {}
    for file in (file for path in paths for file in data_files(path)):
        export = read_export(file)
        if export is None:
            files[file] = None
        else:
            exports[file] = export
            files |= dict.fromkeys(each.path for each in export.output)
    # A manifest that continues another one is part of that export.
    continuing = {manifest for export in exports.values() for manifest in export.manifests[1:]}
    known = tuple(export for manifest, export in exports.items() if manifest not in continuing)
    aside = {file.path for export in known for file in (*export.deleted, *export.outcomes)} | continuing
    return Inputs(tuple(file for file in files if file not in aside), known)


def data_files(path: Path) -> list[Path]:
    """The files of data below a folder and in its zip archives, in order of their names, or the file itself. DataError
    if it does not exist.

    An XML file beside a JSON file of the same name is left out. An archive that cannot be read is among the files, so
    that it is reported like any of them.
    """
    if path.is_file():
        return _files_of(path)
    if not path.is_dir():
        raise DataError(f"{path} does not exist")
    named = sorted(file for file in path.rglob("*") if file.name.endswith(_SUFFIXES) or is_archive(file))
    return without_twins(each for file in named for each in _files_of(file))


def _files_of(path: Path) -> list[Path]:
    """The files in an archive, and any other file itself."""
    if not is_archive(path):
        return [path]
    try:
        return without_twins(files_in(path, _SUFFIXES))
    except DataError:
        return [path]


def without_twins(paths: Iterable[Path]) -> list[Path]:
    """The paths without XML files that have a JSON file of the same name beside them."""
    listed = list(paths)
    if not any(path.name.endswith(".xml") for path in listed):
        return listed
    json = {path.with_suffix("") for path in listed if path.suffix == ".json"}
    return [path for path in listed if path.suffix != ".xml" or path.with_suffix("") not in json]
