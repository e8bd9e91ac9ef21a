"""Sorting a part of the input, read once from start to end, into spool files by patient.

Only the headers of resources are decoded (`ecqm.data.loading.headers`). From time to time all spools are written to
disk and the place is noted in a journal. A sorting that was killed continues from there.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from ecqm.data.allocation import large_arrays, many_objects
from ecqm.data.fhir.compartment import OF_PATIENTS, PATIENT_LINKS, target, why_shared
from ecqm.data.files.content import Block, read_blocks, read_document
from ecqm.data.files.suffixes import NDJSON_SUFFIXES
from ecqm.data.loading.division import Place
from ecqm.data.loading.headers import UNREADABLE, Header, Link, decode_header, headers_of, patients_of
from ecqm.data.loading.spools import Spools
from ecqm.data.problems import DataError, DataProblem, name_of, reason
from ecqm.data.writing import replace_file

_JOURNAL = "journal.json"

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
    what all spools together may hold in memory, `between_notes` the bytes of input between two entries of the journal.
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
        by_shard = [part.spool_path(number) for number in range(part.n_shards)]
        self._spools = Spools(part.spool_path(None), by_shard, part.held_back)
        self._noted = self.journal.read

    def run(self) -> None:
        if self.journal.finished:
            return
        self.part.folder.mkdir(exist_ok=True)
        self._spools.cut_back(self.journal.sizes)
        while self.journal.place < self.part.stop:
            number = self.journal.place.file
            try:
                self._read(number)
            except (OSError, DataError) as error:
                if isinstance(error, OSError) and error.filename != str(self.files[number]):
                    raise
                self._report(number, None, f"cannot be read (any further): {reason(error)}")
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
        self.journal.sizes = self._spools.settle()
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
        """Sort a whole block at once. False, and nothing is done, if some line is not just a resource of one patient,
        or of none."""
        try:
            headers = headers_of(block)
        except UNREADABLE:
            return False
        if len(headers.types) != len(block.ends) or headers.several or "Bundle" in headers.types.unique().to_pylist():
            return False
        self._spools.add_lines(self.part.first_number + file, block, headers)
        without = headers.patients.indices.is_null().to_numpy(zero_copy_only=False)
        for place in np.flatnonzero(without).tolist() if headers.lacks_patients(OF_PATIENTS) else ():
            line = block.line(place)
            self._check(file, block.first + place, self._header(file, block.first + place, line), line)
        return True

    def _add_lines(self, file: int, block: Block) -> int:
        """Sort the lines of a block one by one. Returns how many are not blank.

        Lines keep their newlines, as they do in whole blocks: the result must not depend on where the part, and so the
        block, begins.
        """
        found = 0
        for number, line in enumerate(map(block.line, range(len(block.ends))), block.first):
            if not line.isspace():
                self._add_line(file, number, line)
                found += 1
        return found

    def _add_line(self, file: int, line_number: int, line: bytes) -> None:
        header = self._header(file, line_number, line)
        if header is None:
            return
        if header.resourceType == "Bundle":
            self._add_document(file, line, line_number, None)
        else:
            self._add(patients_of(header, line), None, file, line_number, line, header)

    def _header(self, file: int, entry: int | None, raw: bytes) -> Any:
        """The header of a resource; None, with a report, if it is not a resource."""
        try:
            return decode_header(raw)
        except UNREADABLE:
            # Some other element may have the name of a link.
            return self._loosely_decoded(file, entry, raw)

    def _loosely_decoded(self, file: int, entry: int | None, raw: bytes) -> Any:
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
        patients = [(header.id or urn, urn) for header, _, _, urn in found if header.resourceType == "Patient"]
        names = {name for name, _ in patients if name}
        by_urn = {urn: name for name, urn in patients if urn}
        for header, raw, place, resource_urn in found:
            if len(names) == 1:
                named = list(names)
            elif header.resourceType == "Patient":
                named = [name for name in (header.id or resource_urn,) if name]
            else:
                named = list(dict.fromkeys(by_urn.get(name, name) for name in patients_of(header, raw, by_urn)))
            self._add(named, resource_urn, file, -1 if place is None else place, raw, header)

    def _unbundled(
        self, file: int, content: bytes | msgspec.Raw, entry: int | None, urn: str | None
    ) -> Iterator[tuple[Any, bytes, int | None, str | None]]:
        raw = bytes(content)
        header = self._header(file, entry, raw)
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

    def _add(self, patients: Sequence[str], urn: str | None, file: int, entry: int, raw: bytes, header: Any) -> None:
        for patient in patients or (None,):
            self._spools.add(patient, urn, self.part.first_number + file, entry, raw, header.resourceType)
        if not patients:
            self._check(file, None if entry < 0 else entry, header, raw)

    def _check(self, file: int, entry: int | None, header: Any, raw: bytes) -> None:
        """Report a resource of no patient if that is not usual."""
        message = why_shared(header.resourceType, header, raw)
        if message is not None:
            self._report(file, entry, message, f"{header.resourceType}/{header.id}")

    def _report(self, file: int, entry: int | None, message: str, resource: str | None = None) -> None:
        self.journal.problems.append(asdict(DataProblem(name_of(self.files[file]), entry, None, resource, message)))
