"""The rows of a stored table."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ecqm.columns import Mask, Rows
from ecqm.data.parsing.encoding import numbers_of
from ecqm.data.store.shard import Shard
from ecqm.data.store.spool import Spool

_TABLE_COLUMNS = ("id", "@patient", "@container", "@json", "@shared")


class StoredRows:
    """The rows of a stored table: their `ids`, patient rows, containers (serials), places of JSON, and serials."""

    def __init__(self, shard: Shard, resource_type: str) -> None:
        self._shard = shard
        self._type = resource_type
        batch = shard.table(resource_type, _TABLE_COLUMNS)
        self.ids = batch.column("id") if "id" in batch.schema.names else pa.nulls(len(batch), pa.utf8())
        self.patient: Rows = batch.column("@patient").to_numpy()
        self.container: Rows = batch.column("@container").to_numpy()
        self.json: Rows = batch.column("@json").to_numpy()
        # Shards that were made in the general way do not say.
        is_known = "@shared" in batch.schema.names
        self.shared: Mask = (
            batch.column("@shared").to_numpy(zero_copy_only=False) if is_known else np.zeros(len(batch), np.bool_)
        )
        self.first_serial = int(batch.schema.metadata[b"serial"])

    def __len__(self) -> int:
        return len(self.patient)

    def with_ids(self, ids: pa.Array) -> Mask:
        """Which rows have one of some ids (utf8), contained resources left out."""
        if pa.types.is_dictionary(self.ids.type):
            wanted = pc.is_in(self.ids.dictionary, value_set=ids).to_numpy(zero_copy_only=False)
            found: Mask = np.append(wanted, False)[numbers_of(self.ids)]
        else:
            found = pc.is_in(self.ids, value_set=ids.cast(self.ids.type)).to_numpy(zero_copy_only=False)
        return found & (self.container < 0)

    @property
    def own(self) -> Mask:
        """Which rows are resources of their patients: neither contained nor shared."""
        return (self.container < 0) & ~self.shared

    def spooled(self, patients: pa.Array, places: Rows, files: Collection[str]) -> pa.RecordBatch:
        """Some rows as they are in spools; `patients` are the ids of the patients, `files` the names of the files."""
        batch = self._shard.table(self._type, ("@file", "@entry", "@urn")).take(pa.array(places))
        columns = [
            patients.take(pa.array(self.patient[places])),
            batch.column("@urn"),
            file_numbers(batch.column("@file"), files),
            batch.column("@entry"),
            self._shard.json.take(self.json[places]).combine_chunks(),
            pa.repeat(self._type, len(places)),
        ]
        return pa.RecordBatch.from_arrays(columns, schema=Spool.SCHEMA)


def file_numbers(files: pa.DictionaryArray, names: Collection[str]) -> pa.Array:
    """The numbers (int32) of files among some names."""
    return pc.index_in(files.dictionary, value_set=pa.array(names, pa.utf8())).take(files.indices)
