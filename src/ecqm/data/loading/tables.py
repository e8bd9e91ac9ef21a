"""Tables of FHIR JSON with the ids of patients, written to spools as loading does with files."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pyarrow as pa

from ecqm.data.fhir.demand import EVERYTHING
from ecqm.data.loading.headers import UNREADABLE
from ecqm.data.loading.jobs import ShardJob
from ecqm.data.loading.shared_index import write_index
from ecqm.data.problems import DataProblem
from ecqm.data.store.spool import Spool, decode_identity

_NAME = "table of resources"


def spool_table(batches: Iterable[tuple[pa.Array, pa.Array]], path: Path) -> list[DataProblem]:
    """Write resources to a new spool, given as ids of patients (utf8, null: of no patient) and JSON (large_binary).

    What is not a resource is left out. Returns these problems, with places in the table from 1 on.
    """
    path.touch(exist_ok=False)
    spool = Spool(path)
    problems: list[DataProblem] = []
    first = 1
    for patients, json in batches:
        types = pa.array(_types(patients, json.to_pylist(), first, problems), pa.utf8())
        n = len(json)
        origin = [pa.nulls(n, pa.utf8()), pa.array(np.zeros(n, np.int32)), pa.array(np.arange(first, first + n))]
        batch = pa.RecordBatch.from_arrays([patients, *origin, json, types], schema=Spool.SCHEMA)
        spool.append(batch.filter(types.is_valid()) if types.null_count else batch)
        first += n
    return problems


def table_job(spool: Path, shared: Path, default_offset: int) -> ShardJob:
    """The job of making a shard of a spool that `spool_table` wrote, and of a spool of resources of no patient.

    Files are written beside `spool`. `default_offset` is in minutes east of UTC.
    """
    index = spool.with_suffix(".shared")
    write_index(shared, index)
    return ShardJob(spool.with_suffix(".shard"), (spool,), index, EVERYTHING, default_offset, (_NAME,))


def _types(patients: pa.Array, raws: list[bytes], first: int, problems: list[DataProblem]) -> list[str | None]:
    """The types of resources; None for what is not a resource, which is reported."""
    with suppress(*UNREADABLE):
        types: list[str | None] = [identity.resourceType for identity in map(decode_identity, raws)]
        if all(types):
            return types
    # Some are not resources: decode them one by one.
    types = []
    for place, (patient, raw) in enumerate(zip(patients.to_pylist(), raws, strict=True), first):
        try:
            types.append(decode_identity(raw).resourceType or None)
            message = "not a FHIR resource"
        except UNREADABLE as error:
            types.append(None)
            message = str(error)
        if types[-1] is None:
            problems.append(DataProblem(_NAME, place, patient, None, f"not a resource that can be read: {message}"))
    return types
