"""Loose resources put to their patients: by the references of the patient compartment."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec

from ecqm.data.cohort import CohortBuilder
from ecqm.data.compartment import patient_reference, target
from ecqm.data.table import Origin

_REFERENCES = re.compile(rb'"reference"\s*:\s*"([^"\\]+)"')


class Loose(NamedTuple):
    """A decoded resource of which it is not known yet whose it is; `urn` is its fullUrl if that is a URN."""

    resource: Any
    raw: bytes | msgspec.Raw
    origin: Origin
    urn: str | None = None


class Assembly:
    """Puts resources into a builder, each with its patient.

    A resource that names no patient (Medication, Location, Organization, Practitioner…) is shared: every patient with a
    resource that refers to it, directly or over other shared ones, gets a row for it, so that retrieves and joins
    within one patient see it. One that names a patient of whom there is no Patient resource is reported and left out.
    """

    def __init__(self, builder: CohortBuilder) -> None:
        self._builder = builder
        self._patients: dict[str, int] = {}
        self._unplaced: list[Loose] = []
        self._shared: dict[tuple[str | None, str], Loose] = {}
        self._referring: list[tuple[int, Loose]] = []

    def add_together(self, resources: Iterable[Loose]) -> None:
        """Resources of one bundle: with a single Patient among them, all are that patient's."""
        resources = list(resources)
        patients = [loose for loose in resources if self._is_patient(loose)]
        if len(patients) != 1:
            self.add(resources)
            return
        self._add_patient(patients[0])
        patient = self._patients[_name(patients[0])]
        for loose in resources:
            if loose is not patients[0]:
                self._put(patient, loose)

    def add(self, resources: Iterable[Loose]) -> None:
        """Resources of any patients, in any order."""
        for loose in resources:
            if self._is_patient(loose):
                self._add_patient(loose)
            else:
                self._unplaced.append(loose)

    def finish(self) -> None:
        """Put what is left to its patients, now that all are known, and give them what they share."""
        for loose in self._unplaced:
            self._add_by_reference(loose)
        self._unplaced.clear()
        if self._shared:
            self._share()

    def _share(self) -> None:
        given: set[tuple[int, tuple[str | None, str]]] = set()
        waiting = self._referring
        while waiting:
            patient, loose = waiting.pop()
            for match in _REFERENCES.findall(bytes(loose.raw)):
                key = target(match.decode("utf-8", "replace"))
                if key is not None and key in self._shared and (patient, key) not in given:
                    given.add((patient, key))
                    shared = self._shared[key]
                    self._builder.add(patient, *shared)
                    waiting.append((patient, shared))

    def _is_patient(self, loose: Loose) -> bool:
        return self._builder.type_of(loose.resource) == "Patient"

    def _add_patient(self, loose: Loose) -> None:
        name = _name(loose)
        if name not in self._patients:
            self._patients[name] = self._builder.add_patient(name)
        if loose.urn is not None:
            self._patients[loose.urn] = self._patients[name]
        self._put(self._patients[name], loose)

    def _add_by_reference(self, loose: Loose) -> None:
        resource_type = self._builder.type_of(loose.resource)
        if not self._builder.demand.reads(resource_type):
            return
        named = patient_reference(loose.resource)
        if named is None:
            if loose.resource.id is not None:
                self._shared[resource_type, loose.resource.id] = loose
            if loose.urn is not None:
                self._shared[None, loose.urn] = loose
            return
        patient = self._patients.get(named)
        if patient is None:
            name = f"{resource_type}/{loose.resource.id}"
            self._builder.report(loose.origin, "refers to a patient that is not in the data", named, name)
        else:
            self._put(patient, loose)

    def _put(self, patient: int, loose: Loose) -> None:
        self._builder.add(patient, *loose)
        self._referring.append((patient, loose))


def _name(loose: Loose) -> str:
    return str(loose.resource.id or loose.urn or loose.origin.file)
