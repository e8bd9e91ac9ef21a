"""The test cases of a deck: folders of patient data with a MeasureReport of what is expected.

A deck is laid out as ``DIR/<Measure>/<case>/…json``. A case's folder holds single resource files, one bundle, or both,
possibly in folders of its own; somewhere among them is a MeasureReport of profile test-case-cqfm. Reading cases looks
for the report only: the patient data is left to the data readers (``TestCase.files``).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from ecqm.data import DataError
from ecqm.data.files import read_document, without_twins
from ecqm.measures.resource import CodeableConcept, Period

TEST_CASE_PROFILE = "test-case-cqfm"


class _Quantity(msgspec.Struct, frozen=True):
    value: float | None = None
    unit: str | None = None
    code: str | None = None


class _Population(msgspec.Struct, frozen=True):
    id: str | None = None
    code: CodeableConcept | None = None
    count: float | None = None


class _Stratum(msgspec.Struct, frozen=True):
    value: CodeableConcept | None = None
    population: list[_Population] | None = None
    measureScore: _Quantity | None = None


class _Stratifier(msgspec.Struct, frozen=True):
    id: str | None = None
    code: list[CodeableConcept] | None = None
    stratum: list[_Stratum] | None = None


class _Group(msgspec.Struct, frozen=True):
    id: str | None = None
    population: list[_Population] | None = None
    stratifier: list[_Stratifier] | None = None
    measureScore: _Quantity | None = None


class _Meta(msgspec.Struct, frozen=True):
    profile: list[str] | None = None


class _Reference(msgspec.Struct, frozen=True):
    reference: str | None = None


class _Extension(msgspec.Struct, frozen=True):
    url: str = ""
    valueMarkdown: str | None = None


class _Parameter(msgspec.Struct, frozen=True):
    name: str = ""
    valueString: str | None = None


class _Contained(msgspec.Struct, frozen=True):
    parameter: list[_Parameter] | None = None


class _Report(msgspec.Struct, frozen=True):
    resourceType: str = ""
    id: str | None = None
    meta: _Meta | None = None
    contained: list[_Contained] | None = None
    extension: list[_Extension] | None = None
    subject: _Reference | None = None
    measure: str | None = None
    period: Period | None = None
    group: list[_Group] | None = None


class _Kind(msgspec.Struct, frozen=True):
    resourceType: str = ""


class _Entry(msgspec.Struct, frozen=True):
    resource: msgspec.Raw = msgspec.Raw(b"{}")


class _Bundle(msgspec.Struct, frozen=True):
    entry: list[_Entry] | None = None


_decode_kind = msgspec.json.Decoder(_Kind).decode
_decode_bundle = msgspec.json.Decoder(_Bundle).decode
_decode_report = msgspec.json.Decoder(_Report).decode


@dataclass(frozen=True)
class ExpectedPopulation:
    """A population's expected count; of an observation, the expected value."""

    code: str
    id: str | None
    count: float


@dataclass(frozen=True)
class ExpectedStratum:
    value: str | None
    populations: tuple[ExpectedPopulation, ...]


@dataclass(frozen=True)
class ExpectedStratifier:
    id: str | None
    code: str | None
    strata: tuple[ExpectedStratum, ...]


@dataclass(frozen=True)
class ExpectedGroup:
    """``observations`` are apart from the populations: each is the value of one observation on one episode."""

    id: str | None
    populations: tuple[ExpectedPopulation, ...]
    observations: tuple[ExpectedPopulation, ...]
    stratifiers: tuple[ExpectedStratifier, ...]
    score: float | None


@dataclass(frozen=True)
class Expectation:
    """What one MeasureReport expects: of which measure (canonical), over which period, for which patient."""

    measure: str | None
    period: tuple[str | None, str | None]
    patient_id: str | None
    description: str | None
    groups: tuple[ExpectedGroup, ...]


@dataclass(frozen=True)
class TestCase:
    """One case: ``files`` are all its files, JSON or XML, to be read as one patient's data.

    ``expectations`` holds what the folder's reports expect, each once; a case without any, or whose files cannot be
    read, says so in ``problems``.
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

        Folders keep reports for earlier states of a measure beside the current one. One that names this measure counts
        before one that does not, and among equals one whose groups have the measure's ids, then the last written.
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


@dataclass
class Deck:
    """All cases of a deck by measure folder, in the order of their names."""

    root: Path
    cases: dict[str, list[TestCase]] = field(default_factory=dict)

    def measure_of(self, folder: str) -> str | None:
        """The canonical URL that most of a folder's expectations name; None if none does."""
        named = [e.measure.partition("|")[0] for c in self.cases[folder] for e in c.expectations if e.measure]
        return max(set(named), key=lambda url: (named.count(url), url)) if named else None


def read_deck(root: Path, folders: tuple[str, ...] | None = None) -> Deck:
    """The cases below ``root``, of all measure folders or of those named."""
    deck = Deck(root)
    for folder in sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith(".")):
        if folders is None or folder.name in folders:
            deck.cases[folder.name] = list(read_cases(folder))
    return deck


def read_cases(measure_folder: Path) -> Iterator[TestCase]:
    """The cases of one measure: its sub-folders. Loose files beside them are copies of what the cases hold."""
    titles = _titles(measure_folder)
    for outer in sorted(path for path in measure_folder.iterdir() if path.is_dir() and not path.name.startswith(".")):
        for folder in _case_folders(outer):
            files = _documents(folder)
            problems: list[str] = []
            expectations = _expectations(files, problems)
            if not expectations:
                problems.append("no MeasureReport says what is expected")
            patient_id = next((e.patient_id for e in expectations if e.patient_id), None)
            title = titles.get(folder.name) or titles.get(patient_id or "")
            yield TestCase(
                measure_folder=measure_folder.name,
                name=folder.name,
                folder=folder,
                files=files,
                expectations=expectations,
                title=title or _title_of_bundle(files),
                description=next((e.description for e in expectations if e.description), None),
                problems=tuple(problems),
            )


def _case_folders(outer: Path) -> list[Path]:
    """The folder itself, or the folders in it if it only groups several cases (each with a report of its own)."""
    inner = sorted(Path(entry.path) for entry in os.scandir(outer) if entry.is_dir())
    if len(inner) < 2:
        return [outer]
    groups = all(any(_may_be_report(path) for path in _documents(folder)) for folder in inner)
    return inner if groups else [outer]


def _may_be_report(path: Path) -> bool:
    return path.name.startswith("MeasureReport") or b"MeasureReport" in path.read_bytes()


def _documents(folder: Path) -> tuple[Path, ...]:
    found: list[Path] = []
    for directory, folders, names in os.walk(folder):
        folders.sort()
        found += [
            Path(directory, name) for name in sorted(names) if name.endswith((".json", ".xml")) and name[0] != "."
        ]
    return tuple(without_twins(found))


def _expectations(files: tuple[Path, ...], problems: list[str]) -> tuple[Expectation, ...]:
    """What the reports among the files expect, equal ones once.

    Report files of their own say all there is to say; bundles and other files are searched only where there are none.
    """
    own = [path for path in files if path.name.startswith("MeasureReport")]
    found: dict[Expectation, None] = {}
    for path in own or files:
        try:
            if b"MeasureReport" in path.read_bytes():
                found.update(dict.fromkeys(_reports(read_document(path))))
        except (OSError, DataError, msgspec.DecodeError) as error:
            problems.append(f"{path.name}: {error}")
    return tuple(found)


def _reports(data: bytes) -> Iterator[Expectation]:
    kind = _decode_kind(data).resourceType
    if kind == "Bundle":
        for entry in _decode_bundle(data).entry or ():
            content = bytes(entry.resource)
            if b"MeasureReport" in content:
                yield from _reports(content)
    elif kind == "MeasureReport":
        report = _decode_report(data)
        profiles = (report.meta.profile if report.meta else None) or [TEST_CASE_PROFILE]
        if any(TEST_CASE_PROFILE in profile for profile in profiles):
            yield _expectation(report)


def _expectation(report: _Report) -> Expectation:
    parameters = [p for contained in report.contained or () for p in contained.parameter or ()]
    subject = next((p.valueString for p in parameters if p.name == "subject"), None)
    if subject is None and report.subject and report.subject.reference:
        subject = report.subject.reference.rsplit("/", 1)[-1]
    descriptions = [e.valueMarkdown for e in report.extension or () if e.url.endswith("cqfm-testCaseDescription")]
    period = report.period or Period()
    return Expectation(
        measure=report.measure,
        period=(period.start, period.end),
        patient_id=subject,
        description=descriptions[0] if descriptions else None,
        groups=tuple(_group(group) for group in report.group or ()),
    )


def _group(group: _Group) -> ExpectedGroup:
    read = [_population(p) for p in group.population or ()]
    return ExpectedGroup(
        id=group.id,
        populations=tuple(p for p in read if not p.code.endswith("observation")),
        observations=tuple(p for p in read if p.code.endswith("observation")),
        stratifiers=tuple(
            ExpectedStratifier(
                id=stratifier.id,
                code=_text(stratifier.code[0]) if stratifier.code else None,
                strata=tuple(
                    ExpectedStratum(_text(stratum.value), tuple(_population(p) for p in stratum.population or ()))
                    for stratum in stratifier.stratum or ()
                ),
            )
            for stratifier in group.stratifier or ()
        ),
        score=_score(group.measureScore),
    )


def _score(score: _Quantity | None) -> float | None:
    """A score, of what is given in percent the share."""
    if score is None or score.value is None:
        return None
    return score.value / 100 if "%" in (score.unit, score.code) else score.value


def _population(population: _Population) -> ExpectedPopulation:
    coding = (population.code.coding if population.code else None) or ()
    code = next((c.code for c in coding if c.code), "")
    return ExpectedPopulation(code, population.id, population.count or 0)


def _text(concept: CodeableConcept | None) -> str | None:
    if concept is None:
        return None
    return concept.text or next((c.code for c in concept.coding or () if c.code), None)


class _MadieCase(msgspec.Struct, frozen=True):
    patientId: str | None = None
    title: str | None = None
    series: str | None = None


_decode_madie = msgspec.json.Decoder(list[_MadieCase]).decode
_README_LINE = re.compile(r"^Case # *\d+ - (?P<folder>\S+) = (?P<title>.+?)\s*$", re.MULTILINE)
_BUNDLE_NAME = re.compile(r"^.+-v[\w.]+-(?P<series>[^-]+)-(?P<title>.+)$")


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
            # Titles are for reading only; a case without one is known by its folder.
            pass
    return titles


def _title_of_bundle(files: tuple[Path, ...]) -> str | None:
    """``<measure>-v<version>-<series>-<title>.json``, as the authoring tool names a case's bundle."""
    for path in files:
        match = _BUNDLE_NAME.match(path.stem)
        if match and not re.fullmatch(r"[0-9a-f-]+", match["title"]):
            return f"{match['series']} {match['title']}"
    return None
