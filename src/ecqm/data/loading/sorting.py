"""Sorting a part of the input, read once from start to end, into spool files by patient.

Only the headers of resources are decoded (`ecqm.data.loading.headers`). From time to time all spools are written to
disk and the place is noted in a journal. A sorting that was killed continues from there.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ecqm.data.allocation import large_arrays, many_objects
from ecqm.data.fhir.compartment import PATIENT_LINKS, target
from ecqm.data.files.content import Block, read_blocks, read_document
from ecqm.data.files.suffixes import NDJSON_SUFFIXES
from ecqm.data.loading.division import Place
from ecqm.data.loading.headers import UNREADABLE, Header, Link, decode_header, headers_of, patient_of
from ecqm.data.parsing.encoding import numbers_of
from ecqm.data.problems import DataError, DataProblem, name_of
from ecqm.data.store.spool import Lot, Spool, lines_batch
from ecqm.data.writing import replace_file

_JOURNAL = "journal.json"
# An odd number of 64 bits with about as many ones as zeros (from xxHash).
_FACTOR = np.uint64(0x9E3779B185EBCA87)

Progress = Callable[[int], None]


class _Request(msgspec.Struct, gc=False):
    method: str | None = None
    url: str | None = None


class _Entry(msgspec.Struct, gc=False):
    fullUrl: str | None = None
    request: _Request | None = None
    resource: msgspec.Raw = msgspec.Raw()


_decode_entries = msgspec.json.Decoder(list[_Entry]).decode


@dataclass
class Journal:
    """How far the sorting of a part has come: the next place, and the sizes of the spools up to there.

    `read` are the bytes of JSON; `counts` the numbers of resources in files for which an export's manifest says how
    many they should have; `deleted` the resources (`Encounter/1`) that bundles delete, as exports of changes do.
    """

    place: Place
    read: int = 0
    sizes: dict[str, int] = field(default_factory=dict)
    problems: list[dict[str, Any]] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    counts: dict[int, int] = field(default_factory=dict)
    finished: bool = False

    @classmethod
    def read_from(cls, folder: Path, start: Place) -> Journal:
        """The journal in the folder of a part; a new one if there is none."""
        path = folder / _JOURNAL
        return msgspec.json.decode(path.read_bytes(), type=cls) if path.exists() else cls(start)

    def write_to(self, folder: Path) -> None:
        """Make this the journal in the folder of a part, in one step."""
        replace_file(folder / _JOURNAL, msgspec.json.encode(self))


@dataclass(frozen=True)
class Part:
    """The part of the input that one process sorts into a folder: from one place in the files to another.

    Files are numbered from `first_number` on in spools. Resources of files in `counted` are counted. `held_back` is
    what each spool may hold in memory, `between_notes` the bytes of input between two entries of the journal.
    """

    folder: Path
    files: Sequence[Path]
    start: Place
    stop: Place
    n_shards: int
    first_number: int
    counted: frozenset[int]
    held_back: int
    between_notes: int

    def spool_path(self, shard: int | None) -> Path:
        """The spool of a shard, or that of shared resources."""
        return self.folder / ("shared.spool" if shard is None else f"{shard:05}.spool")

    @property
    def journal(self) -> Journal:
        """The journal of the part."""
        return Journal.read_from(self.folder, self.start)


def shards_of(patients: pa.Array, n_shards: int) -> npt.NDArray[np.int16]:
    """The shards of patients by their ids: the same on every machine and in every run."""
    _, offsets, data = patients.buffers()
    ends = np.frombuffer(offsets, np.int32)[patients.offset : patients.offset + len(patients) + 1]
    text = np.frombuffer(data or b"", np.uint8)[ends[0] : ends[-1]]
    starts = ends[:-1] - ends[0]
    lengths = np.diff(ends)
    # A polynomial in the bytes of each id, whose bits are then mixed; all modulo 2⁶⁴.
    place = np.arange(len(text)) - np.repeat(starts, lengths)
    powers = np.cumprod(np.full(lengths.max(initial=0), _FACTOR))
    sums = np.append(np.uint64(0), np.cumsum((text + np.uint64(1)) * powers[place]))
    mixed = sums[starts + lengths] - sums[starts]
    mixed = (mixed ^ (mixed >> np.uint64(32))) * _FACTOR
    shards: npt.NDArray[np.int16] = ((mixed >> np.uint64(32)) % np.uint64(n_shards)).astype(np.int16)
    return shards


def sort_part(part: Part, progress: Progress) -> None:
    """Sort a part, or what is left of it; `progress` takes the bytes of JSON read since the last call.

    Raises OSError if spools cannot be written.
    """
    with many_objects(), large_arrays():
        _Sorting(part, progress).run()


class _Sorting:
    def __init__(self, part: Part, progress: Progress) -> None:
        self.part = part
        self.files = part.files
        self.journal = part.journal
        self._progress = progress
        self._spools = [Spool(part.spool_path(number), part.held_back) for number in range(part.n_shards)]
        self._shared = Spool(part.spool_path(None), part.held_back)
        self._noted = self.journal.read

    def run(self) -> None:
        if self.journal.finished:
            return
        self.part.folder.mkdir(exist_ok=True)
        for spool in (*self._spools, self._shared):
            spool.cut_back(self.journal.sizes.get(spool.path.name, 0))
        while self.journal.place < self.part.stop:
            number = self.journal.place.file
            try:
                self._read(number)
            except (OSError, DataError) as error:
                if isinstance(error, OSError) and error.filename != str(self.files[number]):
                    raise
                self._report(number, None, f"cannot be read (any further): {error}")
            self._next(Place(number + 1))
        self.journal.finished = True
        self._note()

    def _next(self, place: Place) -> None:
        self.journal.place = place
        if self.journal.read - self._noted >= self.part.between_notes:
            self._note()

    def _note(self) -> None:
        # The spools are on disk before the journal says so: it is true even after a loss of power.
        self._noted = self.journal.read
        self.journal.sizes = {spool.path.name: spool.settle() for spool in (*self._spools, self._shared)}
        self.journal.write_to(self.part.folder)

    def _read(self, number: int) -> None:
        path = self.files[number]
        if not path.name.endswith(NDJSON_SUFFIXES):
            content = read_document(path)
            self._add_document(number, content, None, None)
            self._count(len(content))
            return
        _, byte, first = self.journal.place
        stop = self.part.stop.byte if number == self.part.stop.file else sys.maxsize
        for block in read_blocks(path, start=byte, stop=stop, first=first):
            found = len(block.ends) if self._add_block(number, block) else self._add_lines(number, block)
            if number in self.part.counted:
                self.journal.counts[number] = self.journal.counts.get(number, 0) + found
            byte += len(block.content)
            self._count(len(block.content))
            self._next(Place(number, byte, block.first + len(block.ends)))

    def _count(self, size: int) -> None:
        self.journal.read += size
        self._progress(size)

    def _add_block(self, file: int, block: Block) -> bool:
        """Sort a whole block at once. False, and nothing is done, if some line is not just a resource."""
        try:
            types, patients = headers_of(block)
        except UNREADABLE:
            return False
        if len(types) != len(block.ends) or "Bundle" in types.unique().to_pylist():
            return False
        shards = np.append(shards_of(patients.dictionary, self.part.n_shards), np.int16(-1))[numbers_of(patients)]
        order = np.argsort(shards, kind="stable")
        batch = lines_batch(patients, self.part.first_number + file, *block, types, order)
        bounds = np.searchsorted(shards[order], np.arange(-1, self.part.n_shards + 1)).tolist()
        for spool, start, stop in zip((self._shared, *self._spools), bounds, bounds[1:], strict=False):
            spool.append(batch.slice(start, stop - start))
        return True

    def _add_lines(self, file: int, block: Block) -> int:
        """Sort the lines of a block one by one; gives how many are not blank. Lines keep their newlines, as they do in
        whole blocks: the result must not depend on where the part, and so the block, begins."""
        found = 0
        for number, (start, stop) in enumerate(pairwise([0, *block.ends.tolist()]), block.first):
            line = bytes(block.content[start:stop])
            if not line.isspace():
                self._add_line(file, number, line)
                found += 1
        return found

    def _add_line(self, file: int, line_number: int, line: bytes) -> None:
        try:
            header = decode_header(line)
        except UNREADABLE:
            header = self._loosely_decoded(file, line_number, line)
            if header is None:
                return
        if header.resourceType == "Bundle":
            self._add_document(file, line, line_number, None)
        else:
            self._spool(patient_of(header), None, file, line_number, line, header)

    def _loosely_decoded(self, file: int, entry: int | None, raw: bytes) -> Any:
        """The header of a resource in which some other element has the name of a link; None if it is no resource."""
        try:
            content = msgspec.json.decode(raw)
            if not isinstance(content, dict) or not isinstance(content.get("resourceType"), str):
                raise msgspec.ValidationError("not a FHIR resource")
            links = {
                name: msgspec.convert(content[name], Link)
                for name in PATIENT_LINKS
                if isinstance(content.get(name), dict)
            }
            return Header(content["resourceType"], msgspec.convert(content.get("id"), str | None), **links)
        except UNREADABLE as error:
            self._report(file, entry, f"not a resource that can be read: {error}")
            return None

    def _add_document(self, file: int, content: bytes, entry: int | None, urn: str | None) -> None:
        """Sort a resource or a bundle. If a bundle has a single Patient, all of it belongs to that patient."""
        found = list(self._unbundled(file, content, entry, urn))
        patients = {patient_of(header) or urn for header, _, _, urn in found if header.resourceType == "Patient"}
        owner = next(iter(patients)) if len(patients) == 1 else None
        by_urn = {urn: header.id or urn for header, _, _, urn in found if urn and header.resourceType == "Patient"}
        for header, raw, place, resource_urn in found:
            named = owner or patient_of(header)
            if named is None and header.resourceType == "Patient":
                named = resource_urn
            named = by_urn.get(named, named) if named is not None else None
            self._spool(named, resource_urn, file, -1 if place is None else place, raw, header)

    def _unbundled(
        self, file: int, content: bytes | msgspec.Raw, entry: int | None, urn: str | None
    ) -> Iterator[tuple[Any, bytes, int | None, str | None]]:
        raw = bytes(content)
        try:
            header = decode_header(raw)
        except UNREADABLE:
            header = self._loosely_decoded(file, entry, raw)
            if header is None:
                return
        if header.resourceType != "Bundle":
            yield header, raw, entry, urn
            return
        try:
            entries = _decode_entries(header.entry) if memoryview(header.entry).nbytes else []
        except UNREADABLE as error:
            self._report(file, entry, f"a bundle whose entries cannot be read: {error}")
            return
        for number, item in enumerate(entries):
            if item.request is not None and item.request.method == "DELETE":
                self._delete(file, entry, item.request.url or "")
            elif memoryview(item.resource).nbytes:
                url = item.fullUrl
                yield from self._unbundled(file, item.resource, number, url if url and url.startswith("urn:") else None)

    def _delete(self, file: int, entry: int | None, url: str) -> None:
        named = target(url)
        if named is None or named[0] is None:
            self._report(file, entry, f"asks to delete {url!r}, which names no resource")
        else:
            self.journal.deleted.append("/".join((named[0], named[1])))

    def _spool(self, patient: str | None, urn: str | None, file: int, entry: int, raw: bytes, header: Any) -> None:
        spool = self._shared
        if patient is not None:
            spool = self._spools[int(shards_of(pa.array([patient]), self.part.n_shards)[0])]
        lot = Lot()
        lot.append(patient, urn, self.part.first_number + file, entry, raw, header.resourceType)
        spool.append(lot.batch())

    def _report(self, file: int, entry: int | None, message: str) -> None:
        self.journal.problems.append(asdict(DataProblem(name_of(self.files[file]), entry, None, None, message)))
