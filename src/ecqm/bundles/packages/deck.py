"""Decks of measure packages and QDM patients: `measures/<M>` and `patients/<M>` side by side.

A run of every patient is compared with what a reference engine came to (`reference-results.json` in the deck's folder
or above it: counts, episodes, observations, and the outcome of every statement), and with the `expectedValues` that
the patients' authors wrote. Where there is no reference for a patient, the authors' values are the expectation.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

import msgspec

from ecqm.bundles.content.documents import ContentError
from ecqm.bundles.decks.inspection import Inspected, Inspector
from ecqm.bundles.decks.runner import CannotRun
from ecqm.bundles.packages.folders import packages, read_package
from ecqm.bundles.packages.package import MeasurePackage
from ecqm.bundles.packages.runner import PackagePlan, SetResult, executor_of, plan_package, run_package
from ecqm.bundles.packages.terms import POPULATIONS
from ecqm.data import DataProblem
from ecqm.data.qdm import read_patients
from ecqm.json_decoding import json_decoder
from ecqm.measures.decks.agreement import (
    NO_SCORE,
    CaseResult,
    GroupAgreement,
    MeasureRun,
    ObservationAgreement,
    PopulationAgreement,
    deck_report,
)
from ecqm.measures.decks.defects import Defect, DefectList
from ecqm.measures.decks.test_cases import TestCase
from ecqm.measures.explanation.relevance import STRATUM, Outcome
from ecqm.terminology import CodeIndex

REFERENCE = "reference-results.json"
_CODES = {**{name: code.value for name, code in POPULATIONS.items()}, STRATUM: "stratifier"}


class ExpectedSet(msgspec.Struct, forbid_unknown_fields=False):
    """What a population set should come to: counts by population, the observed values, the episodes, the statements."""

    counts: dict[str, float]
    observations: list[float] | None = None
    episodes: dict[str, dict[str, float]] | None = None
    statements: dict[str, dict[str, str]] | None = None


@dataclass(frozen=True)
class PackageCaseResult(CaseResult):
    """A patient compared; beside the populations, what the episodes and statements of the reference came to.

    `authored`: whether the patient's own expected values agree, None if it has none; `reference_authored` the same of
    the reference.
    """

    episodes_agree: bool | None = None
    statements: int = 0
    statements_agree: int = 0
    differing: tuple[str, ...] = ()
    authored: bool | None = None
    reference_authored: bool | None = None
    problems: tuple[DataProblem, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return super().to_json() | {
            "episodesAgree": self.episodes_agree,
            "statements": {"compared": self.statements, "agree": self.statements_agree, "differ": self.differing},
            "expectedValues": {"agree": self.authored, "referenceAgrees": self.reference_authored},
            "problems": [str(problem) for problem in self.problems],
        }


@dataclass
class PackageDeck:
    """A folder of packages and patients, with the reference results of its own set."""

    root: Path
    reference: Mapping[tuple[str, str], dict[str, ExpectedSet]] = field(default_factory=dict)

    @classmethod
    def open(cls, root: Path) -> PackageDeck:
        """The deck of a folder. Raises ContentError for one that is none."""
        if not is_package_deck(root):
            raise ContentError(f"{root} has no measure packages with patients")
        at = next((folder / REFERENCE for folder in (root, root.parent) if (folder / REFERENCE).is_file()), None)
        return cls(root, {} if at is None else _read_reference(at, root.name))

    def cases(self) -> Iterable[tuple[Path, MeasurePackage, list[Path]]]:
        """Every measure file with its package and the files of its patients.

        A patients' folder belongs to the measures of the folder of that name, otherwise to those that call themselves
        by it.
        """
        folders = {path.name: path for path in sorted((self.root / "patients").iterdir()) if path.is_dir()}
        for path in packages(self.root / "measures"):
            package = read_package(path)
            folder = next((folders[name] for name in (path.parent.name, *package.names) if name in folders), None)
            if folder is not None:
                yield path, package, sorted(folder.glob("*.json"))


def is_package_deck(root: Path) -> bool:
    """Does a folder have measure packages and patients side by side?"""
    return (root / "measures").is_dir() and (root / "patients").is_dir()


def run_deck(
    deck: PackageDeck,
    names: Sequence[str] = (),
    defects: DefectList | None = None,
    inspector: Inspector | None = None,
) -> list[MeasureRun]:
    """Run all patients of all measures (or of those named), each measure's as one cohort, shown to an `inspector`."""
    runs = []
    for path, package, patients in deck.cases():
        if names and not set(names) & set(package.names):
            continue
        runs.append(_run(deck, path, package, patients, defects or DefectList(), inspector))
    return runs


def _run(
    deck: PackageDeck,
    path: Path,
    package: MeasurePackage,
    patients: list[Path],
    defects: DefectList,
    inspector: Inspector | None,
) -> MeasureRun:
    run = MeasureRun(package.measure.name, [])
    started = perf_counter()
    cases = [TestCase(path.parent.name, file.stem, file.parent, (file,), ()) for file in patients]
    try:
        plan = plan_package(package)
        planned = perf_counter()
        codes = CodeIndex()
        demand = plan.demand if inspector is None else plan.demand | inspector.demand([plan.measure])
        cohort = read_patients(patients, demand, codes, plan.version)
        loaded = perf_counter()
        if cohort.n != len(patients):
            raise ContentError(
                f"{len(patients)} files hold {cohort.n} patients: {'; '.join(map(str, cohort.problems))}"
            )
        executor = executor_of(plan, cohort, codes)
        results = run_package(plan, executor)
    except (*CannotRun, ContentError) as error:
        run.results = [CaseResult(case, (), str(error)) for case in cases]
        return run
    run.seconds = {"plan": planned - started, "load": loaded - planned, "evaluate": perf_counter() - loaded}
    for row, case in enumerate(cases):
        authored = _authored(case.files[0], plan)
        reference = deck.reference.get((path.name, case.files[0].name))
        problems = tuple(p for p in cohort.problems if p.file == str(case.files[0]))
        actual = results.of_patient(row)
        defect = defects.find(case.name, package.measure.name, case.measure_folder)
        run.results.append(_compare(case, actual, reference, authored, results.errors.get(row), defect, problems))
    if inspector is not None:
        parts = [(plan.measure, results.groups)]
        inspector.inspect(Inspected(run.measure, parts, executor, run.results, package.source_of))
    return run


def _compare(
    case: TestCase,
    actual: Mapping[str, SetResult],
    reference: Mapping[str, ExpectedSet] | None,
    authored: Mapping[str, ExpectedSet],
    error: str | None,
    defect: Defect | None,
    problems: tuple[DataProblem, ...],
) -> PackageCaseResult:
    expected = authored if reference is None else reference
    groups = tuple(_group(name, each, actual.get(name)) for name, each in expected.items())
    compared = agreeing = 0
    differing: list[str] = []
    for name, each in expected.items():
        result = actual.get(name)
        for library, statements in (each.statements or {}).items():
            for statement, outcome in statements.items():
                found = result.statements.get((library, statement)) if result is not None else None
                compared += 1
                if (found or Outcome.NOT_APPLICABLE) == outcome:
                    agreeing += 1
                else:
                    told = found.value if found is not None else Outcome.NOT_APPLICABLE.value
                    differing.append(f"{name}: {library}.{statement} expected {outcome}, is {told}")
    episodes = [
        _same_episodes(each.episodes, actual[name])
        for name, each in expected.items()
        if each.episodes is not None and name in actual
    ]
    came_to = {name: ExpectedSet(result.counts) for name, result in actual.items()}
    return PackageCaseResult(
        case,
        groups,
        error or (None if expected else "nothing is expected"),
        defect,
        all(episodes) if episodes else None,
        compared,
        agreeing,
        tuple(differing),
        _meets(came_to, authored),
        None if reference is None else _meets(reference, authored),
        problems,
    )


def _group(name: str, expected: ExpectedSet, actual: SetResult | None) -> GroupAgreement:
    populations = tuple(
        PopulationAgreement(
            _CODES[population], population, count, None if actual is None else actual.counts.get(population)
        )
        for population, count in expected.counts.items()
    )
    observations: tuple[ObservationAgreement, ...] = ()
    if expected.observations is not None:
        found = () if actual is None else tuple(sorted(actual.observations))
        observations = (ObservationAgreement("OBSERV", tuple(sorted(expected.observations)), found),)
    return GroupAgreement(name, populations, (), observations, NO_SCORE)


def _same_episodes(expected: Mapping[str, Mapping[str, float]], actual: SetResult) -> bool:
    """Are the same episodes in the same populations? One that is in none need not be told of."""

    def members(episodes: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, float]]:
        found = {name: {p: count for p, count in each.items() if count} for name, each in episodes.items()}
        return {name: each for name, each in found.items() if each}

    return members(expected) == members(actual.episodes or {})


def _meets(found: Mapping[str, ExpectedSet], authored: Mapping[str, ExpectedSet]) -> bool | None:
    """Do results agree with the expected values of a patient's author? None if there are none."""
    if not authored:
        return None
    return all(
        name in found and all(found[name].counts.get(p, 0) == count for p, count in each.counts.items())
        for name, each in authored.items()
    )


class _Authored(msgspec.Struct):
    expectedValues: list[dict[str, Any]] | None = None


def _authored(file: Path, plan: PackagePlan) -> dict[str, ExpectedSet]:
    """What the author of a patient expects of a measure, by population set; nothing if that cannot be told."""
    try:
        values = json_decoder(_Authored)(file.read_bytes()).expectedValues or []
    except msgspec.DecodeError:
        return {}
    measure = plan.measure.measure
    sets = [group.id for group in measure.groups]
    sets += [stratifier.id for group in measure.groups for stratifier in group.stratifiers]
    of_measure = [value for value in values if f"urn:uuid:{value.get('measure_id')}" == measure.url] or values
    found: dict[str, ExpectedSet] = {}
    for value in of_measure:
        index = value.get("population_index")
        if isinstance(index, int) and 0 <= index < len(sets):
            told = {name: value[name] or 0 for name in _CODES if name in value}
            counts = {name: float(count) for name, count in told.items() if isinstance(count, int | float)}
            found.setdefault(sets[index], ExpectedSet(counts))
    return found


class _Reference(msgspec.Struct):
    set: str
    measureFile: str
    patient: str
    result: dict[str, dict[str, Any]]


def _read_reference(path: Path, name: str) -> dict[tuple[str, str], dict[str, ExpectedSet]]:
    """The results of a set's runs, by files of measure and patient. Raises ContentError."""
    try:
        runs = json_decoder(list[_Reference])(path.read_bytes())
    except msgspec.DecodeError as error:
        raise ContentError(f"{path} holds no reference results: {error}") from error
    return {
        (run.measureFile, run.patient): {key: _expected(value) for key, value in run.result.items()}
        for run in runs
        if run.set == name
    }


def _expected(value: dict[str, Any]) -> ExpectedSet:
    episodes = value.get("episode_results")
    observed = value.get("observation_values")
    return ExpectedSet(
        {name: float(value[name]) for name in _CODES if name in value},
        None if observed is None else [float(each) for each in observed if each is not None],
        None
        if episodes is None
        else {name: {p: n for p, n in of.items() if p in _CODES} for name, of in episodes.items()},
        value.get("statements"),
    )


def package_report(engine: dict[str, Any], runs: Sequence[MeasureRun]) -> dict[str, Any]:
    """A deck's results as of FHIR decks, with the counts of agreeing episodes, statements and authors' values."""
    report = deck_report(engine, runs)
    for told, run in zip(report["measures"], runs, strict=True):
        told |= _tally(run.results)
    report["totals"] |= _tally([result for run in runs for result in run.results])
    return report


def _tally(results: Sequence[CaseResult]) -> dict[str, Any]:
    compared = [result for result in results if isinstance(result, PackageCaseResult)]
    episodes = [result.episodes_agree for result in compared if result.episodes_agree is not None]
    authored = [result for result in compared if result.authored is not None]
    return {
        "episodes": {"cases": len(episodes), "agree": sum(episodes)},
        "statements": {
            "compared": sum(result.statements for result in compared),
            "agree": sum(result.statements_agree for result in compared),
        },
        "expectedValues": {
            "cases": len(authored),
            "agree": sum(bool(result.authored) for result in authored),
            "referenceAgrees": sum(bool(result.reference_authored) for result in authored),
        },
    }
