"""Decks of measure packages and QDM patients: `measures/<M>` and `patients/<M>` side by side, or in two places.

The results of every patient are compared with those of a reference engine (`reference-results.json` in the deck's
folder or above it: counts, episodes, observations, and the outcome of every statement), and with the `expectedValues`
that the patients' authors wrote. Where there is no reference for a patient, the authors' values are the expectation.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

from ecqm.bundles.content.documents import ContentError
from ecqm.bundles.decks.inspection import Inspected, Inspector
from ecqm.bundles.decks.runner import CannotRun
from ecqm.bundles.packages.comparison import compare_patient
from ecqm.bundles.packages.content import PACKAGES, package_files, read_file
from ecqm.bundles.packages.expectations import ExpectedSet, authored_expectations, read_reference
from ecqm.bundles.packages.package import MeasurePackage
from ecqm.bundles.packages.runner import executor_of, plan_package, run_package
from ecqm.data.qdm import read_patients
from ecqm.measures.decks.agreement import CaseResult, MeasureRun
from ecqm.measures.decks.defects import DefectList
from ecqm.measures.decks.test_cases import TestCase
from ecqm.measures.definition.naming import named
from ecqm.terminology import CodeIndex

REFERENCE = "reference-results.json"
PATIENTS = "patients"


@dataclass
class PackageDeck:
    """Packages and a folder of patients, with the reference results of the set."""

    root: Path
    patients: Path
    reference: Mapping[tuple[str, str], dict[str, ExpectedSet]] = field(default_factory=dict)

    @classmethod
    def open(cls, root: Path, patients: Path | None = None) -> PackageDeck:
        """The deck of a folder; `patients` is the folder of the patients if they are elsewhere.

        Raises ContentError if there are no packages, or no folder of patients.
        """
        patients = patients or root / PATIENTS
        if not package_files(root) or not patients.is_dir():
            raise ContentError(f"{root} has no measure packages with patients")
        at = next((folder / REFERENCE for folder in (root, root.parent) if (folder / REFERENCE).is_file()), None)
        return cls(root, patients, {} if at is None else read_reference(at, root.name))

    def cases(self) -> Iterable[tuple[Path, MeasurePackage, list[Path]]]:
        """Every measure file with its package and the files of its patients.

        A folder of patients belongs to the measures in the folder of the same name, otherwise to the measures of that
        name. Patients without such folders belong to the only measure that there is.
        """
        folders = {path.name: path for path in sorted(self.patients.iterdir()) if path.is_dir()}
        files = package_files(self.root)
        for path in files:
            package = read_file(path)
            folder = next((folders[name] for name in (path.parent.name, *package.names) if name in folders), None)
            if folder is None and len(files) == 1 and not folders:
                folder = self.patients
            if folder is not None:
                yield path, package, sorted(folder.glob("*.json"))


def is_package_deck(root: Path) -> bool:
    """Whether a folder has measure packages and patients side by side."""
    return (root / PACKAGES).is_dir() and (root / PATIENTS).is_dir()


def run_deck(
    deck: PackageDeck,
    names: Sequence[str] = (),
    defects: DefectList | None = None,
    inspector: Inspector | None = None,
) -> list[MeasureRun]:
    """Run the patients of all measures (or of those named), each measure's as one cohort. An `inspector` sees each
    evaluation."""
    cases = list(deck.cases())
    if names:
        cases = [case for name in names for case in named(name, cases, lambda case: case[1].names)]
    return [_run(deck, *case, defects or DefectList(), inspector) for case in cases]


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
        authored = authored_expectations(case.files[0], plan)
        reference = deck.reference.get((path.name, case.files[0].name))
        problems = tuple(p for p in cohort.problems if p.file == str(case.files[0]))
        actual = results.of_patient(row)
        defect = defects.find(case.name, package.measure.name, case.measure_folder)
        run.results.append(
            compare_patient(case, actual, reference, authored, results.errors.get(row), defect, problems)
        )
    if inspector is not None:
        parts = [(plan.measure, results.groups)]
        inspector.inspect(Inspected(run.measure, parts, executor, run.results, package.source_of))
    return run
