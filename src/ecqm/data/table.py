"""All resources of one type in a cohort, ordered by patient, with their elements as columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np

from ecqm.columns import Column, ListColumn, Mask, RecordColumn, Rows, StringColumn
from ecqm.data.elements import Elements, Reading
from ecqm.data.gathering import Gathered
from ecqm.kernels.segments import offsets_of_parents


class Origin(NamedTuple):
    """Where a resource was read: a file, and the entry of a bundle (from 0) or line of NDJSON (from 1)."""

    file: str
    entry: int | None


class ResourceTable:
    """Resources of one type: row i belongs to patient row `patient[i]` (non-decreasing).

    `serial` numbers the resources of a cohort across its tables. Contained resources are rows like others, marked in
    `contained` and with `container` naming the serial of the resource they are in; a retrieve leaves them out.
    """

    def __init__(
        self,
        resource_type: str,
        gathered: Gathered,
        places: Rows,
        serials: Mapping[str, Rows],
        n_patients: int,
        files: Sequence[str],
        keep_raw: bool,
        reading: Reading,
    ) -> None:
        """Rows are the gathered resources at `places`; `serials` has the serial of each resource by type and place."""
        self.resource_type = resource_type
        self.patient: Rows = np.array(gathered.patients, np.int64)[places]
        self.offsets = offsets_of_parents(self.patient, n_patients)
        self.serial: Rows = serials[resource_type][places]
        containers = np.full(len(gathered), -1, np.int64)
        for place, (container_type, container) in gathered.containers.items():
            containers[place] = serials[container_type][container]
        self.container: Rows = containers[places]
        urns = gathered.urns
        self.urns = {row: urns[place] for row, place in enumerate(places.tolist()) if place in urns} if urns else {}
        self._files = files
        self._file = np.array(gathered.files, np.int32)[places]
        self._entry = np.array(gathered.entries, np.int64)[places]
        self._raws = [gathered.raws[place] for place in places] if keep_raw else None
        resources = [gathered.resources[place] for place in places.tolist()]
        rows = np.arange(len(places), dtype=np.int64)
        self.elements = Elements(resources, resource_type, reading, resource_type, rows)

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
        return None if self._raws is None else bytes(self._raws[row])

    def origin(self, row: int) -> Origin:
        """Where a resource was read."""
        entry = int(self._entry[row])
        return Origin(self._files[self._file[row]], None if entry < 0 else entry)

    def settle(self) -> None:
        """Make all columns now and free what they are made from."""
        self.elements.settle()
