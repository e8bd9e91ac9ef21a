"""The first half of loading: input files sorted into spool files by patient, by one process or several.

The input is divided into parts (`ecqm.data.loading.division`). Each part is sorted into its own spools, with its own
journal (`ecqm.data.loading.sorting`). The spools of all parts, in the order of the parts, are in the order of the
input. A sorting that was killed continues with the parts that it began with.

    division.json                what is sorted, and where the parts begin
    part-00000/journal.json      how far a part has come
    part-00000/00007.spool       the resources of the patients of shard 7 in it
    part-00000/shared.spool      the resources without a patient
    shared.spool                 the resources without a patient of all parts
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import msgspec

from ecqm.data.files.exports import wrong_count
from ecqm.data.loading.division import Mapped, Place, divide, n_parts
from ecqm.data.loading.processes import Processes, tell
from ecqm.data.loading.sorting import Journal, Part, Progress, sort_part
from ecqm.data.problems import DataProblem, name_of
from ecqm.data.writing import replace_file, replacing

# Bytes of input between two entries of a journal.
_BETWEEN_NOTES = 512 << 20
# Bytes that all processes together hold back in memory. But each holds back enough for blocks of a good size for every
# shard, up to a limit: small blocks take more time to write, and more room.
_HELD_BACK = 96 << 20
_GOOD_BLOCK = 1 << 20
_MOST_HELD_BACK = 256 << 20
_DIVISION = "division.json"


class _Division(msgspec.Struct):
    fingerprint: str
    n_shards: int
    starts: list[Place]


class Partition:
    """Sorts input files into spools for `n_shards` shards. Within a shard, resources stay in the order of the input."""

    def __init__(
        self,
        folder: Path,
        files: Sequence[Path],
        n_shards: int,
        fingerprint: str,
        first_number: int = 0,
        counts: Mapping[Path, int] | None = None,
    ) -> None:
        """Files are numbered from `first_number` on. A sorting of the same `fingerprint` is resumed, with the number of
        shards that it began with. `counts` says how many resources some NDJSON files should have."""
        self.folder = folder
        self.files = files
        self.shared = folder / "shared.spool"
        self._fingerprint = fingerprint
        self._first_number = first_number
        self._counts = {number: counts[file] for number, file in enumerate(files) if counts and file in counts}
        self._division = self._division_before()
        self.n_shards = n_shards if self._division is None else self._division.n_shards

    @property
    def is_resumed(self) -> bool:
        """Whether this was begun before."""
        return self._division is not None

    def forget(self) -> None:
        """Remove what was sorted before. Spools may be files of shards by now: they are unlinked, never cut."""
        (self.folder / _DIVISION).unlink(missing_ok=True)
        self.shared.unlink(missing_ok=True)
        for folder in self.folder.glob("part-*"):
            shutil.rmtree(folder)
        self._division = None

    def run(self, progress: Progress, processes: Processes | None = None) -> None:
        """Sort everything, or what is left of it; `progress` takes the bytes of JSON read since the last call.

        Several processes do it if they are given and there is enough to do. Raises OSError if spools cannot be written.
        """
        if self._division is None:
            self.forget()
        n = 1 if processes is None else min(processes.jobs, self._worthwhile(processes.jobs))
        if processes is None or n <= 1:
            for part in self._unfinished(self._begun(1), 1):
                sort_part(part, progress)
        else:
            parts = self._unfinished(self._begun(n, processes.map), n)
            for _ in processes.results(_sort_and_tell, parts, progress):
                pass
        self._put_shared_together()

    def spools(self, shard: int) -> tuple[Path, ...]:
        """The spools of a shard, in the order of the input."""
        paths = (part.spool_path(shard) for part in self._parts(self._begun(1), 1))
        return tuple(path for path in paths if path.exists())

    @property
    def read(self) -> int:
        """Bytes of JSON that were read."""
        return sum(journal.read for journal in self._journals)

    @property
    def deleted(self) -> list[str]:
        """The resources (`Encounter/1`) that bundles ask to delete."""
        return [resource for journal in self._journals for resource in journal.deleted]

    @property
    def problems(self) -> list[DataProblem]:
        """What could not be read, and files with a wrong number of resources, in the order of files."""
        found = [DataProblem(**problem) for journal in self._journals for problem in journal.problems]
        counted: Counter[int] = Counter()
        for journal in self._journals:
            counted.update(journal.counts)
        unread = {problem.file for problem in found if problem.entry is None}
        for number, count in self._counts.items():
            file = name_of(self.files[number])
            if counted[number] != count and file not in unread:
                found.append(DataProblem(file, None, None, None, wrong_count(counted[number], count)))
        place = {name_of(file): number for number, file in enumerate(self.files)}
        return sorted(found, key=lambda problem: place[problem.file])

    @property
    def is_empty(self) -> bool:
        """Whether the input had no resources, and none to delete."""
        return not self.deleted and not any(size for journal in self._journals for size in journal.sizes.values())

    @cached_property
    def _journals(self) -> list[Journal]:
        """The journals of all parts, once everything is sorted."""
        return [part.journal for part in self._parts(self._begun(1), 1)]

    def _division_before(self) -> _Division | None:
        path = self.folder / _DIVISION
        self.folder.mkdir(parents=True, exist_ok=True)
        division = msgspec.json.decode(path.read_bytes(), type=_Division) if path.exists() else None
        return division if division is not None and division.fingerprint == self._fingerprint else None

    def _worthwhile(self, jobs: int) -> int:
        """How many processes have work to do."""
        return n_parts(self.files, jobs) if self._division is None else len(self._unfinished(self._division, 1))

    def _begun(self, n: int, mapped: Mapped = map) -> _Division:
        """The division into parts; made for `n` processes if there is none."""
        if self._division is None:
            self._division = _Division(self._fingerprint, self.n_shards, divide(self.files, n, mapped))
            replace_file(self.folder / _DIVISION, msgspec.json.encode(self._division))
        return self._division

    def _parts(self, division: _Division, jobs: int) -> list[Part]:
        held_back = max(_HELD_BACK // jobs, min(_GOOD_BLOCK * self.n_shards, _MOST_HELD_BACK))
        counted = frozenset(self._counts)
        bounds = pairwise([*division.starts, Place(len(self.files))])
        return [
            Part(
                self.folder / f"part-{number:05}",
                self.files,
                start,
                stop,
                self.n_shards,
                self._first_number,
                counted,
                held_back,
                _BETWEEN_NOTES,
            )
            for number, (start, stop) in enumerate(bounds)
        ]

    def _unfinished(self, division: _Division, jobs: int) -> list[Part]:
        return [part for part in self._parts(division, jobs) if not part.journal.finished]

    def _put_shared_together(self) -> None:
        if self.shared.exists():
            return
        with replacing(self.shared) as fresh, fresh.open("wb") as sink:
            for part in self._parts(self._begun(1), 1):
                source = part.spool_path(None)
                if source.exists():
                    with source.open("rb") as stream:
                        shutil.copyfileobj(stream, sink)


def _sort_and_tell(part: Part) -> None:
    sort_part(part, tell)
