"""Units of work: patients that one process evaluates together, in any process that can read their files."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Protocol

from ecqm.data import EVERYTHING, Cohort, DataProblem, Demand
from ecqm.data.files.content import unpacked_size
from ecqm.data.loading.building import spooled_cohort
from ecqm.data.loading.jobs import ShardJob
from ecqm.data.loading.load import good_shard_size
from ecqm.data.loading.partition import Partition
from ecqm.data.loading.processes import Processes
from ecqm.data.loading.shared_index import write_index
from ecqm.data.source import PatientData
from ecqm.data.store.shard import Shard
from ecqm.data.store.spool import patients_of
from ecqm.terminology import CodeIndex

# The memory that a process needs for a unit of files without a store, per byte of JSON.
_HELD_PER_BYTE = 16
# Files with fewer bytes of JSON are read at once: it does not pay to sort them.
_READ_AT_ONCE = 16 << 20
_MOST_UNITS = 4096


class Unit(Protocol):
    """A set of patients. It can be sent to another process."""

    @property
    def name(self) -> str:
        """The name of the unit in messages."""
        ...

    def cohort(self, demand: Demand, codes: CodeIndex) -> Cohort:
        """The patients with the demanded data. Raises DataError if the data cannot be read."""
        ...


@dataclass(frozen=True)
class StoredUnit:
    """A shard of a cohort store, and its number of resources; `problems` are those of the files that were loaded."""

    shard: Shard
    resources: int
    problems: tuple[DataProblem, ...] = ()

    @property
    def name(self) -> str:
        return str(self.shard.folder)

    def cohort(self, demand: Demand, codes: CodeIndex) -> Cohort:
        cohort = self.shard.cohort(demand, codes)
        cohort.problems += self.problems
        return cohort


@dataclass(frozen=True)
class FileUnit:
    """All patients in the files of some data, read at once."""

    data: PatientData

    @property
    def name(self) -> str:
        files = self.data.files
        return str(files[0]) if len(files) == 1 else f"{len(files)} files"

    def cohort(self, demand: Demand, codes: CodeIndex) -> Cohort:
        return self.data.from_files(demand, codes)


@dataclass(frozen=True)
class SpooledUnit:
    """The patients of one spool into which files were sorted; `problems` are those of sorting."""

    job: ShardJob
    problems: tuple[DataProblem, ...] = ()

    @property
    def name(self) -> str:
        return str(self.job.target)

    def cohort(self, demand: Demand, codes: CodeIndex) -> Cohort:
        # Shared resources may be referenced from resources of any type, so all types are read.
        cohort = spooled_cohort(replace(self.job, demand=replace(demand, types=None)), codes)
        cohort.problems += [*self.problems, *cohort.dangling_references()]
        return cohort


def good_unit_size(size: int, memory: int, jobs: int) -> int:
    """Bytes of JSON per unit for `size` bytes in all, evaluated by some processes with so much memory each."""
    return min(good_shard_size(size, jobs), memory // _HELD_PER_BYTE)


def json_size(files: Sequence[Path]) -> int:
    """The approximate uncompressed size of JSON files, in bytes."""
    return sum(map(unpacked_size, files))


def units_of(
    data: PatientData,
    spools: Path,
    unit_size: int = _READ_AT_ONCE,
    progress: Callable[[int], None] = lambda size: None,
    processes: Processes | None = None,
) -> list[Unit]:
    """The units of some data: each shard of its stores, and its files.

    Small files are read at once, as one unit. Others are first sorted by patient into `spools`, one for each unit of
    about `unit_size` bytes of JSON (`ecqm.data.loading.partition`), in several processes if `processes` are given
    (`RunOutput.processes`) and there is enough to do. If called again with the same files, sorting continues where it
    stopped. `progress` is called with the number of bytes sorted. Raises DataError for a patient who is in several
    units.
    """
    stored: list[Unit] = [
        # Problems of the files are reported once, with the first shard.
        StoredUnit(shard, sum(entry.resources.values()), () if number else store.problems)
        for store in data.stores
        for number, (shard, entry) in enumerate(zip(store.shards, store.manifest.shards, strict=True))
    ]
    size = json_size(data.files)
    if size > min(unit_size, _READ_AT_ONCE):
        count = min(_MOST_UNITS, 1 + size // unit_size)
        return [*_sorted_by_patient(data, spools, count, progress, processes), *stored]
    data.require_disjoint()
    return [FileUnit(data), *stored] if data.files else stored


def _sorted_by_patient(
    data: PatientData, spools: Path, count: int, progress: Callable[[int], None], processes: Processes | None
) -> Iterator[SpooledUnit]:
    """The files of some data, sorted by patient into this number of units."""
    partition = Partition(spools, data.files, count, json.dumps([data.state(), count]), counts=data.inputs.counts)
    partition.run(progress, processes)
    data.require_disjoint(lambda: chain.from_iterable(patients_of(partition.spools(each)) for each in range(count)))
    index = spools / "shared"
    write_index(partition.shared, index)
    names = tuple(map(str, data.files))
    jobs = (
        ShardJob(spools / str(number), partition.spools(number), index, EVERYTHING, data.default_offset, names)
        for number in range(count)
    )
    # Problems of the files are reported once, with the first unit.
    of_files = (*partition.problems, *data.inputs.problems(), *data.problems())
    return map(SpooledUnit, jobs, (of_files, *[()] * (count - 1)))
