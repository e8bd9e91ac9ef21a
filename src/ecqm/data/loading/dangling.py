"""The references in a shard that lead nowhere, counted from its stored tables."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pyarrow as pa

from ecqm.columns import Rows
from ecqm.data.parsing.encoding import named, numbers_of
from ecqm.data.parsing.links import Links, Targets
from ecqm.data.store.references import references_of
from ecqm.data.store.shard import layouts_of


class _Found(NamedTuple):
    element: str
    links: Links
    patient: Rows
    serial: Rows


class DanglingCounts:
    """Counts references without a target, once all tables of a shard are added (see `Cohort.dangling_counts`)."""

    def __init__(self) -> None:
        self._targets = Targets()
        self._found: list[_Found] = []

    def add(self, resource_type: str, batch: pa.RecordBatch, first_serial: int) -> None:
        """Add a table of the shard."""
        patient, container = (batch.column(name).to_numpy() for name in ("@patient", "@container"))
        serial = first_serial + np.arange(len(batch))
        ids = _encoded(batch.column("id") if "id" in batch.schema.names else pa.nulls(len(batch), pa.utf8()))
        inner, outer = np.flatnonzero(container >= 0), np.flatnonzero(container < 0)
        if len(inner):
            self._targets.add_contained(container[inner], ids.take(pa.array(inner)))
        if len(outer):
            places = pa.array(outer)
            self._targets.add(resource_type, patient[outer], ids.take(places), batch.column("@urn").take(places))
        for element, layout in layouts_of(batch).items():
            for path, texts, rows in references_of(element, batch.column(element), layout, np.arange(len(batch))):
                links = Links(numbers_of(texts), texts.dictionary, *named(texts.dictionary), rows)
                self._found.append(_Found(f"{resource_type}.{path}", links, patient[rows], serial[rows]))

    def counts(self) -> dict[str, int]:
        """How many references lead nowhere, by element."""
        counts: dict[str, int] = {}
        for element, links, patient, serial in self._found:
            missing = self._targets.missing(links, patient, serial)
            if missing:
                counts[element] = counts.get(element, 0) + missing
        return counts


def _encoded(ids: pa.Array) -> pa.DictionaryArray:
    return ids if pa.types.is_dictionary(ids.type) else ids.cast(pa.utf8()).dictionary_encode()
