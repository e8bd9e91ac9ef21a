"""All resources of one type in a cohort, ordered by patient, with their elements as columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from ecqm.columns import Column, ListColumn, Mask, RecordColumn, Rows, StringColumn
from ecqm.data.cohort.elements import Elements
from ecqm.data.cohort.gathering import RawJson
from ecqm.kernels.segments import offsets_of_parents


class Origin(NamedTuple):
    """Where a resource was read: a file, and the entry of a bundle (from 0) or line of NDJSON (from 1).

    A file that is one resource has no entry; in arrays its number is -1.
    """

    file: str
    entry: int | None

    @classmethod
    def numbered(cls, file: str, number: int) -> Self:
        """The origin with an entry or line as arrays have it."""
        return cls(file, None if number < 0 else number)

    @property
    def number(self) -> int:
        """The entry or line as arrays have it."""
        return -1 if self.entry is None else self.entry


@dataclass(frozen=True)
class Origins:
    """Where each row was read: the number of its file in `files`, and its entry or line, -1 for a whole file."""

    files: Sequence[str]
    file: npt.NDArray[np.int32]
    entry: Rows

    def of(self, row: int) -> Origin:
        """Where one row was read."""
        return Origin.numbered(self.files[self.file[row]], int(self.entry[row]))


class ResourceTable:
    """Resources of one type: row i belongs to patient row `patient[i]` (non-decreasing).

    `serial` numbers the resources of a cohort across its tables. Contained resources are rows like others, marked in
    `contained` and with `container` naming the serial of the resource they are in; a retrieve leaves them out.
    """

    model = "FHIR"

    def __init__(
        self,
        resource_type: str,
        n_patients: int,
        patient: Rows,
        elements: Mapping[str, Column],
        serial: Rows,
        container: Rows,
        origins: Origins,
        urns: Mapping[int, str],
        raws: Sequence[RawJson] | None,
    ) -> None:
        """`urns` has, by row, the URN that a bundle's fullUrl gives; `raws` the JSON, if it is kept."""
        self.resource_type = resource_type
        self.patient = patient
        self.offsets = offsets_of_parents(patient, n_patients)
        self.elements = elements
        self.serial = serial
        self.container = container
        self.origins = origins
        self.urns = urns
        self.raws = raws

    def __len__(self) -> int:
        return len(self.patient)

    def __repr__(self) -> str:
        return f"<ResourceTable {self.resource_type} × {len(self)}>"

    def element(self, name: str) -> Column:
        """The column of an element over all rows, by base name (`value` for value[x]).

        A repeated element is a ListColumn (null where absent). A choice is a ChoiceColumn of the types that occur, or
        the column of its type if only one does. An element that occurs nowhere is a NullColumn. `_name` is a record of
        the element's own id and extension. Raises KeyError for an element that FHIR does not have, ElementNotRead for
        one that the demand left out.
        """
        return self.elements[name]

    @cached_property
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
        """The profiles that the resources declare (meta.profile): lists of strings, empty where there are none."""
        meta = self.element("meta")
        profile = meta.field("profile") if isinstance(meta, RecordColumn) else meta
        if isinstance(profile, ListColumn):
            return profile
        return ListColumn(np.zeros(len(self) + 1, np.int64), StringColumn(np.zeros(0, np.int32)))

    def raw(self, row: int) -> bytes | None:
        """The JSON of a resource as it was read; None if it was not kept."""
        return None if self.raws is None else bytes(self.raws[row])

    def origin(self, row: int) -> Origin:
        """Where a resource was read."""
        return self.origins.of(row)

    def settle(self) -> None:
        """Make all columns now, and free the structs that they are made from."""
        if isinstance(self.elements, Elements):
            self.elements.settle()
