"""Patients that are in several sources of data, such as two stores.

Sources are evaluated apart from each other, so that a patient in two of them would be counted in each, with a part of
the data. Only hashes of ids are held in memory, 8 bytes per patient.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ecqm.data.loading.spools import hashes_of
from ecqm.data.problems import DataError


@dataclass(frozen=True)
class PatientSource:
    """A source of patients: its name in messages, and their ids (utf8) in batches, read anew by each call."""

    name: str
    ids: Callable[[], Iterator[pa.Array]]


def require_disjoint(sources: Sequence[PatientSource]) -> None:
    """Raises DataError if a patient is in more than one of the sources, naming one of them."""
    if len(sources) < 2:
        return
    seen = np.zeros(0, np.uint64)
    for number, source in enumerate(sources):
        hashes = [np.zeros(0, np.uint64)]
        for ids in source.ids():
            hashes.append(hashes_of(ids))
            suspected = ids.filter(pa.array(np.isin(hashes[-1], seen)))
            if len(suspected):
                _compare(source.name, suspected, sources[:number])
        seen = np.concatenate((seen, *hashes))


def _compare(name: str, suspected: pa.Array, earlier: Sequence[PatientSource]) -> None:
    """Raises DataError if a suspected id is in an earlier source: different ids may have one hash."""
    for source in earlier:
        for ids in source.ids():
            common = ids.filter(pc.is_in(ids, value_set=suspected))
            if len(common):
                raise DataError(
                    f"patient {common[0]} is in {source.name} and in {name}, and would be counted twice: a store is "
                    "evaluated apart from other data; put the data together in one store (ecqm load DATA --output "
                    "STORE --append), or use a run for each"
                )
