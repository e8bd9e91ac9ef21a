"""A cohort: patients in order, and a table for each resource type."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from operator import attrgetter
from typing import Any

import numpy as np

from ecqm.columns import Column, Mask, Rows
from ecqm.data.cohort.elements import Elements, Reading
from ecqm.data.cohort.gathering import Gathered, RawJson, repeats
from ecqm.data.cohort.references import ReferenceIndex, reference_columns, reference_texts
from ecqm.data.cohort.table import Origin, Origins, ResourceTable
from ecqm.data.fhir.compartment import target
from ecqm.data.fhir.demand import Demand
from ecqm.data.fhir.structs import Bundle, ResourceStructs, Unreadable, resource_structs
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


class CohortBuilder:
    """Gathers resources for a cohort; `finish` orders them by patient and makes the tables.

    `default_offset` is in minutes east of UTC. With `keep_raw` the JSON of every resource is kept beside its row.
    """

    def __init__(
        self, demand: Demand, codes: CodeIndex | None = None, default_offset: int = 0, keep_raw: bool = True
    ) -> None:
        self.demand = demand
        self.codes = CodeIndex() if codes is None else codes
        self.structs: ResourceStructs = resource_structs(demand)
        self.ids: list[str] = []
        self.problems: list[DataProblem] = []
        self._keep_raw = keep_raw
        self._default_offset = default_offset
        self._files: dict[str, int] = {}
        self._gathered: dict[str, Gathered] = {}

    def add_patient(self, identifier: str) -> int:
        """Add a patient. Returns the row."""
        self.ids.append(identifier)
        return len(self.ids) - 1

    def file_number(self, file: str) -> int:
        """The number that stands for a file in `Gathered`."""
        return self._files.setdefault(file, len(self._files))

    def decode(self, raw: RawJson, origin: Origin, patient: str | None = None) -> Any:
        """The struct of a resource or a Bundle; None, and a reported problem, if it cannot be read."""
        try:
            return self.structs.read(raw)
        except Unreadable as error:
            self.report(origin, str(error), patient, error.resource)
            return None

    def add(self, patient: int, resource: Any, raw: RawJson, origin: Origin, urn: str | None = None) -> bool:
        """Add a resource of a patient, if its type is demanded. Returns whether it was."""
        name = self.structs.wanted.get(type(resource))
        if name is None:
            return False
        one = Gathered()
        one.append(resource, raw, self.file_number(origin.file), -1 if origin.entry is None else origin.entry, urn)
        self.add_all(name, one, [patient])
        return True

    def add_all(self, resource_type: str, gathered: Gathered, patients: Sequence[int]) -> None:
        """Add resources of a demanded type with their patient rows, and the resources contained in them."""
        rows = self._gathered.setdefault(resource_type, Gathered())
        start = rows.extend(gathered, patients)
        if not hasattr(gathered.resources[0], "contained"):
            return
        for place, contained in enumerate(map(attrgetter("contained"), gathered.resources)):
            for raw in contained or ():
                self._add_contained(raw, resource_type, start + place)

    def _add_contained(self, raw: RawJson, container_type: str, place: int) -> None:
        container = self._gathered[container_type]
        patient = container.patients[place]
        resource = self.decode(raw, self.origin(container, place), self.ids[patient])
        name = self.structs.wanted.get(type(resource))
        if name is None:
            return
        rows = self._gathered.setdefault(name, Gathered())
        rows.containers[len(rows)] = (container_type, place)
        rows.append(resource, raw, container.files[place], container.entries[place], None)
        rows.patients.append(patient)

    def report(self, origin: Origin, message: str, patient: str | None = None, resource: str | None = None) -> None:
        """Report a problem."""
        self.problems.append(DataProblem(origin.file, origin.entry, patient, resource, message))

    def type_of(self, resource: Any) -> str:
        """The resource type of a decoded struct."""
        return self.structs.type_of[type(resource)]

    def repeat(self, times: int) -> None:
        """Repeat everything added so far `times` times, each time for new patients: a cohort to measure speed with."""
        patients = len(self.ids)
        self.ids *= times
        starts = {name: len(gathered) for name, gathered in self._gathered.items()}
        for gathered in self._gathered.values():
            gathered.repeat(times, patients, starts)

    def finish(self) -> Cohort:
        """The cohort of everything added.

        A patient's duplicates with the same content (in a bundle and in a file of its own, say) count once. Different
        contents with the same id are all kept, since each is a record of the patient, and reported. Of several Patient
        resources the first one counts.
        """
        kept = {name: self._distinct(name, gathered) for name, gathered in self._gathered.items()}
        reading = Reading(self.structs, self.codes, self._default_offset, self._report_row)
        rows: dict[str, Rows] = {}
        serials: dict[str, Rows] = {}
        count = 0
        for name, gathered in self._gathered.items():
            for place, (container_type, container) in gathered.containers.items():
                kept[name][place] = kept[container_type][container]
            order = np.argsort(np.array(gathered.patients, np.int64), kind="stable")
            rows[name] = order[kept[name][order]]
            serials[name] = np.full(len(gathered), -1, np.int64)
            serials[name][rows[name]] = count + np.arange(len(rows[name]))
            count += len(rows[name])
        self._tables = {
            name: self._table(name, gathered, rows[name], serials, reading) for name, gathered in self._gathered.items()
        }
        self._gathered = {}

        def empty(name: str) -> ResourceTable:
            none = np.zeros(0, np.int64)
            return self._table(name, Gathered(), none, {name: none}, reading)

        return Cohort(self.ids, self._tables, self.demand, self.codes, self.problems, empty)

    def _table(
        self, name: str, gathered: Gathered, places: Rows, serials: Mapping[str, Rows], reading: Reading
    ) -> ResourceTable:
        """The table of the gathered resources at `places`; `serials` has all serials by type and place."""
        containers = np.full(len(gathered), -1, np.int64)
        for place, (container_type, container) in gathered.containers.items():
            containers[place] = serials[container_type][container]
        listed = places.tolist()
        rows = np.arange(len(places), dtype=np.int64)
        urns = gathered.urns
        return ResourceTable(
            name,
            len(self.ids),
            np.array(gathered.patients, np.int64)[places],
            Elements([gathered.resources[place] for place in listed], name, reading, name, rows),
            serials[name][places],
            containers[places],
            Origins(
                tuple(self._files),
                np.array(gathered.files, np.int32)[places],
                np.array(gathered.entries, np.int64)[places],
            ),
            {row: urns[place] for row, place in enumerate(listed) if place in urns} if urns else {},
            [gathered.raws[place] for place in listed] if self._keep_raw else None,
        )

    def _distinct(self, name: str, gathered: Gathered) -> Mask:
        """A mask of the resources that are kept."""
        kept = np.ones(len(gathered), np.bool_)
        for repeat in repeats(gathered, one_per_patient=name == "Patient"):
            kept[repeat.place] = name != "Patient" and not repeat.same_content
            if not repeat.same_content:
                complaint = "a second Patient" if name == "Patient" else "another resource of this patient has its id"
                origin = self.origin(gathered, repeat.place)
                named = f"{name}/{gathered.resources[repeat.place].id}"
                patient = self.ids[gathered.patients[repeat.place]]
                self.report(origin, f"duplicate: {complaint}", patient, named)
        return kept

    def origin(self, gathered: Gathered, place: int) -> Origin:
        """Where a gathered resource was read."""
        entry = gathered.entries[place]
        return Origin(tuple(self._files)[gathered.files[place]], None if entry < 0 else entry)

    def _report_row(self, resource_type: str, row: int, message: str) -> None:
        table = self._tables[resource_type]
        name = f"{resource_type}/{table.ids.take(np.array([row])).texts()[0]}"
        self.report(table.origin(row), message, self.ids[int(table.patient[row])], name)


def entries(bundle: Bundle) -> Iterator[tuple[int, RawJson, str | None]]:
    """The entries of a bundle that hold a resource: number, JSON, and the fullUrl if it is a URN."""
    for number, entry in enumerate(bundle.entry or ()):
        if memoryview(entry.resource).nbytes:
            url = entry.fullUrl
            yield number, entry.resource, url if url is not None and url.startswith("urn:") else None
