"""Shards after an increment, made straight: most of a shard stays as it is.

Only new and changed resources are parsed. Their rows are put between the rows that stay, column by column
(`ecqm.data.store.joining`); tables without changes stay as they are. The JSON of an increment goes to the end of the
spools; that of replaced and deleted resources stays there, unused. A shard in which this is a third of all resources is
made anew from its JSON. So is one if an increment has resources without an id, which might be there already.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa

from ecqm.columns import Rows
from ecqm.data.fhir.schema import fhir_schema
from ecqm.data.loading.changes import Change
from ecqm.data.loading.dangling import DanglingCounts
from ecqm.data.loading.jobs import Base, ShardJob
from ecqm.data.loading.shared_index import SharedIndex
from ecqm.data.loading.stored_rows import file_numbers
from ecqm.data.loading.straight import StraightResources, without_birth_date
from ecqm.data.parsing.encoding import CodeNumbers
from ecqm.data.parsing.plain import NotPlain
from ecqm.data.problems import DataProblem
from ecqm.data.store.joining import Elements, Joining
from ecqm.data.store.pruning import pruned
from ecqm.data.store.shard import LATER, layouts_of, resources_spool, table_file
from ecqm.data.store.shard_writer import ShardWriter
from ecqm.data.store.store import ShardEntry

# Resources per block of JSON that is written anew.
_BLOCK = 1024


def write_increment(folder: Path, job: ShardJob, base: Base) -> ShardEntry | None:
    """Write a shard after an increment; None if nothing in it changes. Raises NotPlain."""
    unreadable: frozenset[str] = frozenset()
    while True:
        change = Change(job, base, unreadable)
        if not change.is_any:
            return None
        if base.shard.links is None:
            raise NotPlain("the shard was made in the general way")
        made_anew = change.has_nameless or change.becomes_shared or _has_many_unused(change)
        resources = _all_resources(job, change) if made_anew else _new_resources(job, base, change)
        # What cannot be read replaces nothing.
        if resources.unreadable <= unreadable:
            break
        unreadable |= resources.unreadable
    writer = ShardWriter(folder)
    if made_anew:
        writer.json(resources_spool(0), resources.spool.to_batches(_BLOCK))
        return resources.write(writer)
    return _IncrementedShard(job, base, change, resources, writer).write()


def _has_many_unused(change: Change) -> bool:
    return 2 * (change.n_before - change.n_alive) > change.n_alive + len(change.new)


def _all_resources(job: ShardJob, change: Change) -> StraightResources:
    return StraightResources(change.everything(), SharedIndex(job.shared), job.demand, job.default_offset, job.files)


def _new_resources(job: ShardJob, base: Base, change: Change) -> StraightResources:
    resources, _ = change.resources
    return StraightResources(
        resources,
        SharedIndex(job.shared),
        job.demand,
        job.default_offset,
        job.files,
        change.known,
        change.linked,
        CodeNumbers.numbered(*base.shard.stored_codes()),
    )


class _IncrementedShard:
    """The rows of a shard that stay, and new ones, written as a shard."""

    def __init__(
        self, job: ShardJob, base: Base, change: Change, resources: StraightResources, writer: ShardWriter
    ) -> None:
        self._job = job
        self._shard = base.shard
        self._change = change
        self._resources = resources
        self._writer = writer
        self._joining = Joining(fhir_schema())
        self._kept = {name: np.flatnonzero(change.kept(name)) for name in change.rows}
        # By resource type, where something changes: the rows, numbered on from those stored before to the new ones.
        self._order: dict[str, Rows] = {}
        self._first: dict[str, int] = {}
        self._number_rows()

    def write(self) -> ShardEntry:
        """Write everything. Gives the entry for the manifest."""
        self._write_json()
        dangling = DanglingCounts()
        counts: dict[str, int] = {}
        missing_birth_dates = 0
        for name in sorted({*self._kept, *self._resources.tables}):
            if name in self._order and not len(self._order[name]):
                continue
            batch = self._table(name) if name in self._order else self._same_table(name)
            dangling.add(name, batch, self._first[name])
            counts[name] = int(np.count_nonzero(batch.column("@container").to_numpy() < 0))
            if name == "Patient":
                columns = dict(zip(batch.schema.names, batch.columns, strict=True))
                missing_birth_dates = without_birth_date(self._job.demand, len(self._resources.patients), columns)
        resources = self._resources
        checksums = self._writer.finish(resources.codes.pairs(), resources.patients.to_pylist(), self._problems())
        n = len(resources.patients)
        return ShardEntry(self._writer.folder.name, n, counts, checksums, missing_birth_dates, dangling.counts())

    def _number_rows(self) -> None:
        """Order the rows of changed tables by patient, and number all rows (their serials)."""
        change, resources = self._change, self._resources
        ends = [rows.first_serial + len(rows) for rows in change.rows.values()]
        first = max(ends, default=0)
        # The new serials by the old ones, and by those among the new resources.
        self._serials_before = np.append(np.arange(first), -1)
        self._serials_of_new = np.full(len(resources) + 1, -1)
        changed = [name for name in change.rows if not self._is_same(name)]
        ends_of_new = np.cumsum([0, *map(len, resources.tables.values())]).tolist()
        first_of_new = dict(zip(resources.tables, ends_of_new, strict=False))
        for name in dict.fromkeys((*changed, *resources.tables)):
            kept, n_before = self._kept.get(name, np.zeros(0, np.int64)), len(change.rows.get(name, ()))
            table = resources.tables.get(name)
            patients = change.patient_rows[change.rows[name].patient[kept]] if len(kept) else kept
            rows = kept
            if table is not None:
                patients = np.append(patients, table.numbers("patient"))
                rows = np.append(rows, n_before + np.arange(len(table)))
            order = np.argsort(patients, kind="stable")
            self._order[name], self._first[name] = rows[order], first
            serials = np.empty(len(order), np.int64)
            serials[order] = first + np.arange(len(order))
            if name in change.rows:
                self._serials_before[change.rows[name].first_serial + kept] = serials[: len(kept)]
            if table is not None:
                self._serials_of_new[first_of_new[name] + np.arange(len(table))] = serials[len(kept) :]
            first += len(order)

    def _is_same(self, name: str) -> bool:
        """Whether a table stays as it is."""
        rows = self._change.rows[name]
        return (
            name not in self._resources.tables
            and len(self._kept[name]) == len(rows)
            and not self._change.vanished.any()
            and bool((rows.container < 0).all())
        )

    def _same_table(self, name: str) -> pa.RecordBatch:
        file = table_file(name)
        self._writer.keep(file, self._shard.path(file), self._shard.checksum(file))
        self._first[name] = self._change.rows[name].first_serial
        return self._shard.table(name)

    def _table(self, name: str) -> pa.RecordBatch:
        """A table with rows that stay and new ones, which is written."""
        before = self._shard.table(name) if len(self._kept.get(name, ())) else None
        has_new = name in self._resources.tables
        new, layouts = self._resources.stored(name) if has_new else ({}, {})
        order = pa.array(self._order[name])
        rows: dict[str, list[pa.Array]] = {}
        elements: list[Elements] = [{}, {}]
        sizes = [len(self._change.rows.get(name, ())), len(self._resources.tables[name]) if has_new else 0]
        if before is not None:
            stored = layouts_of(before)
            elements[0] = {element: (before.column(element), layout) for element, layout in stored.items()}
            self._add(rows, self._columns_before(name, before))
        else:
            order = pa.array(self._order[name] - sizes[0])
            sizes[0] = 0
        if has_new:
            elements[1] = {element: (new[element], layout) for element, layout in layouts.items()}
            self._add(rows, self._columns_of_new(new))
        arrays = {column: pa.concat_arrays(parts).take(order) for column, parts in rows.items()}
        arrays["@file"] = pa.DictionaryArray.from_arrays(arrays["@file"], pa.array(self._job.files, pa.utf8()))
        found = {}
        for element, (array, layout) in self._joining.elements(
            name, elements[0], sizes[0], elements[1], sizes[1]
        ).items():
            made = pruned(array.take(order), layout)
            if made is not None:
                arrays[element], found[element] = made
        return self._writer.table(name, arrays, found, self._first[name])

    def _add(self, rows: dict[str, list[pa.Array]], columns: Iterator[tuple[str, pa.Array]]) -> None:
        for name, column in columns:
            rows.setdefault(name, []).append(column)

    def _columns_before(self, name: str, batch: pa.RecordBatch) -> Iterator[tuple[str, pa.Array]]:
        rows = self._change.rows[name]
        yield "@patient", pa.array(self._change.patient_rows[rows.patient])
        yield "@container", pa.array(self._serials_before[rows.container])
        yield "@file", file_numbers(batch.column("@file"), self._job.files)
        for column in ("@entry", "@urn", "@json", "@shared"):
            yield column, batch.column(column)

    def _columns_of_new(self, columns: dict[str, pa.Array]) -> Iterator[tuple[str, pa.Array]]:
        yield "@patient", columns["@patient"]
        yield "@container", pa.array(self._serials_of_new[columns["@container"].to_numpy()])
        yield "@file", columns["@file"].indices
        yield "@json", pa.array(self._places[columns["@json"].to_numpy()], pa.int32())
        for column in ("@entry", "@urn", "@shared"):
            yield column, columns[column]

    def _write_json(self) -> None:
        """Write the JSON: the spools as they are, with new resources at the end; and what else has places in them."""
        change, resources, shard = self._change, self._resources, self._shard
        for name in shard.spools:
            if name != LATER:
                shard.content(name)
                self._writer.keep(name, shard.path(name), shard.checksum(name))
        again = change.without_patient
        first = change.n_before + len(change.new) + len(again)
        places, given = self._given_places(first)
        before = shard.content(LATER) if LATER in shard.spools else None
        self._writer.later(before, self._job.spools, chain(again.to_batches(_BLOCK), given.to_batches(_BLOCK)))
        _, own = change.resources
        # The last one is for contained resources.
        self._places = np.concatenate([own, places, np.full(1, -1)])
        self._writer.lost(np.sort(np.append(change.lost, own[resources.lost])))
        keys, names = resources.links
        links_before, names_before = change.links
        self._writer.links(np.append(links_before, own[keys]), pa.concat_arrays([names_before, names]))

    def _given_places(self, first: int) -> tuple[Rows, pa.Table]:
        """The places of the JSON of shared resources, and those of them that are not in the spools yet, which have
        places from `first` on."""
        there = self._change.shared_places
        known = dict(zip(self._shard.json.take(there).to_pylist(), there.tolist(), strict=True))
        given = self._resources.given_json
        found = [known.get(raw, -1) for raw in given["json"].to_pylist()]
        places = np.array(found, np.int64)
        is_new = places < 0
        places[is_new] = first + np.arange(int(is_new.sum()))
        return places, given.filter(pa.array(is_new))

    def _problems(self) -> list[DataProblem]:
        problems = self._shard.problems()
        if not problems:
            return self._resources.problems
        gone, arrived = self._change.gone_origins(), self._change.arrived
        before = [
            problem
            for problem in problems
            if (problem.file, problem.entry, problem.patient) not in gone and problem.patient not in arrived
        ]
        return [*before, *self._resources.problems]
