"""Cases without a folder: a bundle with the data of one patient, and the reports about it in it or in files beside it.

    tests-case1-bundle.json                              a whole case
    case2-bundle.json, case2-MeasureReport.json          data, and what is expected

A report belongs to the bundle that is named like it; otherwise to that of the patient whom it is about.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from ecqm.data import DataError
from ecqm.data.files.content import as_json
from ecqm.data.files.inputs import without_twins
from ecqm.json_decoding import json_decoder
from ecqm.measures.decks.expectations import expectations_of, reports_in


@dataclass(frozen=True)
class LooseCase:
    """A case whose data are in a bundle; `files` are the bundle, and the reports beside it, of which those about
    `patients` count (all, if it is empty)."""

    bundle: Path
    files: tuple[Path, ...]
    patients: frozenset[str | None] = frozenset()

    @property
    def name(self) -> str:
        """The name of the bundle, without what the tool that makes bundles of folders adds: tests-<case>-bundle."""
        return self.bundle.stem.removeprefix("tests-").removesuffix("-bundle")


def documents(folder: Path) -> list[Path]:
    """The JSON and XML files in a folder itself; an XML file is left out if there is a JSON file of the same name."""
    names = os.listdir(folder) if folder.is_dir() else ()
    return without_twins(Path(folder, name) for name in sorted(names) if _is_document(name))


def loose_cases(folder: Path) -> Iterator[LooseCase]:
    """The cases in a folder itself: bundles with a report, and bundles with a patient that have a report beside them.

    A bundle of reports alone is a case too, although one without data, if there are no data beside it.
    """
    data: dict[Path, frozenset[str | None]] = {}
    reports: dict[Path, frozenset[str | None]] = {}
    unpaired: set[Path] = set()
    for path in documents(folder):
        content = path.read_bytes()
        has_report, is_bundle = b"MeasureReport" in content, _BUNDLE.search(content) is not None
        has_patient = is_bundle and _PATIENT.search(content) is not None
        if has_report and has_patient:
            yield LooseCase(path, (path,))
        elif has_report:
            reports[path] = _subjects(content)
            unpaired |= {path} if is_bundle else set()
        elif has_patient:
            data[path] = _patients(content)
    keys = set(map(_key, data))
    for path, patients in data.items():
        # Several cases may have the same patient, but not the same name.
        named = [report for report in reports if _key(report) == _key(path)]
        about = [report for report, subjects in reports.items() if _key(report) not in keys and subjects & patients]
        unpaired.difference_update(named, about)
        if named or about:
            yield LooseCase(path, (path, *(named or about)), frozenset() if named else patients)
    yield from (LooseCase(path, (path,)) for path in sorted(unpaired))


def _is_document(name: str) -> bool:
    return name.endswith((".json", ".xml")) and name[0] != "."


# In JSON a resource has its type as an element, which may come last; in XML as the name of its root.
_BUNDLE = re.compile(rb'"resourceType"\s*:\s*"Bundle"|<Bundle\b')
_PATIENT = re.compile(rb'"resourceType"\s*:\s*"Patient"|<Patient\b')
_ROLE = re.compile(r"^(tests|measure-?report)-|-(bundle|measure-?report|report|expected)$", re.IGNORECASE)


def _key(path: Path) -> str:
    """The name of a file, without the words that tell whether it is a bundle or a report."""
    return _ROLE.sub("", _ROLE.sub("", path.stem.replace("_", "-")))


class _Identity(msgspec.Struct, frozen=True):
    resourceType: str = ""
    id: str | None = None


class _Entry(msgspec.Struct, frozen=True):
    resource: _Identity = _Identity()


class _Bundle(msgspec.Struct, frozen=True):
    entry: list[_Entry] | None = None


_decode_bundle = json_decoder(_Bundle)


def _patients(content: bytes) -> frozenset[str | None]:
    """The ids of the patients in a bundle; none if it cannot be read, which is reported where its data are read."""
    try:
        entries = _decode_bundle(as_json(content)).entry or ()
    except (DataError, msgspec.DecodeError):
        return frozenset()
    found = (each.resource for each in entries)
    return frozenset(each.id for each in found if each.resourceType == "Patient" and each.id)


def _subjects(content: bytes) -> frozenset[str | None]:
    """The patients that reports are about."""
    try:
        return frozenset(each.patient_id for each in expectations_of(list(reports_in(as_json(content)))))
    except (DataError, msgspec.DecodeError):
        return frozenset()
