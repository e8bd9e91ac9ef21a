"""Measures and patients from files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ecqm.bundles.content import Content
from ecqm.bundles.evaluation.selection import Selection
from ecqm.bundles.evaluation.selection import select as select_measures
from ecqm.bundles.packages.content import PackageContent, PackageSelection, package_files, select_packages
from ecqm.data.source import PatientData
from ecqm.values.temporal import LARGEST_OFFSET

PathLike = str | Path


def select(
    content: PathLike,
    names: str | Iterable[str] = (),
    *,
    libraries: PathLike | Iterable[PathLike] = (),
    valuesets: PathLike | Iterable[PathLike] = (),
    relax_versions: bool = False,
) -> Selection | PackageSelection:
    """Measures of published content, planned to run together: all of them, or those named (name, URL or CMS id).

    `libraries` and `valuesets` are folders or archives with what the content lacks; `relax_versions` uses the nearest
    version of a library that is missing. Packages of QDM measures have their own libraries; they take `valuesets` only.
    Measures and groups that cannot be planned are in `not_planned`, with the reason. Raises ContentError and
    MeasureNotFound.
    """
    wanted = [names] if isinstance(names, str) else names
    if package_files(Path(content)):
        return select_packages(PackageContent.open(Path(content), _paths(valuesets)), wanted)
    opened = Content.open(Path(content), _paths(libraries), _paths(valuesets))
    return select_measures(opened, opened.select(wanted), relax_versions)


def load(*paths: PathLike, default_offset: int = 0) -> PatientData:
    """Patients from files: a cohort store, FHIR bundles, folders of resources, NDJSON, a bulk export, a zip archive of
    these; for QDM measures, JSON or QRDA Category I.

    `default_offset` is the UTC offset of date-times that have none, in minutes east of UTC. Raises DataError for a path
    that does not exist, ValueError for an impossible offset.
    """
    if not paths:
        raise TypeError("load takes the paths of data")
    if abs(default_offset) > LARGEST_OFFSET:
        raise ValueError(f"an offset is {LARGEST_OFFSET} minutes at most, not {default_offset}")
    return PatientData(map(Path, paths), default_offset)


def _paths(given: PathLike | Iterable[PathLike]) -> list[Path]:
    return [Path(given)] if isinstance(given, str | Path) else [Path(path) for path in given]
