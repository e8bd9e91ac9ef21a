"""A cohort: patients in order, and a table for each resource type."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property

import numpy as np

from ecqm.columns import Column, Rows
from ecqm.data.cohort.references import ReferenceIndex, reference_columns, reference_texts
from ecqm.data.cohort.table import ResourceTable
from ecqm.data.fhir.compartment import target
from ecqm.data.fhir.demand import Demand
from ecqm.data.problems import DataProblem
from ecqm.terminology import CodeIndex


class Cohort:
    """`n` patients with `ids` (not necessarily distinct: a test deck has one row per case), tables, and problems.

    Problems with the values of an element are found when its column is made; `settle` makes all columns.
    """

    def __init__(
        self,
        ids: Sequence[str],
        tables: Mapping[str, ResourceTable],
        demand: Demand,
        codes: CodeIndex,
        problems: list[DataProblem],
        empty_table: Callable[[str], ResourceTable],
    ) -> None:
        self.ids = tuple(ids)
        self.n = len(self.ids)
        self.tables = dict(tables)
        self.demand = demand
        self.codes = codes
        self.problems = problems
        self._empty_table = empty_table

    def __repr__(self) -> str:
        return f"<Cohort of {self.n} patients, {sum(map(len, self.tables.values()))} resources>"

    def table(self, resource_type: str) -> ResourceTable:
        """The resources of a type; a table without rows if there are none.

        Raises KeyError if there is no such resource type, LookupError if the demand does not name it.
        """
        if not self.demand.reads(resource_type):
            raise LookupError(f"{resource_type} was not read: the demand does not name it")
        found = self.tables.get(resource_type)
        if found is None:
            found = self.tables[resource_type] = self._empty_table(resource_type)
        return found

    @cached_property
    def references(self) -> ReferenceIndex:
        """The index that references are resolved with."""
        return ReferenceIndex(self.tables)

    def resolve(self, references: Column, patients: Rows, resource_type: str, serials: Rows | None = None) -> Rows:
        """For each of n references the row of `resource_type`'s table that it refers to, or -1.

        `references` is a column of FHIR.Reference, or of strings (uri, canonical or string: the reference itself);
        `patients` (n) the patient rows they belong to; `serials` (n) the serial numbers of the resources they are in,
        which references to contained resources (`#id`) need. References lead to resources of the same patient only:
        a patient's results must not depend on who else is in the cohort, or in the same shard of it.
        """
        return self.references.resolve(references, patients, resource_type, serials)

    def resolve_any(self, references: Column, patients: Rows, serials: Rows | None = None) -> Column:
        """The resources that n references refer to: a ResourceColumn, or a choice of such columns if types differ."""
        return self.references.resolve_any(references, patients, serials)

    def dangling_references(self) -> Iterator[DataProblem]:
        """References to resources that are missing, of types that were read. Absolute references may lead elsewhere."""
        for table, path, lost in self._dangling():
            for row, text in lost:
                yield self._dangling_problem(table, row, f"{path} refers to {text}, which is not in the data")

    def dangling_counts(self) -> dict[str, int]:
        """How many such references there are, by element (`Observation.encounter`)."""
        counts: dict[str, int] = {}
        for table, path, lost in self._dangling():
            name = f"{table.resource_type}.{path}"
            counts[name] = counts.get(name, 0) + len(lost)
        return counts

    def _dangling(self) -> Iterator[tuple[ResourceTable, str, list[tuple[int, str]]]]:
        for table in list(self.tables.values()):
            for name in table.elements:
                for path, column, rows in reference_columns(table.element(name), name, np.arange(len(table))):
                    texts = reference_texts(column)
                    unresolved = ~self.resolve_any(column, table.patient[rows], table.serial[rows]).valid
                    if texts is None or not (unresolved & texts.valid).any():
                        continue
                    places = np.flatnonzero(unresolved & texts.valid)
                    pairs = zip(rows[places].tolist(), texts.take(places).texts(), strict=True)
                    lost = [(row, text) for row, text in pairs if text is not None and self._is_within(text)]
                    if lost:
                        yield table, path, lost

    def _is_within(self, reference: str) -> bool:
        named = target(reference)
        if named is None:
            return reference.startswith("#")
        return named[0] is None or ("://" not in reference and self.demand.reads(named[0]))

    def _dangling_problem(self, table: ResourceTable, row: int, message: str) -> DataProblem:
        file, entry = table.origin(row)
        name = f"{table.resource_type}/{table.ids.take(np.array([row])).texts()[0]}"
        return DataProblem(file, entry, self.ids[int(table.patient[row])], name, message)

    def settle(self) -> None:
        """Make every column of every table, and free the structs that they are made from."""
        for table in self.tables.values():
            table.settle()
