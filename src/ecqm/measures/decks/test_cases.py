"""The test cases of a deck: folders of patient data with a MeasureReport of what is expected.

A deck is laid out as `DIR/<Measure>/<case>/…json`. A case's folder holds single resource files, one bundle, or both,
possibly in subfolders; one of the resources is a MeasureReport with the expectation. Of bundles that the authoring tool
exported from several versions of the measure, the latest counts. A bundle in the measure's folder itself is a case too
(`ecqm.measures.decks.loose_cases`), unless it is a copy of a case's folder. Only the reports are read here; patient
data are left to the data readers (`TestCase.files`).
"""

from __future__ import annotations

import os
import re
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from ecqm.data import DataError
from ecqm.data.files.case_folders import EXPORTED_BUNDLE, case_documents
from ecqm.data.files.content import as_json, read_bytes
from ecqm.data.problems import reason
from ecqm.json_decoding import json_decoder
from ecqm.measures.decks.expectations import Expectation, ReportResource, expectations_of, reports_in
from ecqm.measures.decks.loose_cases import documents, loose_cases


@dataclass(frozen=True)
class TestCase:
    """One case. `files` are all its files, JSON or XML, which hold the data of one patient; `folder` is their folder,
    or the bundle that has all of their data.

    `expectations` are the distinct expectations of the folder's reports; `problems` tells if there are none, or which
    files cannot be read.
    """

    __test__ = False  # not a test class, whatever pytest makes of the name

    measure_folder: str
    name: str
    folder: Path
    files: tuple[Path, ...]
    expectations: tuple[Expectation, ...]
    title: str | None = None
    description: str | None = None
    problems: tuple[str, ...] = ()

    def expectation(self, measure_url: str, group_ids: tuple[str, ...] = ()) -> Expectation | None:
        """What the case expects of a measure.

        Folders may also hold reports for earlier versions of the measure. A report that names this measure is
        preferred, then one whose groups have the measure's ids, then the last one.
        """
        ranked = [
            (
                (expectation.measure or "").partition("|")[0] == measure_url,
                tuple(group.id for group in expectation.groups) == group_ids,
                position,
            )
            for position, expectation in enumerate(self.expectations)
        ]
        return self.expectations[max(ranked)[2]] if ranked else None


def measure_expected(cases: Iterable[TestCase]) -> str | None:
    """The canonical URL that most of the expectations name; None if none does."""
    named = [e.measure.partition("|")[0] for case in cases for e in case.expectations if e.measure]
    return max(set(named), key=lambda url: (named.count(url), url)) if named else None


def read_cases(measure_folder: Path) -> Iterator[TestCase]:
    """The cases of one measure: its subfolders, bundles in a subfolder for several cases, and bundles beside these that
    are not copies of them."""
    titles = _titles(measure_folder)
    names: set[str] = set()
    patients: set[str | None] = set()
    folders = _folders(measure_folder)
    several = [folder for folder in folders if _has_several_cases(folder)]
    for outer in folders:
        for folder in _case_folders(outer) if outer not in several else ():
            case = _case(measure_folder, folder.name, folder, tuple(case_documents(folder)), titles)
            names.add(case.name)
            patients.update(e.patient_id for e in case.expectations)
            yield case
    for place in (*several, measure_folder):
        here: set[str | None] = set()
        for loose in loose_cases(place):
            if loose.name not in names:
                case = _case(measure_folder, loose.name, loose.bundle, loose.files, titles, loose.patients)
                found = {e.patient_id for e in case.expectations}
                if found and patients.isdisjoint(found):
                    here |= found
                    yield case
        patients |= here


def _has_several_cases(folder: Path) -> bool:
    """Whether a folder has bundles of several cases. Single reports are of one case, which has its own folder."""
    found = documents(folder)
    if len(found) < 2 or any(path.name.startswith("MeasureReport") for path in found):
        return False
    return len(_loose_patients(folder)) > 1


def measure_folders(root: Path, depth: int = 4) -> list[Path]:
    """The folders at or below `root` that hold cases, whatever their names, at most `depth` levels down."""
    if any(_is_case(folder) for folder in _folders(root)) or _loose_patients(root):
        return [root]
    return [found for folder in _folders(root) for found in measure_folders(folder, depth - 1)] if depth else []


def _folders(folder: Path) -> list[Path]:
    return sorted(Path(entry.path) for entry in os.scandir(folder) if entry.is_dir() and entry.name[0] != ".")


def _is_case(folder: Path) -> bool:
    """Whether a folder holds a report of one patient, itself or in a folder for reports, and no cases."""
    inner = [path for path in _folders(folder) if path.name != "MeasureReport"]
    if any(_is_case(path) for path in inner) or len(_loose_patients(folder)) > 1:
        return False
    places = (folder, folder / "MeasureReport")
    return any(_may_be_report(path) for place in places for path in documents(place))


def _loose_patients(folder: Path) -> set[str | None]:
    """The ids of the patients in the reports of cases without a folder."""
    return {expectation.patient_id for case in loose_cases(folder) for expectation in _expectations(case.files, [])}


def _case(
    measure_folder: Path,
    name: str,
    folder: Path,
    files: tuple[Path, ...],
    titles: Mapping[str, str],
    patients: Container[str | None] = (),
) -> TestCase:
    """The case in some files; reports about others than `patients`, if there are any, do not count."""
    problems: list[str] = []
    expectations = tuple(e for e in _expectations(files, problems) if not patients or e.patient_id in patients)
    if not expectations:
        problems.append("no MeasureReport says what is expected")
    patient_id = next((e.patient_id for e in expectations if e.patient_id), None)
    return TestCase(
        measure_folder=measure_folder.name,
        name=name,
        folder=folder,
        files=files,
        expectations=expectations,
        title=titles.get(name) or titles.get(patient_id or "") or _title_of_bundle(files),
        description=next((e.description for e in expectations if e.description), None),
        problems=tuple(problems),
    )


def _case_folders(outer: Path) -> list[Path]:
    """The folder itself, or the folders in it if it only groups several cases (each with a report of its own)."""
    inner = sorted(Path(entry.path) for entry in os.scandir(outer) if entry.is_dir())
    if len(inner) < 2:
        return [outer]
    groups = all(any(_may_be_report(path) for path in case_documents(folder)) for folder in inner)
    return inner if groups else [outer]


def _may_be_report(path: Path) -> bool:
    return path.name.startswith("MeasureReport") or b"MeasureReport" in path.read_bytes()


def _expectations(files: tuple[Path, ...], problems: list[str]) -> tuple[Expectation, ...]:
    """The distinct expectations of the reports among the files.

    If there are files named MeasureReport…, only these are read; otherwise all files are searched.
    """
    own = [path for path in files if path.name.startswith("MeasureReport")]
    found: list[ReportResource] = []
    for path in own or files:
        try:
            if b"MeasureReport" in (content := read_bytes(path)):
                found += reports_in(as_json(content))
        except (OSError, DataError) as error:
            problems.append(f"{path.name}: {reason(error)}")
        except msgspec.DecodeError as error:
            problems.append(f"{path.name}: {error}")
    return expectations_of(found)


class _MadieCase(msgspec.Struct, frozen=True):
    patientId: str | None = None
    title: str | None = None
    series: str | None = None


_decode_madie = json_decoder(list[_MadieCase])
_README_LINE = re.compile(r"^(Case # *\d+ - )?(?P<folder>\S+) = (?P<title>.+?)\s*$", re.MULTILINE)


def _titles(measure_folder: Path) -> dict[str, str]:
    """Titles by folder name or patient id, from the authoring tool's export list or its read-me."""
    titles: dict[str, str] = {}
    for readme in sorted(measure_folder.glob("README*.txt")):
        for line in _README_LINE.finditer(readme.read_text("utf-8", errors="replace")):
            titles[line["folder"]] = line["title"]
    listed = measure_folder / ".madie"
    if listed.is_file():
        try:
            for case in _decode_madie(listed.read_bytes()):
                if case.patientId:
                    titles[case.patientId] = " ".join(part for part in (case.series, case.title) if part)
        except msgspec.DecodeError:
            # Titles are for display only; a case without one is shown by its folder.
            pass
    return titles


def _title_of_bundle(files: tuple[Path, ...]) -> str | None:
    """`<measure>-v<version>-<series>-<title>.json`, as the authoring tool names a case's bundle."""
    for path in files:
        match = EXPORTED_BUNDLE.match(path.stem)
        if match and not re.fullmatch(r"[0-9a-f-]+", match["title"]):
            return f"{match['series']} {match['title']}"
    return None
