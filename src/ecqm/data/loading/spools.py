"""The spools of a part of the input, written together: each gets few, large blocks, however many there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ecqm.columns import Rows
from ecqm.data.files.content import Block
from ecqm.data.loading.headers import Headers
from ecqm.data.parsing.encoding import numbers_of
from ecqm.data.store.spool import Lot, Spool

# An odd number of 64 bits with about as many ones as zeros (from xxHash).
_FACTOR = np.uint64(0x9E3779B185EBCA87)


def hashes_of(texts: pa.Array) -> npt.NDArray[np.uint64]:
    """Hashes of strings (utf8, none null): the same on every machine and in every run."""
    _, offsets, data = texts.buffers()
    ends = np.frombuffer(offsets or bytes(4), np.int32)[texts.offset : texts.offset + len(texts) + 1]
    text = np.frombuffer(data or b"", np.uint8)[ends[0] : ends[-1]]
    starts = ends[:-1] - ends[0]
    lengths = np.diff(ends)
    # A polynomial in the bytes of each string, whose bits are then mixed; all modulo 2⁶⁴.
    place = np.arange(len(text)) - np.repeat(starts, lengths)
    powers = np.cumprod(np.full(lengths.max(initial=0), _FACTOR))
    sums = np.append(np.uint64(0), np.cumsum((text + np.uint64(1)) * powers[place]))
    mixed = sums[starts + lengths] - sums[starts]
    hashes: npt.NDArray[np.uint64] = (mixed ^ (mixed >> np.uint64(32))) * _FACTOR
    return hashes


def shards_of(patients: pa.Array, n_shards: int) -> npt.NDArray[np.int16]:
    """The shards of patients by their ids: the same on every machine and in every run."""
    shards: npt.NDArray[np.int16] = ((hashes_of(patients) >> np.uint64(32)) % np.uint64(n_shards)).astype(np.int16)
    return shards


class Spools:
    """The spool of resources without a patient, and one for the patients of each shard.

    What is added is held back, in the order of the input, until there are `held_back` bytes of JSON. Then it is divided
    among the spools. Dividing every block of the input by itself would make as many small pieces as there are shards.
    """

    def __init__(self, shared: Path, by_shard: Sequence[Path], held_back: int) -> None:
        self._spools = [Spool(path) for path in (shared, *by_shard)]
        # One buffer for everything: clearing fresh memory would take the system as long as copying into it.
        self._json = np.empty(held_back, np.uint8)
        self._filled = 0
        self._ends: list[Rows] = [np.zeros(1, np.int64)]
        # All columns but the JSON.
        self._pieces: list[list[pa.Array]] = []
        # Resources that were added one by one, after the pieces.
        self._lot = Lot()
        self._lot_size = 0

    def cut_back(self, sizes: Mapping[str, int]) -> None:
        """Remove what was written beyond the sizes of files by name. A file without a size becomes empty."""
        for spool in self._spools:
            spool.cut_back(sizes.get(spool.path.name, 0))

    def settle(self) -> dict[str, int]:
        """Write what is held back, and wait until it is on disk. Gives the sizes of the files by name."""
        self._divide()
        return {spool.path.name: spool.settle() for spool in self._spools}

    def add(self, patient: str | None, urn: str | None, file: int, entry: int, raw: bytes, resource_type: str) -> None:
        """Add a resource (see `Lot`)."""
        self._lot.append(patient, urn, file, entry, raw, resource_type)
        self._lot_size += len(raw)
        if self._filled + self._lot_size >= len(self._json):
            self._divide()

    def add_lines(self, file: int, block: Block, headers: Headers) -> None:
        """Add the resources of a block of a file, one per line."""
        self._add_lot()
        n = len(block.ends)
        lines = block.first + np.arange(n)
        origin = [pa.nulls(n, pa.utf8()), pa.array(np.full(n, file, np.int32)), pa.array(lines), headers.types]
        self._add(block.content, block.ends, headers.patients, origin)

    def _add_lot(self) -> None:
        if not len(self._lot):
            return
        patients, *origin, json, types = self._lot.batch().columns
        ends = np.frombuffer(json.buffers()[1], np.int64)[1 : len(json) + 1]
        content = b"".join(self._lot.raws)
        self._lot, self._lot_size = Lot(), 0
        self._add(content, ends, patients.dictionary_encode(), [*origin, types])

    def _add(
        self, content: bytes | memoryview, ends: Rows, patients: pa.DictionaryArray, origin: list[pa.Array]
    ) -> None:
        if self._filled + len(content) > len(self._json):
            self._divide()
        if len(content) > len(self._json):
            self._json = np.empty(len(content), np.uint8)
        n_shards = len(self._spools) - 1
        # The spool of shared resources is the first.
        spools = np.append(shards_of(patients.dictionary, n_shards) + 1, np.int16(0))[numbers_of(patients)]
        self._json[self._filled : self._filled + len(content)] = np.frombuffer(content, np.uint8)
        self._pieces.append([pa.array(spools), patients.dictionary_decode(), *origin])
        self._ends.append(ends + self._filled)
        self._filled += len(content)

    def _divide(self) -> None:
        """Write what is held back."""
        self._add_lot()
        if not self._pieces:
            return
        numbers, *columns, types = map(pa.concat_arrays, zip(*self._pieces, strict=True))
        buffers = [None, pa.py_buffer(np.concatenate(self._ends)), pa.py_buffer(self._json)]
        columns += [pa.Array.from_buffers(pa.large_binary(), len(types), buffers), types]
        spools = numbers.to_numpy()
        order = np.argsort(spools, kind="stable")
        bounds = np.searchsorted(spools[order], np.arange(len(self._spools) + 1)).tolist()
        for spool, start, stop in zip(self._spools, bounds, bounds[1:], strict=False):
            if start < stop:
                chosen = pa.array(order[start:stop])
                spool.append(pa.RecordBatch.from_arrays([each.take(chosen) for each in columns], schema=Spool.SCHEMA))
        self._pieces, self._ends, self._filled = [], [np.zeros(1, np.int64)], 0
