"""The shared resources of a load on disk, found by the names that references have for them.

There may be more of them than fit into memory (some exports have a Medication for every order), and each patient refers
to few. So the files are mapped into memory, and only what is asked for is read.

    resources.arrow     the resources, as in spools but not compressed
    hashes.npy          the hashes of all names, in order
    places.npy          the place of the resource that each of these names
    about.json          how many resources of each type there are, and the state of the spool from which all this was
                        made
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ecqm.columns import Rows
from ecqm.data.cohort.assembly import References
from ecqm.data.loading.spools import hashes_of
from ecqm.data.store.spool import Spool, batches_of, decode_identity, spool_state
from ecqm.data.writing import replace_file, settle

_RESOURCES, _HASHES, _PLACES, _ABOUT = "resources.arrow", "hashes.npy", "places.npy", "about.json"
# Resources whose names are hashed at a time.
_TOGETHER = 1 << 14


class _About(msgspec.Struct):
    """Numbers of resources by type, whether some have URNs, and the size and time of the spool."""

    counts: dict[str, int]
    has_urns: bool
    state: tuple[int, int]


class SharedIndex:
    """The shared resources in a folder written by `write_index`. `counts` are their numbers by type; several with the
    same id count once."""

    def __init__(self, folder: Path) -> None:
        about = _about(folder)
        self.counts = about.counts
        self.types = frozenset(about.counts)
        self.has_urns = about.has_urns
        self._folder = folder
        self._references = References(self.types)

    def named(self, names: Collection[str]) -> pa.Table:
        """The resources that have one of some names ("Location/1", URNs), and a few others. If several have a name, the
        last one counts."""
        return self._take(self._places(names))

    def reachable(self, names: Collection[str]) -> pa.Table:
        """The same, and the resources that they refer to, directly or through others."""
        found = new = self._places(names)
        while len(new):
            content = self._take(new)["json"].to_pylist()
            new = np.setdiff1d(self._places({name for raw in content for name in self._references.names(raw)}), found)
            found = np.union1d(found, new)
        return self._take(found)

    def _places(self, names: Collection[str]) -> Rows:
        if not names or not self.types:
            return np.zeros(0, np.int64)
        hashes = np.unique(hashes_of(pa.array(names, pa.utf8())))
        start, stop = (np.searchsorted(self._hashes, hashes, side) for side in ("left", "right"))
        counts = stop - start
        which = np.arange(counts.sum()) + np.repeat(start - (np.cumsum(counts) - counts), counts)
        return np.unique(self._all_places[which])

    def _take(self, places: Rows) -> pa.Table:
        """The resources at some places, which are in order."""
        bounds = np.searchsorted(places, self._starts).tolist()
        batches = [
            self._resources.get_batch(number).take(pa.array(places[start:stop] - self._starts[number]))
            for number, (start, stop) in enumerate(pairwise(bounds))
            if start < stop
        ]
        return pa.Table.from_batches(batches, Spool.SCHEMA).combine_chunks()

    @cached_property
    def _resources(self) -> pa.RecordBatchFileReader:
        return pa.ipc.open_file(pa.memory_map(str(self._folder / _RESOURCES)))

    @cached_property
    def _starts(self) -> Rows:
        """The place of the first resource of each batch, and the number of all resources."""
        numbers = range(self._resources.num_record_batches)
        return np.cumsum([0, *(self._resources.get_batch(number).num_rows for number in numbers)])

    @cached_property
    def _hashes(self) -> npt.NDArray[np.uint64]:
        hashes: npt.NDArray[np.uint64] = np.load(self._folder / _HASHES, mmap_mode="r")
        return hashes

    @cached_property
    def _all_places(self) -> Rows:
        places: Rows = np.load(self._folder / _PLACES, mmap_mode="r")
        return places


def write_index(spool: Path, folder: Path) -> None:
    """Write the index of a spool of shared resources, unless it is there already.

    Memory: 48 bytes per resource, and one block of the spool. Raises OSError if the disk is full.
    """
    state = spool_state(spool)
    if (folder / _ABOUT).exists() and _about(folder).state == state:
        return
    folder.mkdir(exist_ok=True)
    kinds = _Kinds()
    hashes, places = [np.zeros(0, np.uint64)], [np.zeros(0, np.int64)]
    n, has_urns = 0, False
    with pa.ipc.new_file(str(folder / _RESOURCES), Spool.SCHEMA) as writer:
        for batch in _batches(spool):
            writer.write_batch(batch)
            has_urns |= batch["urn"].null_count < len(batch)
            for start in range(0, len(batch), _TOGETHER):
                part = batch.slice(start, _TOGETHER)
                for names in (ids := _ids(part), part["urn"]):
                    hashes.append(hashes_of(names.drop_null()))
                    places.append(n + start + np.flatnonzero(names.is_valid().to_numpy(zero_copy_only=False)))
                kinds.add(part["type"], ids, hashes[-2])
            n += len(batch)
    all_hashes = np.concatenate(hashes)
    order = np.argsort(all_hashes, kind="stable")
    np.save(folder / _HASHES, all_hashes[order])
    np.save(folder / _PLACES, np.concatenate(places)[order])
    for name in (_RESOURCES, _HASHES, _PLACES):
        settle(folder / name)
    replace_file(folder / _ABOUT, msgspec.json.encode(_About(kinds.counts(), has_urns, state)))


def _about(folder: Path) -> _About:
    return msgspec.json.decode((folder / _ABOUT).read_bytes(), type=_About)


def _batches(spool: Path) -> Iterator[pa.RecordBatch]:
    if spool.stat().st_size:
        yield from batches_of(pa.memory_map(str(spool)).read_buffer())


def _ids(batch: pa.RecordBatch) -> pa.Array:
    """Type and id of resources ("Location/1"), null for those that have no id."""
    ids = pa.array((decode_identity(raw).id for raw in batch["json"].to_pylist()), pa.utf8())
    return pc.binary_join_element_wise(batch["type"], ids, "/")


class _Kinds:
    """Counts resources by type; several with the same id count once."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._without_id: Counter[int] = Counter()
        self._types: list[npt.NDArray[np.int16]] = [np.zeros(0, np.int16)]
        self._ids: list[npt.NDArray[np.uint64]] = [np.zeros(0, np.uint64)]

    def add(self, types: pa.Array, ids: pa.Array, hashes: npt.NDArray[np.uint64]) -> None:
        """Count resources of some types; `hashes` are those of the ids that are there."""
        coded = types.dictionary_encode()
        names = coded.dictionary.to_pylist()
        numbers = np.array([self._numbers.setdefault(name, len(self._numbers)) for name in names], np.int16)
        number = numbers[coded.indices.to_numpy()]
        has_id = ids.is_valid().to_numpy(zero_copy_only=False)
        self._types.append(number[has_id])
        self._ids.append(hashes)
        self._without_id.update(number[~has_id].tolist())

    def counts(self) -> dict[str, int]:
        _, first = np.unique(np.concatenate(self._ids), return_index=True)
        with_id = np.bincount(np.concatenate(self._types)[first], minlength=len(self._numbers)).tolist()
        return {name: with_id[number] + self._without_id[number] for name, number in sorted(self._numbers.items())}
