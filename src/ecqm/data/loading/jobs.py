"""What has to be done to build one shard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ecqm.data.fhir.demand import Demand
from ecqm.data.store.shard import Shard
from ecqm.data.store.store import ShardEntry


@dataclass(frozen=True)
class Base:
    """A shard as an earlier load left it, with its entry in the manifest; and what an increment does to it.

    `number` is that of the shard, `identities` the file with the names of all resources of the increment. With
    `replaces_patients` nothing older is kept of patients in the spools.
    """

    shard: Shard
    entry: ShardEntry
    number: int
    identities: Path
    replaces_patients: bool = False


@dataclass(frozen=True)
class ShardJob:
    """A shard to build into `target`, from `spools` and `base`. It can be sent to another process.

    `shared` is the folder of an index of shared resources. `files` are the names of all input files by number.
    `deleted` are resources (`Encounter/1`) to leave out.
    """

    target: Path
    spools: tuple[Path, ...]
    shared: Path
    demand: Demand
    default_offset: int
    files: Sequence[str]
    base: Base | None = None
    deleted: frozenset[str] = frozenset()
