"""Patients of QDM as a cohort: from structs to a table for every data type."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ecqm.columns import Rows
from ecqm.data.cohort.cohort import Cohort
from ecqm.data.cohort.table import Origin
from ecqm.data.fhir.demand import EVERYTHING, Demand
from ecqm.data.problems import DataProblem
from ecqm.data.qdm.columns import AttributeColumns
from ecqm.data.qdm.schema import NEWEST, PATIENT, qdm_schema
from ecqm.data.qdm.structs import QdmStructs, qdm_structs
from ecqm.data.qdm.table import QdmTable
from ecqm.terminology import CodeIndex


@dataclass
class _Gathered:
    elements: list[Any] = field(default_factory=list)
    patients: list[int] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)


class QdmCohortBuilder:
    """Gathers patients; `finish` makes the cohort. Patients are rows in the order in which they are added.

    `demand` is that of a measure's plan, which names data types as retrieves do (`PositiveEncounterPerformed`);
    `version` is that of the measure's model. `default_offset` is in minutes east of UTC.
    """

    def __init__(
        self,
        demand: Demand = EVERYTHING,
        codes: CodeIndex | None = None,
        version: str = NEWEST,
        default_offset: int = 0,
    ) -> None:
        schema = qdm_schema(version)
        if demand.types is not None:
            demand = replace(demand, types=frozenset(map(schema.base, demand.types)))
        self.demand = demand
        self.structs: QdmStructs = qdm_structs(version, demand)
        self.codes = CodeIndex() if codes is None else codes
        self.ids: list[str] = []
        self.problems: list[DataProblem] = []
        self._default_offset = default_offset
        self._gathered: dict[str, _Gathered] = {name: _Gathered() for name in self.structs.data_types}
        self.patients: list[Any] = []
        self._files: list[str] = []

    def add(self, patient: Any, origin: str) -> int:
        """One patient (a struct of `structs.patient`), read from `origin`; its row."""
        row = len(self.ids)
        identifier = patient.id
        self.ids.append(str(identifier) if identifier is not None else f"patient {row + 1}")
        self.patients.append(patient)
        self._files.append(origin)
        type_of = self.structs.type_of
        for number, element in enumerate(patient.dataElements or ()):
            name = type_of.get(type(element))
            if name is not None:
                gathered = self._gathered[name]
                gathered.elements.append(element)
                gathered.patients.append(row)
                gathered.numbers.append(number)
        return row

    def report(
        self, origin: str, message: str, entry: int | None = None, patient: str | None = None, what: str | None = None
    ) -> None:
        """Note a problem."""
        self.problems.append(DataProblem(origin, entry, patient, what, message))

    def finish(self) -> Cohort:
        """The cohort of everything added."""
        tables: dict[str, QdmTable] = {}
        serial = 0
        for name, gathered in self._gathered.items():
            tables[name] = self._table(
                name, gathered.elements, np.array(gathered.patients, np.int64), gathered.numbers, serial
            )
            serial += len(gathered.elements)
        tables[PATIENT] = self._table(PATIENT, self.patients, np.arange(len(self.ids)), None, serial)
        types = self.demand.types
        demand = self.demand if types is None else replace(self.demand, types=types | {PATIENT})

        def empty(name: str) -> QdmTable:
            if name not in self.structs.schema.data_types:
                raise KeyError(name)
            return self._table(name, [], np.zeros(0, np.int64), [], serial)

        return Cohort(self.ids, tables, demand, self.codes, self.problems, empty)  # type: ignore[arg-type]

    def _table(
        self, name: str, elements: list[Any], patients: Rows, numbers: list[int] | None, serial: int
    ) -> QdmTable:
        def origin(row: int) -> Origin:
            return Origin(self._files[int(patients[row])], None if numbers is None else numbers[row])

        def report(row: int, message: str) -> None:
            file, entry = origin(row)
            self.report(file, message, entry, self.ids[int(patients[row])], name)

        columns = AttributeColumns(self.structs, self.codes, self._default_offset, report)
        return QdmTable(name, elements, patients, len(self.ids), serial, columns, self.structs, origin)
