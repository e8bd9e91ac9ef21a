"""All resources of one type in a cohort, ordered by patient, with their elements as columns."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, NamedTuple

import msgspec
import numpy as np

from ecqm.columns import Column, ListColumn, Mask, RecordColumn, Rows, StringColumn
from ecqm.data.elements import Elements, Reading
from ecqm.kernels.segments import offsets_of_parents


class Origin(NamedTuple):
    """Where a resource was read: a file, and the entry of a bundle (from 0) or line of NDJSON (from 1)."""

    file: str
    entry: int | None


class ResourceRow(NamedTuple):
    """A resource as it was read. `container` is the serial number of the resource that contains it, -1 if none does."""

    patient: int
    resource: Any
    raw: bytes | msgspec.Raw | None
    origin: Origin
    urn: str | None
    serial: int
    container: int


class ResourceTable:
    """Resources of one type: row i belongs to patient row `patient[i]` (non-decreasing).

    `serial` numbers the resources of a cohort across its tables. Contained resources are rows like others, marked in
    `contained` and with `container` naming the serial of the resource they are in; a retrieve leaves them out.
    """

    def __init__(self, resource_type: str, rows: Sequence[ResourceRow], n_patients: int, reading: Reading) -> None:
        self.resource_type = resource_type
        n = len(rows)
        self.patient: Rows = np.fromiter((row.patient for row in rows), np.int64, n)
        self.offsets = offsets_of_parents(self.patient, n_patients)
        self.serial: Rows = np.fromiter((row.serial for row in rows), np.int64, n)
        self.container: Rows = np.fromiter((row.container for row in rows), np.int64, n)
        self.origins = [row.origin for row in rows]
        self.urns = {i: row.urn for i, row in enumerate(rows) if row.urn is not None}
        self._raws = [row.raw for row in rows]
        self.elements = Elements(
            [row.resource for row in rows], resource_type, reading, resource_type, np.arange(n, dtype=np.int64)
        )

    def __len__(self) -> int:
        return len(self.patient)

    def __repr__(self) -> str:
        return f"<ResourceTable {self.resource_type} × {len(self)}>"

    def element(self, name: str) -> Column:
        """The column of an element over all rows, by base name (`value` for value[x]).

        Repeated elements are ListColumns (null where absent), choices a ChoiceColumn of the types that occur, or the
        plain column where only one does; what occurs nowhere is a NullColumn. `_name` is a record of the element's own
        id and extension. Raises KeyError for what FHIR does not have, ElementNotRead for what the demand left out.
        """
        return self.elements[name]

    @property
    def contained(self) -> Mask:
        """The rows that are contained in other resources."""
        return self.container >= 0

    @cached_property
    def ids(self) -> StringColumn:
        """The logical ids."""
        column = self.element("id")
        return column if isinstance(column, StringColumn) else StringColumn(np.full(len(self), -1, np.int32))

    @cached_property
    def profiles(self) -> ListColumn:
        """The profiles that the resources declare (meta.profile): lists of strings, empty where none."""
        meta = self.element("meta")
        profile = meta.field("profile") if isinstance(meta, RecordColumn) else meta
        if isinstance(profile, ListColumn):
            return profile
        return ListColumn(np.zeros(len(self) + 1, np.int64), StringColumn(np.zeros(0, np.int32)))

    def raw(self, row: int) -> bytes | None:
        """The JSON of a resource as it was read; None if the cohort was read without keeping it."""
        raw = self._raws[row]
        return None if raw is None else bytes(raw)

    def settle(self) -> None:
        """Make all columns now and free what they are made from."""
        self.elements.settle()
