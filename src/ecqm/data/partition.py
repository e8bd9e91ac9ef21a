"""The first half of loading: input files, read once from start to end, sorted into spool files by patient.

Only what tells whose a resource is gets decoded. Every now and then all is written out and the place noted in a
journal, so that a load that was killed goes on from there.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ecqm.data.compartment import PATIENT_LINKS, target
from ecqm.data.encoding import numbers_of
from ecqm.data.files import read_blocks, read_document
from ecqm.data.headers import UNREADABLE, Header, Link, decode_header, headers_of, patient_of
from ecqm.data.ndjson import NDJSON_SUFFIXES, n_resources, wrong_count
from ecqm.data.problems import DataError, DataProblem
from ecqm.data.spool import Lot, Spool, lines_batch

# Bytes of input between two entries of the journal, and what all spools together may hold back in memory.
_BETWEEN_NOTES = 512 << 20
_HELD_BACK = 192 << 20
# An odd number of 64 bits with as many ones as zeros (of xxHash).
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
    """How far a load has come: the input file and line that are next, and the sizes of the spools until there.

    `deleted` are the resources (`Encounter/1`) that bundles ask to delete, as exports of changes do.
    """

    fingerprint: str
    n_shards: int
    file: int = 0
    line: int = 1
    read: int = 0
    sizes: dict[str, int] = field(default_factory=dict)
    problems: list[dict[str, Any]] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    finished: bool = False


def shards_of(patients: pa.Array, n_shards: int) -> npt.NDArray[np.int16]:
    """The shards that patients are in, by id: the same on every machine and in every run."""
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


class Partition:
    """Sorts input files into spools `<number>.spool`, and `shared.spool` for resources of no patient."""

    def __init__(
        self,
        folder: Path,
        files: Sequence[Path],
        n_shards: int,
        fingerprint: str,
        first_number: int = 0,
        counts: Mapping[Path, int] | None = None,
    ) -> None:
        """Files are numbered from `first_number` on. A journal of the same `fingerprint` is gone on with. `counts` says
        of some files of NDJSON how many resources they should have."""
        self.folder = folder
        self._first_number = first_number
        self.files = files
        self._counts = counts or {}
        self.n_shards = n_shards
        resumed = self._resumed(fingerprint)
        self.is_resumed = resumed is not None
        self.journal = resumed or Journal(fingerprint, n_shards)
        held_back = max(64 << 10, _HELD_BACK // (n_shards + 1))
        self._spools = [Spool(self.spool_path(number), held_back) for number in range(n_shards)]
        self._shared = Spool(self.spool_path(None), held_back)
        self._noted = self.journal.read

    def spool_path(self, number: int | None) -> Path:
        """The spool of a shard, or that of shared resources."""
        return self.folder / ("shared.spool" if number is None else f"{number:05}.spool")

    @property
    def problems(self) -> list[DataProblem]:
        """What could not be read."""
        return [DataProblem(**problem) for problem in self.journal.problems]

    @property
    def is_empty(self) -> bool:
        """Were there no resources in all that was sorted, and none to be deleted?"""
        return not self.journal.deleted and not any(self.journal.sizes.values())

    def run(self, progress: Progress) -> None:
        """Sort everything, or what is left of it; `progress` takes the bytes of JSON read since it was called last."""
        if self.journal.finished:
            return
        for spool in (*self._spools, self._shared):
            spool.cut_back(self.journal.sizes.get(spool.path.name, 0))
        for number in range(self.journal.file, len(self.files)):
            first = self.journal.line if number == self.journal.file else 1
            try:
                self._read(number, first, progress)
            except (OSError, DataError) as error:
                if isinstance(error, OSError) and error.filename != str(self.files[number]):
                    raise
                self._report(number, None, f"cannot be read (any further): {error}")
            self._note(number + 1, 1)
        self.journal.finished = True
        self._note(len(self.files), 1, always=True)

    def _resumed(self, fingerprint: str) -> Journal | None:
        path = self.folder / "journal.json"
        self.folder.mkdir(parents=True, exist_ok=True)
        journal = Journal(**json.loads(path.read_bytes())) if path.exists() else None
        same = journal is not None and journal.fingerprint == fingerprint and journal.n_shards == self.n_shards
        return journal if same else None

    def _note(self, file: int, line: int, always: bool = False) -> None:
        if not always and self.journal.read - self._noted < _BETWEEN_NOTES:
            return
        self._noted = self.journal.read
        self.journal.file, self.journal.line = file, line
        self.journal.sizes = {spool.path.name: spool.flush() for spool in (*self._spools, self._shared)}
        fresh = self.folder / "journal.new"
        fresh.write_text(json.dumps(asdict(self.journal)))
        os.replace(fresh, self.folder / "journal.json")

    def _read(self, number: int, first: int, progress: Progress) -> None:
        path = self.files[number]
        if not path.name.endswith(NDJSON_SUFFIXES):
            content = read_document(path)
            self._add_document(number, content, None, None)
            self._count(len(content), progress)
            return
        count = self._counts.get(path)
        found = 0
        for start, block, ends in read_blocks(path):
            if count is not None:
                found += n_resources(block.split(b"\n"))
            if start + len(ends) <= first:
                continue
            size = len(block)
            if start < first:
                skipped = int(ends[first - start - 1])
                start, block, ends = first, block[skipped:], ends[first - start :] - skipped
            if not self._add_block(number, start, block, ends):
                for line_number, line in enumerate(block.split(b"\n"), start):
                    if line and not line.isspace():
                        self._add_line(number, line_number, line)
            self._count(size, progress)
            self._note(number, start + len(ends))
        if count is not None and count != found:
            self._report(number, None, wrong_count(found, count))

    def _add_block(self, file: int, first: int, block: bytes, ends: npt.NDArray[np.int64]) -> bool:
        """Sort a whole block at once; False, and nothing done, if it has a line that is not just a resource."""
        try:
            types, patients = headers_of(block)
        except UNREADABLE:
            return False
        if len(types) != len(ends) or "Bundle" in types.unique().to_pylist():
            return False
        shards = np.append(shards_of(patients.dictionary, self.n_shards), np.int16(-1))[numbers_of(patients)]
        order = np.argsort(shards, kind="stable")
        batch = lines_batch(patients, self._first_number + file, first, block, ends, types, order)
        bounds = np.searchsorted(shards[order], np.arange(-1, self.n_shards + 1)).tolist()
        for spool, start, stop in zip((self._shared, *self._spools), bounds, bounds[1:], strict=False):
            spool.append(batch.slice(start, stop - start))
        return True

    def _count(self, size: int, progress: Progress) -> None:
        self.journal.read += size
        progress(size)

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
        """The header of a resource in which something else goes by the name of a link; None for what is no resource."""
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
        """A resource, or a bundle: with a single Patient in it, all of it is that patient's."""
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
        spool = self._shared if patient is None else self._spools[int(shards_of(pa.array([patient]), self.n_shards)[0])]
        lot = Lot()
        lot.append(patient, urn, self._first_number + file, entry, raw, header.resourceType)
        spool.append(lot.batch())

    def _report(self, file: int, entry: int | None, message: str) -> None:
        self.journal.problems.append(asdict(DataProblem(str(self.files[file]), entry, None, None, message)))
