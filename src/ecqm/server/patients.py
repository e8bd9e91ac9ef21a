"""The patients of a request: those of its Bundles, or those of the server."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from ecqm.cluster.units import FileUnit, StoredUnit, Unit
from ecqm.data import EVERYTHING, Cohort, DataProblem, Demand
from ecqm.data.source import PatientData
from ecqm.json_decoding import json_decoder
from ecqm.server.inputs import Input, Inputs
from ecqm.server.outcomes import invalid, not_found, not_supported
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


def bundles_of(inputs: Inputs) -> list[bytes]:
    """The Bundles of a request: `data`, `additionalData`, `prefetchData`. Raises RequestError."""
    bundles = [_bundle(each) for name in ("data", "additionalData") for each in inputs.all(name)]
    parts = [part for each in inputs.all("prefetchData") for part in each.parts()]
    return bundles + [_bundle(part) for part in parts if part.name == "data"]


@contextmanager
def patients_in(bundles: Sequence[bytes]) -> Iterator[Patients]:
    """The patients in Bundles, which are in temporary files inside the `with` block."""
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
        raise not_supported(f"the subject {reference} is no Patient")
    return identifier
