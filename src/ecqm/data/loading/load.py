"""Loading: files of FHIR data into a cohort store, in bounded memory and on several processes.

First all input is sorted into spool files by patient (`ecqm.data.loading.partition`). Then each shard is built from its
spools alone, in any process (`ecqm.data.loading.building`). Both halves continue where they stopped when they are
started again with the same input.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from ecqm.data.fhir.demand import EVERYTHING, Demand
from ecqm.data.files.archived import state_of
from ecqm.data.files.content import unpacked_size
from ecqm.data.files.inputs import Inputs, find_inputs
from ecqm.data.loading.building import build_shard
from ecqm.data.loading.identities import Identities, write_identities
from ecqm.data.loading.jobs import Base, ShardJob
from ecqm.data.loading.partition import Partition
from ecqm.data.loading.processes import Processes
from ecqm.data.loading.shared_index import SharedIndex, write_index
from ecqm.data.problems import DataError, DataProblem, name_of
from ecqm.data.store.shard import Shard
from ecqm.data.store.spool import Spool, read_spools, types_in
from ecqm.data.store.store import FORMAT, Manifest, ShardEntry, is_store
from ecqm.data.writing import checksum_of, replacing, sole_writer

# Bytes of JSON per shard. Runs take less time per patient in large shards; a process needs about five times as much
# memory to build one, so that many processes make smaller ones. Each should get several shards, as long as these are
# not too small.
_SMALL_SHARD = 48 << 20
_LARGE_SHARD = 192 << 20
_BUILT_AT_ONCE = 1 << 30
_SHARDS_FOR_EACH = 8
_MOST_SHARDS = 4096
_SHARDS_PER_PROCESS = 24
_PROBLEMS_LISTED = 10_000


class Watcher(Protocol):
    """Is told of the progress of a load."""

    def sorted(self, size: int, total: int) -> None:
        """`size` more bytes of JSON were sorted, of about `total`."""

    def built(self, shards: int) -> None:
        """One more shard was built, of `shards`."""


class _Silent:
    def sorted(self, size: int, total: int) -> None: ...

    def built(self, shards: int) -> None: ...


def load(
    paths: Iterable[Path],
    output: Path,
    demand: Demand = EVERYTHING,
    *,
    default_offset: int = 0,
    jobs: int = 1,
    append: bool = False,
    replace_patients: bool = False,
    shard_size: int | None = None,
    watcher: Watcher | None = None,
) -> Manifest:
    """Load all data below some paths into the store at `output`. Gives the new manifest, with a report.

    Resources of all types are kept whole; elements that `demand` names become columns. `append` adds to a store: a
    resource replaces an older one of the same type and id, and resources that bundles DELETE, or that the manifest of
    an export lists as deleted, are removed. `replace_patients` also removes everything older of the patients in the
    input. Until all is done the store stays as it was.

    Raises DataError if there is a store already (or none to append to), if another process is writing to it, or if the
    input is missing or has nothing that can be read; OSError if the disk is full. The same call resumes the load.

    A new store gets shards of about `shard_size` bytes of JSON; by default that depends on the size of the input and on
    the number of processes.
    """
    jobs = max(1, jobs)
    output.mkdir(parents=True, exist_ok=True)
    with sole_writer(output):
        previous = Manifest.read(output) if is_store(output) else None
        if previous is not None and not (append or replace_patients):
            raise DataError(f"{output} is a cohort store already; update it with --append, or choose another folder")
        if previous is None and (append or replace_patients):
            raise DataError(f"{output} is not a cohort store to append to")
        inputs = find_inputs(map(Path, paths))
        # An export of changes may be empty.
        if not (inputs.files or inputs.deleted or (previous is not None and inputs.exports)):
            raise DataError("no files of FHIR data were found (.json, .xml, .ndjson; plain, .gz, .zst or in a .zip)")
        size = sum(map(unpacked_size, (*inputs.files, *inputs.deleted)))
        n_shards = min(_MOST_SHARDS, 1 + size // (shard_size or good_shard_size(size, jobs)))
        return _Loading(output, previous, inputs, size, demand, default_offset, replace_patients, n_shards).run(
            jobs, watcher or _Silent()
        )


def good_shard_size(size: int, jobs: int) -> int:
    """Bytes of JSON per shard for `size` bytes in all, loaded by some processes."""
    return max(_SMALL_SHARD, min(_LARGE_SHARD, _BUILT_AT_ONCE // jobs, size // (_SHARDS_FOR_EACH * jobs)))


class _Loading:
    def __init__(
        self,
        output: Path,
        previous: Manifest | None,
        inputs: Inputs,
        size: int,
        demand: Demand,
        default_offset: int,
        replace_patients: bool,
        n_shards: int,
    ) -> None:
        """`size` is that of the inputs, `n_shards` the number of shards of a new store."""
        self.inputs = inputs
        files = [*inputs.files, *inputs.deleted]
        self.output = output
        self.previous = previous
        self.demand = demand if previous is None else previous.demand
        self.default_offset = default_offset if previous is None else previous.default_offset
        self.replace_patients = replace_patients
        self.generation = 1 if previous is None else previous.generation + 1
        self.size = size
        n_shards = n_shards if previous is None else len(previous.shards)
        known = [] if previous is None else previous.files
        self.files = [*known, *map(name_of, files)]
        self.work = output / ".loading"
        fingerprint = self._fingerprint(files)
        self.partition = Partition(self.work, files, n_shards, fingerprint, len(known), inputs.counts)

    def run(self, jobs: int, watcher: Watcher) -> Manifest:
        if not self.partition.is_resumed:
            self._forget_unfinished()
        # The strings of all shards that a process builds stay in its memory, so it builds only so many.
        with Processes(jobs, self.output, _SHARDS_PER_PROCESS) as processes:
            self.partition.run(lambda size: watcher.sorted(size, self.size), processes)
            if self.partition.is_empty and self.partition.problems:
                shutil.rmtree(self.work)
                raise DataError(
                    f"there is no FHIR resource in the data: {self.partition.problems[0]} (patients of QDM are not "
                    "loaded: ecqm run reads them as they are)"
                )
            shared = self._shared()
            index = self.work / "shared"
            write_index(shared, index)
            entries = self._build(list(self._jobs(index)), processes, watcher)
        manifest = Manifest(
            FORMAT,
            self.generation,
            self.default_offset,
            None if self.demand.types is None else sorted(self.demand.types),
            None if self.demand.names is None else sorted(self.demand.names),
            sorted(entries, key=_number),
            self.files,
            shared.name,
            whole=sorted(self.demand.whole),
            problems=self._problems_of_files(),
            shared_checksum=checksum_of(shared),
        )
        manifest.report = self._report(manifest, SharedIndex(index).counts)
        manifest.write(self.output)
        self._clean(manifest)
        return manifest

    def _fingerprint(self, files: Sequence[Path]) -> str:
        """A load resumes an earlier one that has the same fingerprint."""
        seen = [(name_of(file), *state_of(file)) for file in files]
        options = [FORMAT, self.generation, self.default_offset, self.replace_patients]
        demanded = (self.demand.types, self.demand.names, self.demand.whole)
        wanted = [None if these is None else sorted(these) for these in demanded]
        return hashlib.sha256(json.dumps([seen, options, wanted]).encode()).hexdigest()

    def _shared(self) -> Path:
        """The spool of shared resources: those of earlier loads, then those of this one, which count if both have one.
        Deleted resources are left out, and older ones that now belong to a patient. Raises DataError if the older ones
        are damaged."""
        path = self.output / f"shared-{self.generation}.spool"
        if path.exists():
            return path
        sources = [(self.partition.shared, frozenset(self.partition.deleted))]
        if self.previous is not None and self.previous.shared is not None:
            older = self.output / self.previous.shared
            if self.previous.shared_checksum != checksum_of(older):
                raise DataError(f"{older}: not what was written (its checksum differs); load all data again")
            of_patients = Identities(self._identities).of_patients(types_in(older))
            sources.insert(0, (older, of_patients.union(self.partition.deleted)))
        with replacing(path) as fresh:
            fresh.touch()
            for source, gone in sources:
                if gone:
                    spool = Spool(fresh)
                    for lot in read_spools([source]):
                        spool.append(lot.without(gone).batch())
                else:
                    with source.open("rb") as stream, fresh.open("ab") as sink:
                        shutil.copyfileobj(stream, sink)
        return path

    def _jobs(self, shared: Path) -> Iterator[ShardJob]:
        deleted = frozenset(self.partition.deleted)
        for number in range(self.partition.n_shards):
            yield ShardJob(
                self.output / "shards" / f"{number:05}-{self.generation}",
                self.partition.spools(number),
                shared,
                self.demand,
                self.default_offset,
                self.files,
                self._base(number),
                deleted,
            )

    @cached_property
    def _identities(self) -> Path:
        """The file with the identities of all resources of an increment."""
        path = self.work / "identities.arrow"
        spools = ((number, self.partition.spools(number)) for number in range(self.partition.n_shards))
        write_identities(path, self.partition.shared, spools)
        return path

    def _base(self, number: int) -> Base | None:
        if self.previous is None:
            return None
        entry = self.previous.shards[number]
        shard = Shard(self.output / "shards" / entry.folder, entry.checksums, self.demand, self.default_offset)
        return Base(shard, entry, number, self._identities, self.replace_patients)

    def _build(self, todo: Sequence[ShardJob], processes: Processes, watcher: Watcher) -> list[ShardEntry]:
        (self.output / "shards").mkdir(exist_ok=True)
        few = len(todo) <= (1 if processes.jobs > 1 else _SHARDS_PER_PROCESS)
        built = map(build_shard, todo) if few else (entry for _, entry in processes.results(build_shard, todo))
        entries = []
        for entry in built:
            entries.append(entry)
            watcher.built(len(todo))
        return entries

    def _problems_of_files(self) -> list[dict[str, Any]]:
        """The problems of the files of all loads, but for those of resources that this load has again, or deletes."""
        new = [*self.partition.problems, *self.inputs.problems()]
        before = [] if self.previous is None else [DataProblem(**problem) for problem in self.previous.problems]
        if before:
            solved = {*Identities(self._identities).names.to_pylist(), *self.partition.deleted}
            before = [problem for problem in before if problem.resource not in solved]
        problems = [*before, *new]
        if len(problems) > _PROBLEMS_LISTED:
            message = f"problems with the files that were loaded: only {_PROBLEMS_LISTED:,} are listed"
            problems = [*problems[:_PROBLEMS_LISTED], DataProblem(name_of(self.output), None, None, None, message)]
        return [asdict(problem) for problem in problems]

    def _report(self, manifest: Manifest, shared: Mapping[str, int]) -> dict[str, Any]:
        """The report of the load. Among the `resources` of patients are those without a patient to which theirs refer,
        once for each patient; `shared` counts all that have no patient."""
        resources: Counter[str] = Counter()
        problems: list[DataProblem] = [*self.partition.problems, *self.inputs.problems()]
        dangling: Counter[str] = Counter()
        without_birth_date = 0
        for entry in manifest.shards:
            resources.update(entry.resources)
            dangling.update(entry.dangling_references)
            without_birth_date += entry.patients_without_birth_date
            if entry.folder.endswith(f"-{self.generation}"):
                problems += Shard(self.output / "shards" / entry.folder, entry.checksums, self.demand, 0).problems()
        return {
            "files": len(self.partition.files),
            "exports": [
                {
                    "manifest": name_of(export.manifests[0]),
                    "transactionTime": export.transaction_time,
                    "request": export.request,
                }
                for export in self.inputs.exports
            ],
            "bytes": self.partition.read,
            "patients": sum(entry.patients for entry in manifest.shards),
            "patients_without_birth_date": without_birth_date,
            "resources": {name: count for name, count in sorted(resources.items()) if count},
            "resources_without_patient": shared,
            "dangling_references": dict(sorted(dangling.items())),
            "problems": len(problems),
            "listed": [asdict(problem) for problem in problems[:_PROBLEMS_LISTED]],
        }

    def _forget_unfinished(self) -> None:
        """Remove what an unfinished load of other input left for this generation."""
        self.partition.forget()
        shards = self.output / "shards"
        for path in shards.iterdir() if shards.exists() else ():
            if path.name.partition(".")[0].endswith(f"-{self.generation}"):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        (self.output / f"shared-{self.generation}.spool").unlink(missing_ok=True)

    def _clean(self, manifest: Manifest) -> None:
        """Remove what neither this state of the store nor the previous one needs."""
        kept = {entry.folder for known in (manifest, self.previous) if known is not None for entry in known.shards}
        for path in (self.output / "shards").iterdir():
            if path.name not in kept:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        for path in self.output.glob("shared-*.spool"):
            if path.name not in (manifest.shared, self.previous.shared if self.previous is not None else None):
                path.unlink()
        for path in self.output.glob("*.new"):
            path.unlink()
        shutil.rmtree(self.work)


def _number(entry: ShardEntry) -> int:
    return int(entry.folder.partition("-")[0])
