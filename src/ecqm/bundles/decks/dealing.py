"""Splitting files with several test cases into folders, one per case: bundles with several patients, NDJSON by type.

Cases are read as folders. A resource belongs to the patients that it refers to; one that refers to no patient (an
organization, a medication) belongs to all cases.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

import msgspec

from ecqm.data import DataError
from ecqm.data.fhir.compartment import PATIENT_LINKS, owners, patient_links, patient_reference
from ecqm.data.files.content import as_json, read_bytes, read_document, read_lines
from ecqm.data.files.suffixes import NDJSON_SUFFIXES
from ecqm.json_decoding import json_decoder
from ecqm.measures.decks.expectations import Expectation, expectations_of, reports_in
from ecqm.measures.decks.test_cases import read_cases

# Types of resources in a measure's bundle that are not part of cases.
_DEFINITIONS = frozenset(("Measure", "Library", "ValueSet", "CodeSystem", "ConceptMap", "StructureDefinition"))
_REPORT = "MeasureReport"
_REPORTS = re.compile(rb'"resourceType"\s*:\s*"MeasureReport"')
_PATIENT = re.compile(rb'"resourceType"\s*:\s*"Patient"')


class _Reference(msgspec.Struct, frozen=True):
    reference: str | None = None


class _Entry(msgspec.Struct, frozen=True):
    fullUrl: str | None = None
    resource: msgspec.Raw = msgspec.Raw(b"")


class _Kind(msgspec.Struct, frozen=True):
    resourceType: str = ""
    id: str | None = None
    entry: list[_Entry] | None = None


_Links = msgspec.defstruct("_Links", [(name, _Reference | list[_Reference] | None, None) for name in PATIENT_LINKS])
_kind_of, _links_of = json_decoder(_Kind), json_decoder(_Links)


@dataclass(frozen=True)
class _Resource:
    """A resource as written; `url` is its fullUrl in the bundle, `patient` the id or URN of its patient."""

    kind: str
    content: bytes
    url: str | None
    patient: str | None


@contextmanager
def dealt(
    path: Path,
    report: Callable[[str], None] = lambda problem: None,
    wanted: Callable[[str], bool] = lambda folder: True,
) -> Iterator[Path]:
    """A deck with cases that share files split into temporary folders; a deck without such files is returned as it is.

    Splits a bundle, or the files in a folder and its subfolders, except for content repositories. Only subfolders with
    `wanted` names are looked into. Files that cannot be read are left out and passed to `report`. Raises OSError.
    """
    together = dict(_together(path, wanted))
    if not together:
        yield path
        return
    with TemporaryDirectory(prefix="ecqm-") as name:
        root = Path(name)
        for folder, files in together.items():
            _deal(_resources(files, report), root, folder.stem, _apart(folder))
        if path.is_dir():
            _link_others(path, root, together)
        yield root


def _apart(folder: Path) -> set[tuple[str, str | None]]:
    """The (measure, patient) pairs with a folder or bundle of their own below a folder; others are copies."""
    cases = read_cases(folder) if folder.is_dir() else ()
    below = (case for case in cases if case.folder.is_dir() or case.folder.parent != folder)
    expected = (expectation for case in below for expectation in case.expectations)
    return {(_measure_of(each, folder.stem), each.patient_id) for each in expected if each.patient_id}


def _link_others(path: Path, root: Path, together: Mapping[Path, Sequence[Path]]) -> None:
    """Link the rest of the deck, cases in folders and bundles of their own, beside the cases that were split."""
    for folder in {path, *together}:
        for other in folder.iterdir():
            if other in together or other in together.get(folder, ()):
                continue
            inside = root if folder == path and other.is_dir() else root / folder.name
            inside.mkdir(exist_ok=True)
            if not (inside / other.name).exists():
                os.symlink(other.absolute(), inside / other.name, other.is_dir())


def _together(path: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[Path, list[Path]]]:
    """Folders (or a file) with the files that hold resources of several cases, including reports."""
    if not path.is_dir():
        if _cases_in(path):
            yield path, [path]
        return
    if (path / "input").is_dir():
        return
    for folder in (path, *(each for each in _listed(path, os.DirEntry.is_dir) if wanted(each.name))):
        files = _listed(folder, os.DirEntry.is_file)
        lines = [each for each in files if each.name.endswith(NDJSON_SUFFIXES)]
        several = [each for each in files if each.name.endswith(".json") and len(_cases_in(each, at_least=2)) > 1]
        if several:
            # Copies of cases that have folders are ignored.
            apart = _apart(folder)
            several = [each for each in several if not _cases_in(each) <= apart]
        if several or any(_has_reports(each) for each in lines):
            yield folder, lines + several


def _has_reports(path: Path) -> bool:
    """Whether a file of lines has reports; one that cannot be read is reported when its resources are read."""
    try:
        return any(_REPORT.encode() in line for _, lines in read_lines(path) for line in lines)
    except DataError:
        return True


def _listed(folder: Path, wanted: Callable[[os.DirEntry[str]], bool]) -> list[Path]:
    """The entries of a folder that are wanted, in order of their names."""
    with os.scandir(folder) as entries:
        return sorted(Path(entry.path) for entry in entries if wanted(entry))


def _cases_in(path: Path, at_least: int = 1) -> set[tuple[str, str | None]]:
    """The (measure, patient) pairs of the reports of a bundle, none if it has no patient or fewer than `at_least`
    reports."""
    content = path.read_bytes()
    if content.count(_REPORT.encode()) < at_least or len(_REPORTS.findall(content)) < at_least:
        return set()
    if not _PATIENT.search(content):
        return set()
    try:
        expected = expectations_of(list(reports_in(as_json(content))))
    except (DataError, msgspec.DecodeError):
        return set()
    return {(_measure_of(each, path.parent.stem), each.patient_id) for each in expected}


def _resources(files: Iterable[Path], report: Callable[[str], None]) -> Iterator[_Resource]:
    for path in files:
        try:
            found = [read_document(path)] if path.suffix == ".json" else read_bytes(path).splitlines()
        except DataError as error:
            report(f"{path}: {error}")
            continue
        for number, document in enumerate(found, 1):
            try:
                yield from _within(document) if document.strip() else ()
            except msgspec.DecodeError as error:
                report(f"{path}:{number}: {error}")


def _within(content: bytes, url: str | None = None) -> Iterator[_Resource]:
    """The resource itself, or the resources of a bundle."""
    found = _kind_of(content)
    if found.resourceType == "Bundle":
        for entry in found.entry or ():
            if bytes(entry.resource):
                yield from _within(bytes(entry.resource), entry.fullUrl)
    elif found.resourceType == "Patient":
        yield _Resource("Patient", content, url, found.id or url)
    elif found.resourceType == _REPORT:
        expected = expectations_of(list(reports_in(content)))
        yield from (_Resource(_REPORT, content, url, each.patient_id) for each in expected)
    elif found.resourceType not in _DEFINITIONS:
        named = patient_reference(_links_of(content), patient_links(found.resourceType))
        patients = owners(found.resourceType, content) if named is None else [named]
        yield from (_Resource(found.resourceType, content, url, patient) for patient in patients or (None,))


def _deal(resources: Iterable[_Resource], root: Path, name: str, but: Container[tuple[str, str | None]]) -> None:
    """Write a bundle for each patient and measure of the reports, in a folder named after the measure; `but` are the
    pairs that have a case elsewhere."""
    dealt_out = list(resources)
    patients = {each.patient: each.patient for each in dealt_out if each.kind == "Patient" and each.patient}
    patients |= {each.url: each.patient for each in dealt_out if each.kind == "Patient" and each.url and each.patient}
    reports = [each for each in dealt_out if each.kind == _REPORT]
    of_patient: dict[str | None, list[_Resource]] = {}
    for each in dealt_out:
        if each.kind != _REPORT:
            of_patient.setdefault(each.patient and patients.get(each.patient, each.patient), []).append(each)
    cases: dict[tuple[str, str], list[_Resource]] = {}
    for each in reports:
        (expectation,) = expectations_of(list(reports_in(each.content)))
        cases.setdefault((_measure_of(expectation, name), _subject(each, patients)), []).append(each)
    for (measure, patient), of_case in cases.items():
        if (measure, patient) in but:
            continue
        entries = [*of_patient.get(patient, ()), *of_patient.get(None, ()), *of_case]
        file = root / quote(measure, safe="") / quote(patient, safe="") / "case.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        written = [_Entry(each.url, msgspec.Raw(each.content)) for each in entries]
        bundle = {"resourceType": "Bundle", "type": "collection", "entry": written}
        file.write_bytes(msgspec.json.encode(bundle))


def _measure_of(expectation: Expectation, otherwise: str) -> str:
    return (expectation.measure or otherwise).partition("|")[0].rpartition("/")[2]


def _subject(report: _Resource, patients: Mapping[str, str]) -> str:
    """The id of the patient that a report is about; if it does not say, that of the only patient."""
    if report.patient is None and len(set(patients.values())) == 1:
        return next(iter(patients.values()))
    return patients.get(report.patient or "", report.patient or "unknown")
