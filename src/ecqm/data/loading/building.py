"""The second half of loading: a shard is built from its spools, and from the shard of the store as it was."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from ecqm.data.allocation import large_arrays, many_objects
from ecqm.data.cohort.assembly import Assembly, Key, Shared, name_of_key
from ecqm.data.cohort.builder import CohortBuilder
from ecqm.data.cohort.cohort import Cohort
from ecqm.data.cohort.gathering import Gathered
from ecqm.data.cohort.table import Origin
from ecqm.data.fhir.structs import UNREADABLE, is_deep
from ecqm.data.loading.identities import Identities
from ecqm.data.loading.increments import write_increment
from ecqm.data.loading.jobs import Base, ShardJob
from ecqm.data.loading.shared_index import SharedIndex
from ecqm.data.loading.straight import write_straight
from ecqm.data.parsing.plain import NotPlain
from ecqm.data.store.shard import Shard
from ecqm.data.store.shard_writer import write_shard
from ecqm.data.store.spool import Lot, decode_identity, read_spools
from ecqm.data.store.store import ShardEntry
from ecqm.data.writing import replace_file
from ecqm.terminology import CodeIndex


@dataclass
class _Incoming:
    """Resources of one type, with the ids of their patients."""

    gathered: Gathered = field(default_factory=Gathered)
    patients: list[str] = field(default_factory=list)


def build_shard(job: ShardJob) -> ShardEntry:
    """Build a shard, unless it was built already. It also keeps the JSON of resources whose patient is unknown.

    Gives the entry of the base if nothing in it changes.
    """
    done = job.target.with_name(job.target.name + ".done")
    if done.exists():
        return ShardEntry(**json.loads(done.read_bytes()))
    fresh = job.target.with_name(job.target.name + ".new")
    for folder in (fresh, job.target):
        shutil.rmtree(folder, ignore_errors=True)
    with many_objects(), large_arrays():
        try:
            entry = _built_straight(job, fresh)
        except NotPlain:
            shutil.rmtree(fresh, ignore_errors=True)
            entry = _Building(job).write(fresh)
    if entry is None:
        assert job.base is not None
        return job.base.entry
    os.replace(fresh, job.target)
    entry = replace(entry, folder=job.target.name)
    replace_file(done, json.dumps(asdict(entry)).encode())
    return entry


def _built_straight(job: ShardJob, folder: Path) -> ShardEntry | None:
    """A shard built the fast way; None if an increment changes nothing in it. Raises NotPlain."""
    return write_straight(folder, job) if job.base is None else write_increment(folder, job, job.base)


def spooled_cohort(job: ShardJob, codes: CodeIndex) -> Cohort:
    """The patients of a job's spools as a cohort. The shard that is built for them is not kept."""
    folder = job.target
    shutil.rmtree(folder, ignore_errors=True)
    try:
        with many_objects(), large_arrays():
            checksums = write_straight(folder, job).checksums
        shard = Shard(folder, checksums, job.demand, job.default_offset)
        contents = {name: pa.py_buffer((folder / name).read_bytes()) for name in shard.files(job.demand)}
        return shard.in_memory(contents).cohort(job.demand, codes)
    except NotPlain:
        with many_objects():
            return _Building(job, codes, keep_raw=False).cohort()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class _Building:
    def __init__(self, job: ShardJob, codes: CodeIndex | None = None, keep_raw: bool = True) -> None:
        self.job = job
        self.builder = CohortBuilder(job.demand, codes, job.default_offset, keep_raw)
        self.shared = _SharedPool(job.shared, job.files, self.builder)
        self.incoming: dict[str, _Incoming] = {}
        self.lost: list[pa.RecordBatch] = []
        self.file_numbers = [self.builder.file_number(file) for file in job.files]

    def cohort(self) -> Cohort:
        """Assign all resources to their patients. Those of unknown patients go to `lost`."""
        new = list(read_spools(self.job.spools))
        patients = {patient for lot in new for patient in lot.patients if patient is not None}
        base = self.job.base
        for lot in new:
            self._take_lot(lot)
        if base is not None:
            self._take_base(base, patients)
        rows: dict[str, int] = {}
        for patient in self.incoming.get("Patient", _Incoming()).patients:
            if patient not in rows:
                rows[patient] = self.builder.add_patient(patient)
        assembly = Assembly(self.builder)
        for name, incoming in self.incoming.items():
            self._place(name, incoming, rows, assembly)
        assembly.share(self.shared.types, self.shared.find)
        assembly.report_unknown()
        return self.builder.finish()

    def write(self, folder: Path) -> ShardEntry:
        cohort = self.cohort()
        for table in cohort.tables.values():
            table.settle()
        checksums = write_shard(folder, cohort, self.lost)
        counts = {name: int((~table.contained).sum()) for name, table in cohort.tables.items() if len(table)}
        missing = _without_birth_date(cohort)
        return ShardEntry(self.job.target.name, cohort.n, counts, checksums, missing, cohort.dangling_counts())

    def _decoded(self, lot: Lot) -> list[Any]:
        """The resources of a lot, None for those that cannot be read, which are reported."""
        if not any(map(is_deep, lot.raws)):
            with suppress(*UNREADABLE):
                return list(map(self.builder.structs.decode, lot.raws))
        # Some cannot be read: decode them one by one.
        origins = (self._origin(file, entry) for file, entry in zip(lot.files, lot.entries, strict=True))
        triples = zip(lot.raws, origins, lot.patients, strict=True)
        return [self.builder.decode(raw, origin, patient) for raw, origin, patient in triples]

    def _take_lot(self, lot: Lot) -> None:
        resources = self._decoded(lot)
        kinds = list(map(type, resources))
        # Types in the order of the input: serials and codes are numbered in that order.
        for struct in dict.fromkeys(kind for kind in kinds if kind is not type(None)):
            name = self.builder.structs.type_of[struct]
            places = [place for place, kind in enumerate(kinds) if kind is struct]
            if self.job.deleted:
                places = [place for place in places if f"{name}/{resources[place].id}" not in self.job.deleted]
            incoming = self.incoming.setdefault(name, _Incoming())
            incoming.patients += [lot.patients[place] or "" for place in places]
            gathered = Gathered(
                [resources[place] for place in places],
                [lot.raws[place] for place in places],
                [self.file_numbers[lot.files[place]] for place in places],
                [lot.entries[place] for place in places],
                urns={i: urn for i, place in enumerate(places) if (urn := lot.urns[place]) is not None},
            )
            incoming.gathered.extend(gathered, [])

    def _take_base(self, base: Base, new: set[str]) -> None:
        """Take the resources of the old shard that were not replaced or deleted; `new` are the patients in the spools.
        Shared ones are assigned again."""
        ids = base.shard.patient_ids()
        gone = new if base.replaces_patients else set()
        replaced = Identities(base.identities, base.number).elsewhere | self.job.deleted
        replaced |= {
            f"{name}/{resource.id}"
            for name, incoming in self.incoming.items()
            for resource in incoming.gathered.resources
        }
        for lot in base.shard.lost():
            self._take_lot(lot.without(replaced, gone))
        for stored in base.shard.resources():
            patient = ids[stored.patient]
            if patient in gone:
                continue
            resource = self.builder.decode(stored.raw, stored.origin, patient)
            if resource is None:
                continue
            key = (stored.resource_type, resource.id)
            if self._is_shared(key) or (resource.id is not None and f"{key[0]}/{key[1]}" in replaced):
                continue
            incoming = self.incoming.setdefault(stored.resource_type, _Incoming())
            file = self.builder.file_number(stored.origin.file)
            entry = -1 if stored.origin.entry is None else stored.origin.entry
            incoming.gathered.append(resource, stored.raw, file, entry, stored.urn)
            incoming.patients.append(patient)

    def _is_shared(self, key: Key) -> bool:
        return key[0] in self.shared.types and key[1] is not None and key in self.shared.find([key])

    def _place(self, name: str, incoming: _Incoming, rows: Mapping[str, int], assembly: Assembly) -> None:
        gathered = incoming.gathered
        found = list(map(rows.get, incoming.patients))
        if None in found:
            left = Lot()
            for place, row in enumerate(found):
                if row is None:
                    patient = incoming.patients[place]
                    origin = self.builder.origin(gathered, place)
                    named = f"{name}/{gathered.resources[place].id}"
                    self.builder.report(origin, "refers to a patient that is not in the data", patient, named)
                    file = self.job.files.index(origin.file)
                    raw = bytes(gathered.raws[place])
                    left.append(patient, gathered.urns.get(place), file, gathered.entries[place], raw, name)
            self.lost.append(left.batch())
            gathered = gathered.take([place for place, row in enumerate(found) if row is not None])
        assembly.put(name, gathered, [row for row in found if row is not None])

    def _origin(self, file: int, entry: int) -> Origin:
        return Origin(self.job.files[file], None if entry < 0 else entry)


def _without_birth_date(cohort: Cohort) -> int:
    try:
        return cohort.n - int(cohort.table("Patient").element("birthDate").valid.sum())
    except LookupError:
        # The demand does not name Patient, or its birth date.
        return 0


class _SharedPool:
    """The shared resources of a load, each decoded when a patient refers to it."""

    def __init__(self, folder: Path, files: Sequence[str], builder: CohortBuilder) -> None:
        self._index = SharedIndex(folder)
        self._files = files
        self._builder = builder
        self._known: dict[Key, Shared | None] = {}

    @property
    def types(self) -> frozenset[str]:
        """The types of all shared resources."""
        return self._index.types

    def find(self, keys: Collection[Key]) -> dict[Key, Shared]:
        """The shared resources that some keys name. Those that cannot be read are reported."""
        new = [key for key in keys if key not in self._known]
        found = dict(self._named(new))
        self._known |= {key: self._decoded(found[key]) if key in found else None for key in new}
        return {key: known for key in keys if (known := self._known[key]) is not None}

    def _named(self, keys: Collection[Key]) -> Iterator[tuple[Key, dict[str, Any]]]:
        """The spooled resources that some keys name. If several have the same name, the last one counts."""
        for row in self._index.named(list(map(name_of_key, keys))).to_pylist():
            identifier = decode_identity(row["json"]).id
            if identifier is not None:
                yield (row["type"], identifier), row
            if row["urn"] is not None:
                yield (None, row["urn"]), row

    def _decoded(self, row: Mapping[str, Any]) -> Shared | None:
        entry = row["entry"]
        file = self._files[row["file"]]
        resource = self._builder.decode(row["json"], Origin(file, None if entry < 0 else entry))
        if resource is None:
            return None
        gathered = Gathered()
        gathered.append(resource, row["json"], self._builder.file_number(file), entry, row["urn"])
        return self._builder.type_of(resource), gathered, 0
