"""Resources of one type that become a table: parallel lists that grow as files are read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

import msgspec
import numpy as np

from ecqm.columns import Mask, Rows

RawJson = bytes | msgspec.Raw
_NUMBERS_AS_WRITTEN = msgspec.json.Decoder(float_hook=str)


@dataclass
class Gathered:
    """Resources of one type with their JSON, files (numbers) and entries (of a bundle from 0, lines from 1; -1: none).

    `patients` has the patient row of each, once it is known. Sparse, by place: `urns` that the fullUrl gives, and
    `containers`, the type and place of the resource that a contained one is in.
    """

    resources: list[Any] = field(default_factory=list)
    raws: list[RawJson] = field(default_factory=list)
    files: list[int] = field(default_factory=list)
    entries: list[int] = field(default_factory=list)
    patients: list[int] = field(default_factory=list)
    urns: dict[int, str] = field(default_factory=dict)
    containers: dict[int, tuple[str, int]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.resources)

    def append(self, resource: Any, raw: RawJson, file: int, entry: int, urn: str | None) -> None:
        """Add a resource. Its patient is appended by the caller, or not known yet."""
        if urn is not None:
            self.urns[len(self.resources)] = urn
        self.resources.append(resource)
        self.raws.append(raw)
        self.files.append(file)
        self.entries.append(entry)

    def append_from(self, other: Gathered, place: int) -> None:
        """Add the resource of `other` at `place`."""
        urn = other.urns.get(place)
        self.append(other.resources[place], other.raws[place], other.files[place], other.entries[place], urn)

    def take(self, places: Sequence[int]) -> Gathered:
        """The resources at `places`, none of them contained, without their patients."""
        return Gathered(
            [self.resources[place] for place in places],
            [self.raws[place] for place in places],
            [self.files[place] for place in places],
            [self.entries[place] for place in places],
            urns={new: self.urns[old] for new, old in enumerate(places) if old in self.urns} if self.urns else {},
        )

    def extend(self, other: Gathered, patients: Sequence[int]) -> int:
        """Add the resources of `other`, with their patients. Returns the place of the first one."""
        start = len(self.resources)
        self.resources += other.resources
        self.raws += other.raws
        self.files += other.files
        self.entries += other.entries
        self.patients += patients
        for place, urn in other.urns.items():
            self.urns[start + place] = urn
        return start

    def repeat(self, times: int, patients: int, sizes: Mapping[str, int]) -> None:
        """These, `times` over, for patients `patients` further on each time; `sizes`: how many there are by type."""
        size = len(self)
        urns, containers = dict(self.urns), dict(self.containers)
        rows_of_patients = list(self.patients)
        for turn in range(1, times):
            self.patients += [patient + turn * patients for patient in rows_of_patients]
            self.urns |= {place + turn * size: urn for place, urn in urns.items()}
            self.containers |= {
                place + turn * size: (name, container + turn * sizes[name])
                for place, (name, container) in containers.items()
            }
        self.resources *= times
        self.raws *= times
        self.files *= times
        self.entries *= times


@dataclass(frozen=True)
class Repeat:
    """A duplicate: the resource at `place` has the identity of an earlier one."""

    place: int
    same_content: bool


def repeats(gathered: Gathered, one_per_patient: bool) -> Iterator[Repeat]:
    """The duplicates: resources with the id of an earlier one of the same patient, or without an id but with the same
    content. With `one_per_patient` all resources of a patient are duplicates of the first one, whatever their ids
    (Patient itself)."""
    ids = [""] * len(gathered) if one_per_patient else list(map(attrgetter("id"), gathered.resources))
    candidates = _sharing_a_key(np.array(gathered.patients, np.int64), np.fromiter(map(hash, ids), np.int64, len(ids)))
    for place in gathered.containers:
        candidates[place] = False
    places = np.flatnonzero(candidates).tolist()
    yield from repeats_among((place, (gathered.patients[place], ids[place]), gathered.raws[place]) for place in places)


def repeats_among(resources: Iterable[tuple[int, tuple[int, str | None], RawJson]]) -> Iterator[Repeat]:
    """The duplicates among resources, given as place, (patient, id or None) and JSON."""
    known: dict[tuple[int, str | None], set[bytes]] = {}
    for place, key, raw in resources:
        earlier = known.setdefault(key, set())
        content = _canonical(raw)
        if content in earlier:
            yield Repeat(place, True)
        elif earlier and key[1] is not None:
            yield Repeat(place, False)
        earlier.add(content)


def _sharing_a_key(patients: Rows, hashes: Rows) -> Mask:
    """A mask of the rows that share (patient, hash) with another row. Hashes may collide: callers compare."""
    keys = hashes * np.int64(1_000_003) + patients
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    shared = np.zeros(len(keys), np.bool_)
    same = ordered[1:] == ordered[:-1]
    shared[order[1:][same]] = True
    shared[order[:-1][same]] = True
    return shared


def _canonical(raw: RawJson) -> bytes:
    """JSON with normalized white space, escapes and order of keys; numbers stay as they are written."""
    return msgspec.json.encode(_NUMBERS_AS_WRITTEN.decode(raw), order="sorted")
