"""What the engine needs of data, terminology and data models. The packages that provide it do not import the engine."""

from __future__ import annotations

from typing import Protocol

from ecqm.columns import Column, ListColumn, Mask, ResourceTable, Rows
from ecqm.terminology import CodeIndex
from ecqm.types import NamedType


class Table(ResourceTable, Protocol):
    """The resources of one type, n rows."""

    @property
    def patient(self) -> Rows:
        """The patient that each row belongs to (n, non-decreasing)."""

    @property
    def contained(self) -> Mask:
        """The rows that are contained in other resources (n)."""

    @property
    def serial(self) -> Rows:
        """The number of each resource in the cohort (n), which references to contained resources need."""

    @property
    def profiles(self) -> ListColumn:
        """The profiles that the resources declare: n lists of strings."""


class Cohort(Protocol):
    """Patients and their resources."""

    @property
    def n(self) -> int:
        """The number of patients."""

    def table(self, resource_type: str) -> Table:
        """The table of a type of resource."""

    def resolve(self, references: Column, patients: Rows, resource_type: str, serials: Rows | None = None) -> Rows:
        """The row that each of n references leads to in the table of `resource_type`; -1 if there is none. `patients`
        and `serials` (n) are the patients that the references belong to and the resources that they are in."""


class Terminology(Protocol):
    """Value sets as masks over the index of codes."""

    @property
    def codes(self) -> CodeIndex:
        """The index of codes."""

    def table(self, identifier: str, version: str | None = None) -> Mask:
        """The members of a value set, as a mask indexed by code id."""

    def has(self, identifier: str, version: str | None = None) -> bool:
        """Whether a value set is available."""

    def strings(self, identifier: str, version: str | None = None) -> frozenset[str]:
        """The codes of a value set, without their systems."""


class Profiles(Protocol):
    """What a retrieve means in a data model."""

    def instances(self, type_: NamedType) -> NamedType:
        """The type whose table has the resources that a retrieve of `type_` may find."""

    def code_property(self, name: str) -> str:
        """The element with all codes that a retrieve by the code property `name` compares."""

    def matching(self, table: Table, type_: NamedType, profile: str | None, rows: Rows) -> Mask:
        """Mask over `rows` of a table: those of the type and profile of a retrieve."""
