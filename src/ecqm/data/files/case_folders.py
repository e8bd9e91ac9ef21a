"""The files of a test case: those of its folder that have its data and what is expected of it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from ecqm.data.files.inputs import without_twins
from ecqm.data.files.suffixes import DOCUMENT_SUFFIXES

# `<measure>-v<version>-<series>-<title>`, as the authoring tool names the bundle that it exports of a case.
EXPORTED_BUNDLE = re.compile(r"^(?P<measure>.+?)-v(?P<version>\d+(\.\d+)*)-(?P<series>[^-]+)-(?P<title>.+)$")


def case_documents(folder: Path) -> list[Path]:
    """The JSON and XML files in a folder and its subfolders, without hidden ones, without XML files that have a JSON
    file of the same name, and without bundles that were exported from earlier versions of the measure.

    Each exported bundle has the whole case, often under new ids: the resources of two of them would count twice.
    """
    found: list[Path] = []
    for directory, folders, names in os.walk(folder):
        folders.sort()
        documents = sorted(name for name in names if name.endswith(DOCUMENT_SUFFIXES) and name[0] != ".")
        found += [Path(directory, name) for name in _without_earlier_exports(documents)]
    return without_twins(found)


def _without_earlier_exports(names: Sequence[str]) -> Iterator[str]:
    exported = {name: _exported_version(name) for name in names}
    latest: dict[str, tuple[int, ...]] = {}
    for measure, version in filter(None, exported.values()):
        latest[measure] = max(version, latest.get(measure, ()))
    yield from (name for name, of in exported.items() if of is None or of[1] == latest[of[0]])


def _exported_version(name: str) -> tuple[str, tuple[int, ...]] | None:
    """The measure, and its version as numbers, in the name of an exported bundle; None for any other name.

    Short names got the suffix FHIR over the years: CMS986 and CMS986FHIR are one measure.
    """
    match = EXPORTED_BUNDLE.match(name)
    if match is None:
        return None
    return match["measure"].removesuffix("FHIR"), tuple(map(int, match["version"].split(".")))
