"""Writing a shard of the cohort store (`ecqm.data.store.shard` says what is in it)."""

from __future__ import annotations

import json
import os
import shutil
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa

from ecqm.columns import Rows
from ecqm.data.cohort.cohort import Cohort
from ecqm.data.cohort.table import ResourceTable
from ecqm.data.problems import DataProblem
from ecqm.data.store.arrow import Layout, to_arrow
from ecqm.data.store.shard import LATER, LINKS, LOST, resources_spool, table_file
from ecqm.data.store.spool import Spool, json_batch
from ecqm.data.writing import settle

# Columns are read often: nothing is unpacked faster than LZ4.
_COLUMNS = pa.ipc.IpcWriteOptions(compression="lz4")


class ShardWriter:
    """Writes a shard into a folder: its tables one by one, then the rest."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self.folder = folder
        self._checksums: dict[str, int] = {}

    def table(
        self, name: str, arrays: Mapping[str, pa.Array], layouts: Mapping[str, Layout], first_serial: int
    ) -> pa.RecordBatch:
        """Write a table: its columns and elements, with the layouts of the elements. Gives what is written."""
        batch = _batch(arrays).replace_schema_metadata({"layouts": json.dumps(layouts), "serial": str(first_serial)})
        self._write(table_file(name), batch)
        return batch

    def spools(self, sources: Iterable[Path]) -> None:
        """Add JSON that is in spools already; it stays there as well."""
        for number, source in enumerate(sources):
            name = resources_spool(number)
            _link(source, self.folder / name)
            self._sum_up(name)

    def keep(self, name: str, source: Path, checksum: int) -> None:
        """Add a file of another shard, which stays there as well."""
        _link(source, self.folder / name)
        self._checksums[name] = checksum

    def lost(self, places: Rows) -> None:
        """Write the places of resources whose patients are unknown."""
        self._write(LOST, _batch({"place": pa.array(places, pa.int32())}))

    def links(self, places: Rows, names: pa.Array) -> None:
        """Write references to resources that are not of patients of this shard."""
        self._write(LINKS, _batch({"place": pa.array(places, pa.int32()), "name": names.dictionary_encode()}))

    def later(self, before: pa.Buffer | None, sources: Iterable[Path], resources: Iterable[pa.RecordBatch]) -> None:
        """Write the spool of later loads: its content `before`, the content of further spools, and more resources."""
        spool = Spool(self.folder / LATER)
        with spool.path.open("wb") as sink:
            if before is not None:
                sink.write(memoryview(before))
            for source in sources:
                with source.open("rb") as stream:
                    shutil.copyfileobj(stream, sink)
        for batch in resources:
            spool.append(batch)
        self._sum_up(LATER)

    def json(self, name: str, resources: Iterable[pa.RecordBatch]) -> None:
        """Write JSON into a spool, each batch as a block."""
        spool = Spool(self.folder / name)
        for batch in resources:
            spool.append(batch)
        if spool.path.exists():
            self._sum_up(name)

    def finish(
        self, codes: tuple[pa.Array, pa.Array], ids: Sequence[str], problems: Sequence[DataProblem]
    ) -> dict[str, int]:
        """Write the codes (systems and codes by number), patients and problems, and wait until the whole shard is on
        disk. Gives the checksums of all files."""
        self._write("codes.arrow", _batch({"system": codes[0], "code": codes[1]}))
        self._write("patients.arrow", _batch({"id": pa.array(ids, pa.utf8())}))
        listed = json.dumps([asdict(problem) for problem in problems]).encode()
        self._write_file("problems.json", memoryview(listed))
        for name in self._checksums:
            settle(self.folder / name)
        settle(self.folder)
        return self._checksums

    def _write(self, name: str, batch: pa.RecordBatch) -> None:
        sink = pa.BufferOutputStream()
        with pa.ipc.new_file(sink, batch.schema, options=_COLUMNS) as writer:
            writer.write_batch(batch)
        self._write_file(name, memoryview(sink.getvalue()))

    def _write_file(self, name: str, content: memoryview) -> None:
        (self.folder / name).write_bytes(content)
        self._checksums[name] = zlib.crc32(content)

    def _sum_up(self, name: str) -> None:
        self._checksums[name] = zlib.crc32((self.folder / name).read_bytes())


def write_shard(folder: Path, cohort: Cohort, lost: Sequence[pa.RecordBatch] = ()) -> dict[str, int]:
    """Write a cohort, which must have kept its JSON, as a shard, together with resources of unknown patients (`lost`,
    as batches of spools). Gives the checksums of its files by name."""
    writer = ShardWriter(folder)
    tables = {name: table for name, table in sorted(cohort.tables.items()) if len(table)}
    n_before = 0
    for name, table in tables.items():
        own = ~table.contained
        arrays, layouts = _table_columns(table, np.where(own, n_before + np.cumsum(own) - 1, -1))
        writer.table(name, arrays, layouts, int(table.serial[0]))
        n_before += int(own.sum())
    writer.json(resources_spool(0), chain((json_batch(_raws(table), name) for name, table in tables.items()), lost))
    writer.lost(n_before + np.arange(sum(map(len, lost))))
    pairs = cohort.codes.since(0) if len(cohort.codes) else ()
    codes = pa.array([system for system, _ in pairs], pa.utf8()), pa.array([code for _, code in pairs], pa.utf8())
    return writer.finish(codes, cohort.ids, cohort.problems)


def _link(source: Path, target: Path) -> None:
    """Link a file to a second place, or copy it if the file system has no hard links."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _batch(arrays: Mapping[str, pa.Array]) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays(list(arrays.values()), names=list(arrays))


def _table_columns(table: ResourceTable, places: Rows) -> tuple[dict[str, pa.Array], dict[str, Layout]]:
    arrays = {
        "@patient": pa.array(table.patient),
        "@container": pa.array(table.container),
        "@file": pa.DictionaryArray.from_arrays(pa.array(table.origins.file), pa.array(table.origins.files, pa.utf8())),
        "@entry": pa.array(table.origins.entry),
        "@urn": _sparse(table.urns, len(table)),
        "@json": pa.array(places, pa.int32()),
    }
    layouts: dict[str, Layout] = {}
    for name in table.elements:
        arrays[name], layouts[name] = to_arrow(table.element(name))
    return arrays, layouts


def _raws(table: ResourceTable) -> list[bytes | None]:
    return [table.raw(row) for row in np.flatnonzero(~table.contained).tolist()]


def _sparse(texts: Mapping[int, str], n: int) -> pa.Array:
    """Texts by row, null in the other rows of n."""
    if not texts:
        return pa.nulls(n, pa.utf8())
    place = np.full(n, -1, np.int64)
    place[list(texts)] = np.arange(len(texts))
    return pa.array(texts.values(), pa.utf8()).take(pa.array(place, mask=place < 0))
