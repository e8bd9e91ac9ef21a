"""Units of work: patients that are evaluated by themselves, in any process that can read their files."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from ecqm.data import EVERYTHING, Cohort, DataProblem, Demand
from ecqm.data.files.content import unpacked_size
from ecqm.data.loading.building import ShardJob, spooled_cohort
from ecqm.data.loading.partition import Partition
from ecqm.data.loading.processes import Processes
from ecqm.data.source import PatientData
from ecqm.data.store.shard import Shard
from ecqm.terminology import CodeIndex

# JSON in one unit of files that are run without a store, at most; and what a process holds for each byte of it.
_LARGEST_UNIT = 48 << 20
_HELD_PER_BYTE = 24
_MOST_UNITS = 4096


class Unit(Protocol):
    """Some patients; it can be sent to another process."""

    @property
    def name(self) -> str:
        """What messages call it."""
        ...

    def cohort(self, demand: Demand, codes: CodeIndex) -> Cohort:
        """The patients with what is wanted of their data. Raises DataError where it cannot be read at all."""
        ...


@dataclass(frozen=True)
class StoredUnit:
    """A shard of a cohort store, with so many resources."""

    shard: Shard
    resources: int

    @property
    def name(self) -> str:
        return str(self.shard.folder)

    def cohort(self, demand: Demand, codes: CodeIndex) -> Cohort:
        return self.shard.cohort(demand, codes)


@dataclass(frozen=True)
class FileUnit:
    """All patients of the files of some data, read at once."""

    data: PatientData

    @property
    def name(self) -> str:
        files = self.data.files
        return str(files[0]) if len(files) == 1 else f"{len(files)} files"

    def cohort(self, demand: Demand, codes: CodeIndex) -> Cohort:
        return self.data.from_files(demand, codes)


@dataclass(frozen=True)
class SpooledUnit:
    """The patients of one spool that files were sorted into; `problems` are those of the sorting."""

    job: ShardJob
    problems: tuple[DataProblem, ...] = ()

    @property
    def name(self) -> str:
        return str(self.job.target)

    def cohort(self, demand: Demand, codes: CodeIndex) -> Cohort:
        # Of all types, because what is shared may be reached over resources of any.
        cohort = spooled_cohort(replace(self.job, demand=Demand.of(None, demand.names)), codes)
        cohort.problems += [*self.problems, *cohort.dangling_references()]
        return cohort


def largest_unit(memory: int) -> int:
    """How many bytes of JSON a process may take at once that is to hold `memory` bytes."""
    return min(_LARGEST_UNIT, memory // _HELD_PER_BYTE)


def json_size(files: Sequence[Path]) -> int:
    """About how many bytes of JSON files hold, unpacked."""
    return sum(map(unpacked_size, files))


def units_of(
    data: PatientData,
    spools: Path,
    unit_size: int = _LARGEST_UNIT,
    progress: Callable[[int], None] = lambda size: None,
    processes: Processes | None = None,
) -> list[Unit]:
    """The units that patients make: each shard of a store, and files either at once or, when they hold more than
    `unit_size` bytes of JSON, sorted by patient into `spools` first (`ecqm.data.loading.partition`).

    Files are sorted in several processes where they are given (`RunOutput.processes`) and there is enough to do. If it
    is called again with the same files the sorting continues where it stopped. `progress` takes the bytes sorted.
    """
    units: list[Unit] = [
        StoredUnit(shard, sum(entry.resources.values()))
        for store in data.stores
        for shard, entry in zip(store.shards, store.manifest.shards, strict=True)
    ]
    if not data.files:
        return units
    size = json_size(data.files)
    if size <= unit_size:
        return [FileUnit(data), *units]
    count = min(_MOST_UNITS, 1 + size // unit_size)
    partition = Partition(spools, data.files, count, json.dumps(data.state()), counts=data.inputs.counts)
    partition.run(progress, processes)
    names = tuple(map(str, data.files))
    jobs = (
        ShardJob(
            spools / str(number), partition.spools(number), partition.shared, EVERYTHING, data.default_offset, names
        )
        for number in range(count)
    )
    # What was wrong with files is said once, with the first of the patients.
    told = (*partition.problems, *data.inputs.problems(), *data.problems())
    problems = (told, *[()] * (count - 1))
    return [*map(SpooledUnit, jobs, problems), *units]
