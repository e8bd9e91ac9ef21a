"""What a worker of the server has at hand: content, plans that are made once, and patients."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from ecqm.bundles.content import Content
from ecqm.bundles.evaluation.compiling import ContentCompiler
from ecqm.bundles.evaluation.selection import Selection, select
from ecqm.cluster.units import FileUnit, StoredUnit, Unit
from ecqm.data import EVERYTHING, Cohort, DataProblem, Demand
from ecqm.data.source import PatientData
from ecqm.engine.profiles import ProfileRule
from ecqm.json_decoding import json_decoder
from ecqm.measures.definition import Measure
from ecqm.measures.definition.naming import MeasureNotFound
from ecqm.server.inputs import Input, Inputs
from ecqm.server.outcomes import RequestError, cannot_process, invalid, not_found, not_supported
from ecqm.terminology import CodeIndex


class _Kind(msgspec.Struct):
    resourceType: str
    id: str | None = None


class _Entry(msgspec.Struct):
    resource: msgspec.Raw = msgspec.Raw(b"")


class _Bundle(msgspec.Struct):
    entry: list[_Entry] = []


_decode_kind = json_decoder(_Kind)
_decode_bundle = json_decoder(_Bundle)


@dataclass(frozen=True)
class Served:
    """What is served: content with what completes it, and the paths of patients, if there are any."""

    content: Path
    libraries: tuple[Path, ...] = ()
    valuesets: tuple[Path, ...] = ()
    manifest: str | None = None
    data: tuple[Path, ...] = ()
    profiles: ProfileRule = "both"
    relax_versions: bool = False
    allow_missing: bool = False


@dataclass(frozen=True)
class PatientUnit:
    """The patients that are read together with one of them."""

    data: PatientData
    patient: str

    @property
    def name(self) -> str:
        return f"Patient/{self.patient}"

    def cohort(self, demand: Demand, codes: CodeIndex) -> Cohort:
        """The batch that has the patient; `codes` is the index of the data. Raises RequestError if there is none."""
        found = self.data.batch_of(self.patient, demand)
        if found is None:
            raise not_found(f"there is no {self.name} in the data")
        return found


@dataclass(frozen=True)
class Patients:
    """The patients of a request, and the Bundles that it came with; without any, they are those of the server."""

    data: PatientData
    bundles: tuple[bytes, ...] = ()

    def problems(self) -> list[str]:
        """What is wrong with the Bundles of the request."""
        return [told(problem) for problem in self.data.from_files(EVERYTHING).problems] if self.bundles else []

    def resources(self, resource_type: str, patient: str) -> dict[str, bytes]:
        """The resources of a type as JSON, by id: those of the Bundles, or those that stores have of a patient."""
        raws = [bytes(entry.resource) for bundle in self.bundles for entry in _decode_bundle(bundle).entry]
        for shard in (shard for store in self.data.stores for shard in store.shards):
            if resource_type in shard.resource_types and patient in (ids := shard.patient_ids()):
                row = ids.index(patient)
                raws += [each.raw for each in shard.resources([resource_type]) if each.patient == row]
        found: dict[str, bytes] = {}
        for raw in raws:
            # What cannot be read is a problem of the data, and in no result.
            with suppress(msgspec.DecodeError):
                kind = _decode_kind(raw)
                if kind.resourceType == resource_type and kind.id is not None:
                    found[kind.id] = raw
        return found

    def units(self, patient: str | None) -> Sequence[Unit]:
        """All patients in units, or those that are read together with one of them."""
        if patient is not None:
            return [PatientUnit(self.data, patient)]
        stored = [StoredUnit(shard, 0) for store in self.data.stores for shard in store.shards]
        return [FileUnit(self.data), *stored] if self.data.files else stored


class Service:
    """Answers the questions of operations. Raises ContentError or DataError if what is served cannot be opened."""

    def __init__(self, served: Served) -> None:
        self.served = served
        self.content = Content.open(served.content, served.libraries, served.valuesets)
        if served.manifest is not None:
            self.content.pin(served.manifest)
        self._patients = Patients(PatientData(served.data)) if served.data else None
        if self._patients is not None:
            self._patients.data.require_disjoint()
        self._planned: dict[str, Selection] = {}

    @cached_property
    def compiler(self) -> ContentCompiler:
        """What compiles the libraries of the content, each once."""
        return ContentCompiler(self.content, self.served.relax_versions)

    def measure(self, name: str) -> Measure:
        """The measure with a name, id or canonical URL, or of a reference `Measure/id`. Raises RequestError."""
        try:
            return self.content.measure(name.removeprefix("Measure/"))
        except MeasureNotFound as error:
            raise not_found(str(error)) from error

    def planned(self, measure: Measure) -> Selection:
        """The plan of a measure, made when it is first asked for. Raises RequestError if it cannot be planned."""
        selection = self._planned.get(measure.canonical)
        if selection is None:
            selection = select(self.content, [measure], self.served.relax_versions)
            self._planned[measure.canonical] = selection
        if not selection.measures:
            raise cannot_process(*(f"{name}: {reason}" for name, reason in selection.not_planned.items()))
        return selection

    def evaluable(self, measure: Measure) -> Selection:
        """The plan of a measure, to be evaluated. Raises RequestError, also if value sets are missing."""
        selection = self.planned(measure)
        if selection.missing and not self.served.allow_missing:
            raise cannot_process(*(f"value set {missing}" for missing in selection.missing))
        return selection

    @contextmanager
    def patients(self, inputs: Inputs) -> Iterator[Patients | None]:
        """The patients of a request: those of its Bundles (`data`, `additionalData`, `prefetchData`), otherwise those
        of the server unless `useServerData` is false. Raises RequestError."""
        bundles = [_bundle(each) for name in ("data", "additionalData") for each in inputs.all(name)]
        parts = [part for each in inputs.all("prefetchData") for part in each.parts()]
        bundles += [_bundle(part) for part in parts if part.name == "data"]
        uses_server = inputs.truth("useServerData", default=not bundles)
        if not bundles:
            yield self._patients if uses_server else None
            return
        if uses_server and self._patients is not None:
            raise not_supported("data of the request and data of the server are not put together")
        with TemporaryDirectory(prefix="ecqm-") as folder:
            files = [Path(folder) / f"data-{number}.json" for number, _ in enumerate(bundles, 1)]
            for file, bundle in zip(files, bundles, strict=True):
                file.write_bytes(bundle)
            yield Patients(PatientData(files), tuple(bundles))


def _bundle(given: Input) -> bytes:
    content = given.resource()
    try:
        kind = _decode_kind(content).resourceType
    except msgspec.DecodeError as error:
        raise invalid(f"parameter {given.name} is no resource: {error}") from error
    if kind != "Bundle":
        raise invalid(f"parameter {given.name} is a resource of type {kind}, and has to be a Bundle")
    return content


def told(problem: DataProblem) -> str:
    """A problem of data, without the folder of its file, which is nothing to a client."""
    return str(replace(problem, file=Path(problem.file).name))


def patient_of(reference: str | None) -> str | None:
    """The id in a reference to a patient, `Patient/id` or the id alone. Raises RequestError for another subject."""
    if reference is None:
        return None
    kind, _, identifier = reference.rpartition("/")
    if kind not in ("", "Patient") and not kind.endswith("/Patient"):
        raise RequestError(501, "not-supported", f"the subject {reference} is no Patient")
    return identifier
