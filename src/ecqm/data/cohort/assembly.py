"""Resources assigned to their patients, by the references of the patient compartment."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, NamedTuple

from ecqm.data.cohort.builder import CohortBuilder
from ecqm.data.cohort.gathering import Gathered, RawJson
from ecqm.data.cohort.table import Origin
from ecqm.data.fhir.compartment import (
    owners,
    patient_links,
    patient_reference,
    patient_references,
    target,
    why_shared,
)
from ecqm.data.fhir.unknown import UnknownElements

# What a reference names: (type, id), or (None, URN).
Key = tuple[str | None, str]
# A shared resource: its type, the lot that it is in, and its place there.
Shared = tuple[str, Gathered, int]


class Loose(NamedTuple):
    """A decoded resource that has no patient yet; `urn` is its fullUrl if that is a URN."""

    resource: Any
    raw: RawJson
    origin: Origin
    urn: str | None = None


class Assembly:
    """Adds resources to a builder, each to its patient.

    A resource of several patients (Appointment) has a row for each. One of no patient (Medication, Location,
    Organization, Practitioner…) is shared: every patient with a resource that refers to it, directly or through other
    shared ones, gets a row for it, so that retrieves and joins within one patient see it. A resource whose patient has
    no Patient resource is reported and left out.
    """

    def __init__(self, builder: CohortBuilder) -> None:
        self._builder = builder
        # Patient rows by reference ("Patient/1", a URN), so that the references of many are one look-up each.
        self._patients: dict[str | None, int] = {}
        self._unplaced: dict[str, Gathered] = {}
        self._placed: list[tuple[Gathered, list[int]]] = []
        self._unknown = UnknownElements[tuple[str, Gathered, int, int]]()

    def add_together(self, resources: Iterable[Loose]) -> None:
        """Add the resources of one bundle. If it has a single Patient, all of them belong to that patient."""
        resources = list(resources)
        own = Assembly(self._builder)
        for loose in resources:
            own._gather(loose)
        patients = own._unplaced.get("Patient")
        if patients is not None and len(patients) == 1:
            patient = self._add_patients(patients)[0]
            for name, gathered in own._unplaced.items():
                if name != "Patient":
                    self.put(name, gathered, [patient] * len(gathered))
            return
        for loose in resources:
            self._gather(loose)

    def add(self, resource_type: str, gathered: Gathered) -> None:
        """Add resources of any patients, in any order."""
        known = self._unplaced.get(resource_type)
        if known is None:
            self._unplaced[resource_type] = gathered
        else:
            known.extend(gathered, [])

    def put(self, resource_type: str, gathered: Gathered, patients: list[int]) -> None:
        """Add resources whose patient rows are known."""
        if len(gathered) and self._builder.demand.reads(resource_type):
            self._builder.add_all(resource_type, gathered, patients)
            for place, (patient, raw) in enumerate(zip(patients, gathered.raws, strict=True)):
                self._unknown.look(resource_type, raw, (resource_type, gathered, place, patient))
        self._placed.append((gathered, patients))

    def finish(self) -> None:
        """Assign what is left to its patients, which are all known now, and give patients their shared resources."""
        patients = self._unplaced.pop("Patient", None)
        if patients is not None:
            self._add_patients(patients)
        shared: dict[Key, Shared] = {}
        for name, gathered in self._unplaced.items():
            if self._builder.demand.reads(name):
                self._place(name, gathered, shared)
        self._unplaced.clear()
        types = {name for name, _, _ in shared.values()}
        self.share(types, lambda keys: {key: shared[key] for key in keys if key in shared})
        self.report_unknown()

    def share(self, types: Collection[str], find: Callable[[Collection[Key]], Mapping[Key, Shared]]) -> None:
        """Give patients the shared resources that theirs refer to, directly or through other shared ones.

        `types` are those of all shared resources; `find` gives the shared resources that some keys name.
        """
        if not types:
            return
        references = References(types)
        shared: dict[Key, Shared | None] = {}
        given: set[tuple[int, Key]] = set()
        lots: dict[str, tuple[Gathered, list[int]]] = {}
        waiting = [pair for gathered, rows in self._placed for pair in zip(rows, gathered.raws, strict=True)]
        while waiting:
            referring = [(patient, keys) for patient, raw in waiting if (keys := references.keys(raw))]
            new = dict.fromkeys(key for _, keys in referring for key in keys if key not in shared)
            found = find(new)
            shared |= {key: found.get(key) for key in new}
            waiting = []
            for patient, keys in referring:
                for key in keys:
                    one = shared[key]
                    if one is not None and (patient, key) not in given:
                        given.add((patient, key))
                        name, gathered, place = one
                        lot, patients = lots.setdefault(name, (Gathered(), []))
                        lot.append_from(gathered, place)
                        patients.append(patient)
                        waiting.append((patient, gathered.raws[place]))
        for name, (lot, patients) in lots.items():
            self._builder.add_all(name, lot, patients)

    def report_unknown(self) -> None:
        """Report the elements that FHIR does not have in the resources of patients, once all are added."""
        for (name, gathered, place, patient), message in self._unknown.told():
            named = f"{name}/{gathered.resources[place].id}"
            self._builder.report(self._builder.origin(gathered, place), message, self._builder.ids[patient], named)

    def _gather(self, loose: Loose) -> None:
        gathered = self._unplaced.setdefault(self._builder.type_of(loose.resource), Gathered())
        file = self._builder.file_number(loose.origin.file)
        gathered.append(loose.resource, loose.raw, file, loose.origin.number, loose.urn)

    def _add_patients(self, gathered: Gathered) -> list[int]:
        rows = []
        for place, resource in enumerate(gathered.resources):
            urn = gathered.urns.get(place)
            name = resource.id or urn or f"patient {len(self._builder.ids) + 1}"
            row = self._patients.get(f"Patient/{name}")
            if row is None:
                row = self._patients[f"Patient/{name}"] = self._builder.add_patient(name)
            if urn is not None:
                self._patients[urn] = row
            rows.append(row)
        self.put("Patient", gathered, rows)
        return rows

    def _place(self, name: str, gathered: Gathered, shared: dict[Key, Shared]) -> None:
        found = list(map(self._patients.get, patient_references(name, gathered.resources)))
        if None not in found:
            self.put(name, gathered, [row for row in found if row is not None])
            return
        places: list[int] = []
        rows: list[int] = []
        for place, row in enumerate(found):
            own = self._rows_of_one(name, gathered, place, shared) if row is None else [row]
            places += [place] * len(own)
            rows += own
        self.put(name, gathered.take(places), rows)

    def _rows_of_one(self, name: str, gathered: Gathered, place: int, shared: dict[Key, Shared]) -> list[int]:
        """The rows of the patients of a resource that names them in an unusual way; none if it is shared or lost."""
        resource, raw = gathered.resources[place], gathered.raws[place]
        named = patient_reference(resource, patient_links(name))
        patients = owners(name, raw, self._patients) if named is None else [named]
        if not patients:
            message = why_shared(name, resource, raw)
            if message is not None:
                self._builder.report(self._builder.origin(gathered, place), message, None, f"{name}/{resource.id}")
            if resource.id is not None:
                shared[name, resource.id] = (name, gathered, place)
            if place in gathered.urns:
                shared[None, gathered.urns[place]] = (name, gathered, place)
            return []
        rows: dict[int, None] = {}
        for patient in patients:
            row = self._patients.get(patient if patient.startswith("urn:") else f"Patient/{patient}")
            if row is not None:
                rows[row] = None
                continue
            origin = self._builder.origin(gathered, place)
            message = "refers to a patient that is not in the data"
            self._builder.report(origin, message, patient, f"{name}/{resource.id}")
        return list(rows)


class References:
    """Finds the references to resources of some types, and URNs, in JSON."""

    def __init__(self, resource_types: Collection[str]) -> None:
        types = "|".join(sorted(map(re.escape, resource_types)))
        pattern = rb'"reference"\s*:\s*"((?:[^"\\]*/)?(?:%s)/[^"\\]+|urn:[^"\\]+)"' % types.encode()
        self._found = re.compile(pattern).findall
        self._keys: dict[bytes, Key | None] = {}

    def keys(self, raw: RawJson) -> list[Key]:
        """What the references in a resource name, in their order."""
        content = bytes(raw)
        # Some writers of JSON escape all slashes.
        texts: list[bytes] = self._found(content.replace(rb"\/", b"/") if rb"\/" in content else content)
        known = (self._keys[text] if text in self._keys else self._keys.setdefault(text, _key(text)) for text in texts)
        return [key for key in known if key is not None]

    def names(self, raw: RawJson) -> list[str]:
        """The same as text: "Location/1", URNs."""
        return list(map(name_of_key, self.keys(raw)))


def name_of_key(key: Key) -> str:
    """What a reference names as text: "Location/1", a URN."""
    resource_type, name = key
    return name if resource_type is None else f"{resource_type}/{name}"


def _key(reference: bytes) -> Key | None:
    return target(reference.decode("utf-8", "replace"))
