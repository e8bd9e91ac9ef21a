"""What an increment changes in a shard: which rows of its tables stay, and which resources become new rows."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ecqm.columns import Mask, Rows
from ecqm.data.cohort.assembly import References
from ecqm.data.loading.identities import Identities
from ecqm.data.loading.jobs import Base, ShardJob
from ecqm.data.loading.shared_index import SharedIndex
from ecqm.data.loading.sharing import Linked, spooled
from ecqm.data.loading.stored_rows import StoredRows
from ecqm.data.store.spool import Spool, decode_identity


class Change:
    """What an increment changes in a shard.

    Rows stay unless their resource is replaced or deleted, or its patient has no Patient resource any more. Patients
    with new rows or with rows that do not stay, and those who refer to a new shared resource, are given their shared
    resources again. `unreadable` are resources of the increment (`Encounter/1`) that cannot be read: they replace
    nothing.
    """

    def __init__(self, job: ShardJob, base: Base, unreadable: Collection[str]) -> None:
        self._job = job
        self._shard = base.shard
        self._base = base
        self._unreadable = pa.array(unreadable, pa.utf8())
        identities = Identities(base.identities, base.number)
        self._fresh = identities.shared_names
        self.new = spooled(job.spools)
        self.n_before = len(base.shard.json)
        self.ids = base.shard.ids()
        self.rows = {name: StoredRows(base.shard, name) for name in base.shard.resource_types}
        of_shard = identities.of_shard
        names = pc.binary_join_element_wise(of_shard["type"], of_shard["id"], "/").combine_chunks()
        self._wanted = ~_is_in(names, pa.array(job.deleted, pa.utf8()))
        self.has_nameless = bool(names.null_count)
        self._new_patients = self.new["patient"].filter(
            pa.array(
                _is_in(self.new["type"].combine_chunks(), pa.array(["Patient"]))
                & self._wanted
                & ~_is_in(names, self._unreadable)
            )
        )
        self._replaced = _with_deleted(identities.replaced(unreadable), job.deleted)
        self.dropped = {name: self._is_dropped(name, rows) for name, rows in self.rows.items()}
        self._drop_contained()
        self.vanished = self._has_vanished()
        self.affected = self._is_affected()

    @property
    def is_any(self) -> bool:
        """Whether anything changes."""
        may_refer = self._shard.links is None and len(self._fresh)
        gone = any(gone.any() for _, _, gone, _ in self._lost)
        return bool(len(self.new) or self.affected.any() or gone or may_refer)

    @property
    def becomes_shared(self) -> bool:
        """Whether a resource of a patient is replaced by a shared one. References to it were not kept."""
        shared = _with_deleted({}, self._fresh.to_pylist())
        return any((rows.own & rows.with_ids(shared[name])).any() for name, rows in self.rows.items() if name in shared)

    @property
    def n_alive(self) -> int:
        """How many of the resources in the spools of the shard are still used."""
        used = np.zeros(self.n_before + 1, np.bool_)
        used[self.lost] = True
        for name, rows in self.rows.items():
            used[rows.json[self.kept(name)]] = True
        # The last one is for contained resources.
        return int(np.count_nonzero(used[:-1]))

    @cached_property
    def known(self) -> pa.Array:
        """The ids of the patients who stay."""
        return self.ids.filter(pa.array(~self.vanished))

    @cached_property
    def patient_rows(self) -> Rows:
        """The patient rows of the patients, now that some are gone; -1 for these."""
        return np.where(self.vanished, -1, np.cumsum(~self.vanished) - 1)

    def kept(self, resource_type: str) -> Mask:
        """Which rows of a table stay."""
        rows = self.rows[resource_type]
        gone = self.dropped[resource_type] | self.vanished[rows.patient]
        kept: Mask = ~(gone | (rows.shared & self.affected[rows.patient]))
        return kept

    @cached_property
    def links(self) -> tuple[Rows, pa.Array]:
        """The references to resources that are not of patients of this shard, in rows that stay."""
        links = self._links
        kept = self._patient_of_place[links[0]] >= 0
        return links[0][kept], links[1].filter(pa.array(kept))

    @property
    def linked(self) -> Linked:
        """Those of them that patients have who are given their shared resources again."""
        places, names = self.links
        patients = self._patient_of_place[places]
        again = self.affected[patients]
        return Linked(self.patient_rows[patients[again]], names.filter(pa.array(again)))

    @cached_property
    def lost(self) -> Rows:
        """The places of resources that were lost before and still are."""
        kept = [places[~(gone | found)] for _, places, gone, found in self._lost]
        return np.concatenate([np.zeros(0, np.int64), *kept])

    @cached_property
    def resources(self) -> tuple[pa.Table, Rows]:
        """The resources that become new rows, or are lost, and their places: those of the increment, those that were
        lost until their patients came, and those of patients who are gone. Places from `n_before + len(new)` on are
        for the last ones: they have to be written again, with their patients."""
        places = self.n_before + np.flatnonzero(self._wanted)
        parts, found = [self.new.filter(pa.array(self._wanted))], [places]
        for batch, at, gone, is_found in self._lost:
            chosen = pa.array(is_found & ~gone)
            parts.append(pa.Table.from_batches([batch.filter(chosen)]))
            found.append(at[is_found & ~gone])
        again = self.without_patient
        parts.append(again)
        found.append(self.n_before + len(self.new) + np.arange(len(again)))
        return pa.concat_tables(parts).combine_chunks(), np.concatenate(found)

    @cached_property
    def without_patient(self) -> pa.Table:
        """The resources of patients who are gone."""
        return self._as_spooled({name: rows.own & self.vanished[rows.patient] for name, rows in self.rows.items()})

    def everything(self) -> pa.Table:
        """All resources that patients have after the increment, the latest ones first, and those that are lost."""
        parts = [self.new.filter(pa.array(self._wanted))]
        parts += [pa.Table.from_batches([batch.filter(pa.array(~gone))]) for batch, _, gone, _ in self._lost]
        parts.append(self._as_spooled({name: rows.own for name, rows in self.rows.items()}))
        return pa.concat_tables(parts).combine_chunks()

    def gone_origins(self) -> set[tuple[str, int, str]]:
        """The files, entries and patients of the resources that do not stay."""
        found: set[tuple[str, int, str]] = set()
        for name, rows in self.rows.items():
            gone = self.dropped[name] | self.vanished[rows.patient]
            if gone.any():
                batch = self._shard.table(name, ("@file", "@entry")).filter(pa.array(gone))
                patients = self.ids.take(pa.array(rows.patient[gone])).to_pylist()
                files, entries = (batch.column(each).to_pylist() for each in ("@file", "@entry"))
                found.update(zip(files, entries, patients, strict=True))
        return found

    @property
    def arrived(self) -> set[str]:
        """The ids of the patients who were not there before."""
        return set(self._new_patients.to_pylist()) - set(self.ids.to_pylist())

    def _is_dropped(self, name: str, rows: StoredRows) -> Mask:
        ids = self._replaced.get(name)
        dropped = np.zeros(len(rows), np.bool_) if ids is None else rows.with_ids(ids)
        if self._base.replaces_patients:
            dropped |= self._is_replaced_patient[rows.patient]
        return dropped

    @cached_property
    def _is_replaced_patient(self) -> Mask:
        return _is_in(self.ids, self.new["patient"].combine_chunks())

    def _drop_contained(self) -> None:
        serials = [rows.first_serial + np.flatnonzero(self.dropped[name]) for name, rows in self.rows.items()]
        dropped = np.concatenate([np.zeros(0, np.int64), *serials])
        for name, rows in self.rows.items():
            self.dropped[name] |= (rows.container >= 0) & np.isin(rows.container, dropped)

    def _has_vanished(self) -> Mask:
        vanished = np.zeros(len(self.ids), np.bool_)
        if "Patient" in self.rows:
            rows = self.rows["Patient"]
            vanished[rows.patient[self.dropped["Patient"] & rows.own]] = True
        return vanished & ~_is_in(self.ids, self._new_patients.combine_chunks())

    def _is_affected(self) -> Mask:
        affected = _is_in(self.ids, self.new["patient"].combine_chunks())
        for name, rows in self.rows.items():
            affected[rows.patient[self.dropped[name]]] = True
        if len(self._fresh):
            places, names = self._links
            owners = self._patient_of_place[places[_is_in(names, self._fresh)]]
            affected[owners[owners >= 0]] = True
            referring = self._shared_places_naming(set(self._fresh.to_pylist()))
            for rows in self.rows.values():
                affected[rows.patient[np.isin(rows.json, referring)]] = True
        return affected

    def _shared_places_naming(self, names: set[str]) -> Rows:
        """The places of shared resources that refer to one of some names."""
        places = self.shared_places
        references = References(SharedIndex(self._job.shared).types)
        raws = self._shard.json.take(places).to_pylist()
        refers = [not names.isdisjoint(references.names(raw)) for raw in raws]
        return places[np.array(refers, np.bool_)]

    @cached_property
    def shared_places(self) -> Rows:
        """The places of shared resources that patients have, or had before the increment."""
        is_shared = np.zeros(self.n_before + 1, np.bool_)
        for rows in self.rows.values():
            is_shared[rows.json[rows.shared]] = True
        return np.flatnonzero(is_shared[:-1])

    @cached_property
    def _links(self) -> tuple[Rows, pa.Array]:
        links = self._shard.links
        if links is None:
            return np.zeros(0, np.int64), pa.array([], pa.utf8())
        return links.column("place").to_numpy(), links.column("name").cast(pa.utf8())

    @cached_property
    def _patient_of_place(self) -> Rows:
        """The patient row of each place of a resource that stays; -1 for other places."""
        patient = np.full(self.n_before, -1)
        for name, rows in self.rows.items():
            chosen = rows.own & ~self.dropped[name] & ~self.vanished[rows.patient]
            patient[rows.json[chosen]] = rows.patient[chosen]
        return patient

    @cached_property
    def _lost(self) -> list[tuple[pa.RecordBatch, Rows, Mask, Mask]]:
        """Lost resources and their places; which of them are replaced or deleted, and whose patients came."""
        found = []
        for batch, places in self._shard.lost_batches():
            known = [decode_identity(raw) for raw in batch["json"].to_pylist()]
            names = pa.array([f"{each.resourceType}/{each.id}" for each in known], pa.utf8())
            replaced = pa.concat_arrays(
                [pa.array([], pa.utf8()), *(_names(name, ids) for name, ids in self._replaced.items())]
            )
            gone = _is_in(names, replaced)
            if self._base.replaces_patients:
                gone |= _is_in(batch["patient"], self.new["patient"].combine_chunks())
            found.append((batch, places, gone, _is_in(batch["patient"], self._new_patients.combine_chunks())))
        return found

    def _as_spooled(self, chosen: Mapping[str, Mask]) -> pa.Table:
        """Rows of the tables as they are in spools, without those that are dropped."""
        places = {name: np.flatnonzero(mask & ~self.dropped[name]) for name, mask in chosen.items()}
        files = self._job.files
        batches = [self.rows[name].spooled(self.ids, rows, files) for name, rows in places.items() if len(rows)]
        return pa.Table.from_batches(batches, Spool.SCHEMA)


def _with_deleted(ids: Mapping[str, pa.Array], deleted: Collection[str]) -> dict[str, pa.Array]:
    """Ids by type, and those of further names ("Encounter/1")."""
    found: dict[str, list[str]] = {}
    for name in deleted:
        resource_type, slash, identifier = name.partition("/")
        if slash:
            found.setdefault(resource_type, []).append(identifier)
    none = pa.array([], pa.utf8())
    return {
        name: pa.concat_arrays([ids.get(name, none), pa.array(found.get(name, ()), pa.utf8())])
        for name in {**ids, **found}
    }


def _names(resource_type: str, ids: pa.Array) -> pa.Array:
    return pc.binary_join_element_wise(pa.scalar(resource_type), ids, "/")


def _is_in(texts: pa.Array, among: pa.Array) -> Mask:
    """Which texts are among others; nulls are not."""
    found: Mask = pc.is_in(texts, value_set=among, skip_nulls=True).to_numpy(zero_copy_only=False)
    return found.copy()
