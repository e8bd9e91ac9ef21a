"""The cohort store: data loaded once, in shards of patients, for many runs of measures.

    STORE/manifest.json          the current content of the store: shards, files, checksums, demand
    STORE/shards/00007-3/        a shard as generation 3 of the store wrote it (see `ecqm.data.store.shard`)
    STORE/shared-3.spool         resources of no patient (Medication, Location…), for later loads

The manifest is replaced in one step at the end of a load, and names only complete folders. A reader has the store as it
was when it was opened: the folders of the previous generation stay until the next load.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa

from ecqm.data.cohort.cohort import Cohort
from ecqm.data.fhir.demand import Demand
from ecqm.data.problems import DataError, DataProblem
from ecqm.data.store.folder import Folder
from ecqm.data.store.shard import CorruptShard, Shard
from ecqm.data.writing import replace_file, settle
from ecqm.terminology import CodeIndex

FORMAT = 8
MANIFEST = "manifest.json"


@dataclass
class ShardEntry:
    """A shard in the manifest: its folder, its counts, and the checksums of its files.

    `resources` are counts by type, `dangling_references` by element.
    """

    folder: str
    patients: int
    resources: dict[str, int]
    checksums: dict[str, int]
    patients_without_birth_date: int = 0
    dangling_references: dict[str, int] = field(default_factory=dict)


@dataclass
class Manifest:
    """The content of a store. `types`, `names` and `whole` are the demand that its columns were made for (null for
    everything); `files` are the names of all files that were ever loaded, by number. `shared_checksum` is that of the
    file `shared`, `checksum` that of the manifest itself (without it). `problems` are those of the files that were
    loaded, in all loads; each shard has those of its resources.
    """

    format: int
    generation: int
    default_offset: int
    types: list[str] | None
    names: list[str] | None
    shards: list[ShardEntry]
    files: list[str]
    shared: str | None = None
    report: dict[str, Any] = field(default_factory=dict)
    whole: list[str] = field(default_factory=list)
    problems: list[dict[str, Any]] = field(default_factory=list)
    shared_checksum: int | None = None
    checksum: int | None = None

    @property
    def demand(self) -> Demand:
        """The demand that the columns were made for."""
        return Demand.of(self.types, self.names, self.whole)

    @classmethod
    def read(cls, path: Folder) -> Manifest:
        """The manifest of a store. Raises DataError if there is none, or none that can be read."""
        try:
            content = json.loads((path / MANIFEST).read_bytes())
            found = content.get("format") if isinstance(content, dict) else None
            if found != FORMAT:
                raise DataError(f"{path}: a cohort store of format {found}, not {FORMAT}; load the data again")
            manifest = msgspec.convert(content, cls)
        except FileNotFoundError:
            raise DataError(f"{path} is not a cohort store (it has no {MANIFEST})") from None
        except (ValueError, RecursionError, msgspec.ValidationError) as error:
            raise DataError(f"{path / MANIFEST}: damaged: {error}; load the data again") from error
        if manifest.checksum != manifest._checksum_of_content():
            raise DataError(f"{path / MANIFEST}: not what was written (its checksum differs); load the data again")
        return manifest

    def write(self, path: Path) -> None:
        """Make this the manifest of the store, in one step. Once it is there it survives a loss of power."""
        settle(path / "shards")
        self.checksum = self._checksum_of_content()
        replace_file(path / MANIFEST, json.dumps(asdict(self)).encode())
        settle(path)

    def _checksum_of_content(self) -> int:
        return zlib.crc32(json.dumps(asdict(replace(self, checksum=None))).encode())


class CohortStore:
    """A store as it was when it was opened.

        store = open_store(path)
        for cohort in store.cohorts(demand, codes): ...

    `demand` is what the columns hold; for more than that, shards are decoded again from their JSON, which is slower.
    """

    def __init__(self, path: Folder, manifest: Manifest) -> None:
        self.path = path
        self.manifest = manifest
        self.demand = manifest.demand
        self.shards = [
            Shard(path / "shards" / entry.folder, entry.checksums, manifest.demand, manifest.default_offset)
            for entry in manifest.shards
        ]

    @property
    def n_patients(self) -> int:
        """How many patients there are."""
        return sum(entry.patients for entry in self.manifest.shards)

    def patient_ids(self) -> Iterator[pa.Array]:
        """The ids of the patients (utf8), shard by shard, without shards that cannot be read."""
        for shard in self.shards:
            with suppress(CorruptShard):
                yield shard.ids()

    @property
    def report(self) -> dict[str, Any]:
        """The report of the last load."""
        return self.manifest.report

    @property
    def problems(self) -> tuple[DataProblem, ...]:
        """The problems of the files that were loaded; those of resources come with the cohorts of their shards."""
        return tuple(DataProblem(**problem) for problem in self.manifest.problems)

    def cohorts(
        self, demand: Demand, codes: CodeIndex | None = None, corrupt: list[CorruptShard] | None = None
    ) -> Iterator[Cohort]:
        """The cohorts of all shards, one after the other, on one code index.

        A corrupt shard is added to `corrupt` and left out. Without that list CorruptShard is raised.
        """
        codes = CodeIndex() if codes is None else codes
        for shard in self.shards:
            try:
                cohort = shard.cohort(demand, codes)
            except CorruptShard as error:
                if corrupt is None:
                    raise
                corrupt.append(error)
                continue
            yield cohort


def open_store(path: Folder) -> CohortStore:
    """The store at a path. Raises DataError if there is none, or if it has another format."""
    return CohortStore(path, Manifest.read(path))


def is_store(path: Folder) -> bool:
    """Whether there is a cohort store at this path."""
    return (path / MANIFEST).is_file() and (path / "shards").is_dir()
