"""The identities of the resources of an increment. Older resources that have them are replaced, in whichever shard they
are: a resource may move to another patient, or become a shared one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ecqm.columns import Mask
from ecqm.data.fhir.compartment import PARTICIPANTS
from ecqm.data.store.spool import decode_identity, read_batches
from ecqm.data.writing import replacing

# The number that stands for no shard: that of shared resources.
_SHARED = -1
_SCHEMA = pa.schema([("shard", pa.int32()), ("type", pa.utf8()), ("id", pa.utf8()), ("urn", pa.utf8())])


def write_identities(path: Path, shared: Path, spools: Iterable[tuple[int, Iterable[Path]]]) -> None:
    """Write the identities of the resources in the spool of shared ones, and in those of each shard."""
    with replacing(path) as fresh, pa.ipc.new_file(str(fresh), _SCHEMA) as writer:
        for number, paths in ((_SHARED, (shared,)), *spools):
            for batch in _identities(number, paths):
                writer.write_batch(batch)


def _identities(shard: int, paths: Iterable[Path]) -> Iterator[pa.RecordBatch]:
    for batch in read_batches(paths):
        ids = pa.array((decode_identity(raw).id for raw in batch["json"].to_pylist()), pa.utf8())
        numbers = pa.array(np.full(len(batch), shard, np.int32))
        yield pa.RecordBatch.from_arrays([numbers, batch["type"], ids, batch["urn"]], schema=_SCHEMA)


class Identities:
    """The identities in a file, for one shard or (None) for all."""

    def __init__(self, path: Path, shard: int | None = None) -> None:
        table = pa.ipc.open_file(str(path)).read_all().combine_chunks()
        number = table["shard"].to_numpy()
        self._table = table
        self._is_shared: Mask = number == _SHARED
        self._is_own: Mask = ~self._is_shared if shard is None else number == shard

    @property
    def of_shard(self) -> pa.Table:
        """The types and ids of the resources in the spools of the shard, in their order."""
        return self._table.filter(pa.array(self._is_own))

    @property
    def names(self) -> pa.Array:
        """The names of all resources (`Encounter/1`)."""
        return _names(self._table).drop_null()

    @property
    def elsewhere(self) -> set[str]:
        """The names of the resources that are shared, or of patients of other shards."""
        return set(_names(self._table.filter(pa.array(~self._is_own))).drop_null().to_pylist())

    def of_patients(self, types: Collection[str]) -> frozenset[str]:
        """The names of the resources of patients of the shard that have one of some types."""
        own = self.of_shard
        chosen = own.filter(pc.is_in(own["type"], value_set=pa.array(types, pa.utf8())))
        return frozenset(_names(chosen).drop_null().to_pylist())

    @property
    def shared_names(self) -> pa.Array:
        """The names that references have for the shared resources."""
        shared = self._table.filter(pa.array(self._is_shared))
        urns = shared["urn"].combine_chunks()
        return pa.concat_arrays([_names(shared).drop_null(), urns.drop_null()])

    def replaced(self, unreadable: Iterable[str]) -> Mapping[str, pa.Array]:
        """The ids of all resources by type, but for some of the shard that cannot be read (`Encounter/1`)."""
        table = self._table
        names = pa.array(unreadable, pa.utf8())
        if len(names):
            # Resources of several patients are in several shards, and cannot be read in any.
            of_several = pc.is_in(table["type"], value_set=pa.array([*PARTICIPANTS], pa.utf8()))
            not_read = pc.and_(pc.is_in(_names(table), value_set=names), pc.or_(pa.array(self._is_own), of_several))
            table = table.filter(pc.invert(not_read))
        return {
            name: table.filter(pc.equal(table["type"], name))["id"].drop_null().combine_chunks()
            for name in table["type"].unique().to_pylist()
        }


def _names(table: pa.Table) -> pa.Array:
    return pc.binary_join_element_wise(table["type"].combine_chunks(), table["id"].combine_chunks(), "/")
