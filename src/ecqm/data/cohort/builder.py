"""From decoded resources to a cohort: gathered as they are read, then put in the order of their patients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from operator import attrgetter
from typing import Any

import numpy as np

from ecqm.columns import Mask, Rows
from ecqm.data.cohort.cohort import Cohort
from ecqm.data.cohort.elements import Elements, Reading
from ecqm.data.cohort.gathering import Gathered, RawJson, repeats
from ecqm.data.cohort.table import Origin, Origins, ResourceTable
from ecqm.data.fhir.demand import Demand
from ecqm.data.fhir.structs import ResourceStructs, Unreadable, resource_structs
from ecqm.data.problems import DataProblem
from ecqm.terminology import CodeIndex


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
        one.append(resource, raw, self.file_number(origin.file), origin.number, urn)
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
        rows, serials = self._ordered({name: self._distinct(name, each) for name, each in self._gathered.items()})
        tables: dict[str, ResourceTable] = {}
        report = partial(self._report_row, tables)
        make = partial(self._table, Reading(self.structs, self.codes, self._default_offset, report))
        for name, gathered in self._gathered.items():
            tables[name] = make(name, gathered, rows[name], serials)
        self._gathered = {}
        none = np.zeros(0, np.int64)
        return Cohort(
            self.ids,
            tables,
            self.demand,
            self.codes,
            self.problems,
            empty_table=lambda name: make(name, Gathered(), none, {name: none}),
        )

    def _ordered(self, kept: Mapping[str, Mask]) -> tuple[dict[str, Rows], dict[str, Rows]]:
        """By type: the places of the kept resources in the order of their patients, and the serial number of each place
        (-1 for what is not kept). What is contained in a resource is kept if that is; `kept` is completed so."""
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
        return rows, serials

    def _table(
        self, reading: Reading, name: str, gathered: Gathered, places: Rows, serials: Mapping[str, Rows]
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
        return Origin.numbered(tuple(self._files)[gathered.files[place]], gathered.entries[place])

    def _report_row(self, tables: Mapping[str, ResourceTable], resource_type: str, row: int, message: str) -> None:
        table = tables[resource_type]
        name = f"{resource_type}/{table.ids.take(np.array([row])).texts()[0]}"
        self.report(table.origin(row), message, self.ids[int(table.patient[row])], name)
