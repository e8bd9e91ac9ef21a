"""QDM packages as the content of a run: selecting and planning measures, and evaluating them on patients."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import perf_counter

from ecqm.bundles.content.documents import ContentError, open_documents, readers
from ecqm.bundles.evaluation.batches import Batch, Evaluation, Stated
from ecqm.bundles.evaluation.selection import CannotPlan, PlannedMeasures
from ecqm.bundles.packages.exports import exports, read_export
from ecqm.bundles.packages.folders import is_package, packages, read_package
from ecqm.bundles.packages.package import MeasurePackage, qdm_version
from ecqm.data.problems import DataError
from ecqm.data.qdm import read_patients
from ecqm.data.qdm.binding import QdmDataTypes
from ecqm.data.qdm.schema import qdm_schema
from ecqm.data.store.store import is_store
from ecqm.measures.definition import Measure
from ecqm.measures.definition.naming import MeasureNotFound, named, not_found
from ecqm.measures.evaluation.planning import MeasurePlan
from ecqm.terminology import (
    CodeIndex,
    Expansion,
    Membership,
    MissingValueSet,
    ValueSets,
    ValueSetStore,
    value_set_key,
)
from ecqm.versions import version_key

PACKAGES = "measures"


def package_files(path: Path) -> list[Path]:
    """The packages at a path: a measure's file or archive, its folder, a folder of such, or a deck with `measures`.

    An export is named by its HQMF document, also within an archive.
    """
    if path.is_file():
        return [path] if path.suffix == ".json" and is_package(path) else list(exports(path))
    for folder in (path / PACKAGES, path):
        if folder.is_dir():
            own = [each for each in sorted(folder.glob("*.json")) if is_package(each)]
            own += [each for archive in sorted(folder.glob("*.zip")) for each in exports(archive)]
            if found := own or [*packages(folder), *exports(folder)]:
                return found
    return []


def read_file(path: Path) -> MeasurePackage:
    """The package that `package_files` names. Raises ContentError."""
    return read_package(path) if path.suffix == ".json" else read_export(path)


@dataclass
class PackageContent:
    """The packages at a path. Problems are of packages that cannot be read."""

    packages: tuple[MeasurePackage, ...]
    problems: list[str] = field(default_factory=list)

    @classmethod
    def open(cls, path: Path, valuesets: Sequence[Path] = ()) -> PackageContent:
        """The packages at a path; `valuesets` are further value sets. Raises ContentError for a path without
        packages."""
        found, problems = [], []
        beside = ValueSetStore(*(readers(open_documents(each)) for each in valuesets))
        for file in package_files(path):
            try:
                package = read_file(file)
                found.append(replace(package, value_sets=LayeredValueSets((package.value_sets, beside))))
            except ContentError as error:
                problems.append(str(error))
        if not found:
            raise ContentError("; ".join(problems) or f"there are no measure packages at {path}")
        return cls(tuple(found), problems)

    def select(self, names: Iterable[str] = ()) -> list[MeasurePackage]:
        """The packages of some measures, see `find`; all of them without names. Raises MeasureNotFound."""
        return [self.find(name) for name in names] or list(self.packages)

    def find(self, name: str) -> MeasurePackage:
        """The package that `name` means: one of its names, or a CMS id; `|version` tells versions apart.

        Of several versions of one measure the latest is meant. Raises MeasureNotFound if there is no such package, or
        if it may be any of several.
        """
        wanted, _, version = name.partition("|")
        own = [package for package in self.packages if package.names[0].lower() == wanted.lower()]
        found = own or named(wanted, self.packages, lambda package: package.names)
        found = [package for package in found if version in ("", package.measure.version)]
        if not found:
            raise not_found(name, (str(package) for package in self.packages))
        found.sort(key=lambda package: version_key(package.measure.version), reverse=True)
        latest = [package for package in found if package.measure.version == found[0].measure.version]
        if len({package.measure.url for package in found}) > 1 or len(latest) > 1:
            told = ", ".join(f"{package} ({package.origin})" for package in found)
            raise MeasureNotFound(f"{name!r} may mean any of: {told}")
        return latest[0]


class LayeredValueSets:
    """Value sets from the first of several layers that has them, in any version: those of the measure's package,
    otherwise those given in addition."""

    def __init__(self, layers: Sequence[ValueSets]) -> None:
        self._layers = layers

    def find(self, identifier: str, version: str | None = None) -> Expansion | None:
        """The value set, or None if no layer has it."""
        found = (layer.find(identifier) for layer in self._layers)
        return next((each for each in found if each is not None), None)


class SharedValueSets:
    """The value sets of several packages, which have to agree on the codes of each OID."""

    def __init__(self, of: Sequence[MeasurePackage]) -> None:
        self._packages = of

    def find(self, identifier: str, version: str | None = None) -> Expansion | None:
        """The value set; None if no package has it. Raises ContentError if two packages have different codes for it."""
        found: Expansion | None = None
        for package in self._packages:
            own = package.value_sets.find(identifier, version)
            if own is None:
                continue
            if found is not None and own.codes != found.codes:
                raise ContentError(
                    f"value set {identifier} is another in {own.origin} than in {found.origin}: run apart"
                )
            found = own
        return found


@dataclass(frozen=True)
class SelectedPackages:
    """The packages that results come from."""

    packages: Sequence[MeasurePackage]
    problems: Sequence[str]
    value_sets: SharedValueSets

    def hashes(self) -> Mapping[str, str]:
        """SHA-256 of the package's files, one after the other, by name of the measure."""
        return {
            each.measure.name: hashlib.sha256(b"".join(file.read_bytes() for file in each.files)).hexdigest()
            for each in self.packages
        }


@dataclass(frozen=True, kw_only=True, repr=False)
class PackageSelection(PlannedMeasures):
    """Planned measures of QDM packages, which have no composites: a package is of one measure."""

    content: SelectedPackages

    @property
    def version(self) -> str:
        """The version of QDM that the measures are written in. Raises ContentError if there are several."""
        versions = set(map(qdm_version, self.plans))
        if len({qdm_schema(version).version for version in versions}) > 1:
            raise ContentError(
                f"the measures are of QDM {', '.join(sorted(versions))}: run those of one version together"
            )
        return min(versions)


def missing_of_package(package: MeasurePackage, plan: MeasurePlan) -> list[MissingValueSet]:
    """The value sets that a plan looks into and its package has not got, in whatever version."""
    return [
        MissingValueSet(identifier, defines)
        for identifier, defines in plan.value_sets.items()
        if package.value_sets.find(value_set_key(identifier)[0]) is None
    ]


def select_packages(
    content: PackageContent, names: Iterable[str] = (), watch: Callable[[Measure], None] = lambda measure: None
) -> PackageSelection:
    """Plan measures; `watch` is called after each. A measure or group that cannot be planned is in `not_planned`."""
    chosen = content.select(names)
    plans: list[MeasurePlan] = []
    not_planned: dict[str, str] = {}
    missing: dict[str, MissingValueSet] = {}
    for package in chosen:
        try:
            plan = package.plan()
        except CannotPlan as error:
            not_planned[package.measure.name] = str(error)
        else:
            plans.append(plan)
            not_planned |= plan.not_planned
            missing |= {each.id: each for each in missing_of_package(package, plan)}
        watch(package.measure)
    shared = SharedValueSets(chosen)
    selected = SelectedPackages(chosen, content.problems, shared)
    return PackageSelection(
        content=selected, plans=tuple(plans), not_planned=not_planned, missing=tuple(missing.values())
    )


def evaluate_packages(
    selection: PackageSelection,
    data: Sequence[Path],
    stated: Stated = (None, None),
    supplements: bool = False,
    watch: Callable[[Measure], None] = lambda measure: None,
    patient_codes: bool = False,
    default_offset: int = 0,
) -> Batch:
    """The results of all measures over the QDM patients at some paths, which are one batch; see `Evaluation`.

    Raises DataError if there are no patients, MeasureError for a measure without a period.
    """
    codes = CodeIndex()
    started = perf_counter()
    stores = [path for path in data if is_store(path)]
    if stores:
        raise DataError(f"{stores[0]} is a store of FHIR data, which QDM measures cannot be evaluated on")
    cohort = read_patients(data, selection.demand, codes, selection.version, default_offset, by_id=True)
    if cohort.n == 0:
        told = "; ".join(map(str, cohort.problems[:1]))
        raise DataError(f"there are no QDM patients at {', '.join(map(str, data))}{told and ': ' + told}")
    loaded = perf_counter()
    value_sets = selection.content.value_sets
    profiles = QdmDataTypes(qdm_schema(selection.version))
    evaluation = Evaluation(selection.plans, value_sets, stated, supplements, profiles, patient_codes=patient_codes)
    batch = evaluation.batch(cohort, Membership(codes, value_sets), watch)
    batch.load_seconds = loaded - started
    return batch
