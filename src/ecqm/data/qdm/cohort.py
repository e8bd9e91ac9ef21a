"""Patients of QDM as a cohort: from structs to a table for every data type."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ecqm.data.cohort.cohort import Cohort
from ecqm.data.cohort.table import Origin
from ecqm.data.fhir.demand import EVERYTHING, Demand
from ecqm.data.problems import DataProblem
from ecqm.data.qdm.columns import AttributeColumns
from ecqm.data.qdm.schema import NEWEST, PATIENT, qdm_schema
from ecqm.data.qdm.structs import QdmStructs, qdm_structs
from ecqm.data.qdm.table import QdmTable
from ecqm.data.qdm.together import Together, complete
from ecqm.terminology import CodeIndex


@dataclass
class _Gathered:
    elements: list[Any] = field(default_factory=list)
    patients: list[int] = field(default_factory=list)
    documents: list[int] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)

    def in_order(self) -> _Gathered:
        """The same in the order of the patients."""
        rows = np.argsort(self.patients, kind="stable").tolist()
        return _Gathered(*([each[row] for row in rows] for each in vars(self).values()))


class QdmCohortBuilder:
    """Gathers patients; `finish` makes the cohort. Patients are rows in the order in which they are added.

    `demand` is that of a measure's plan, which names data types as retrieves do (`PositiveEncounterPerformed`);
    `version` is that of the measure's model. `default_offset` is in minutes east of UTC. With `by_id`, documents about
    one patient, by id, are put together.
    """

    def __init__(
        self,
        demand: Demand = EVERYTHING,
        codes: CodeIndex | None = None,
        version: str = NEWEST,
        default_offset: int = 0,
        by_id: bool = False,
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
        # The file of each document, and the first document of each patient.
        self._files: list[str] = []
        self._documents: list[int] = []
        self._together = Together() if by_id else None

    def add(self, patient: Any, origin: str, authority: str | None = None) -> int:
        """One document about a patient (a struct of `structs.patient`), read from `origin`; the row of the patient.

        `authority`: who gave the patient the id, if it is known.
        """
        row, repeated = len(self.ids), frozenset[int]()
        if self._together is not None and patient.id is not None:
            row = self._together.row((authority, str(patient.id)), row)
        if row == len(self.ids):
            self.ids.append(str(patient.id) if patient.id is not None else f"patient {row + 1}")
            self.patients.append(patient)
            self._documents.append(len(self._files))
        elif self._together is not None:
            first = self.patients[row]
            repeated = self._together.repeated(row, first, patient)
            if contradiction := complete(first, patient):
                self.report(origin, contradiction, patient=self.ids[row], what=PATIENT)
        type_of = self.structs.type_of
        for number, element in enumerate(patient.dataElements or ()):
            name = type_of.get(type(element))
            if name is not None and number not in repeated:
                gathered = self._gathered[name]
                gathered.elements.append(element)
                gathered.patients.append(row)
                gathered.documents.append(len(self._files))
                gathered.numbers.append(number)
        self._files.append(origin)
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
            tables[name] = self._table(name, gathered if self._together is None else gathered.in_order(), serial)
            serial += len(gathered.elements)
        rows = list(range(len(self.ids)))
        tables[PATIENT] = self._table(PATIENT, _Gathered(self.patients, rows, self._documents), serial)
        types = self.demand.types
        demand = self.demand if types is None else replace(self.demand, types=types | {PATIENT})

        def empty(name: str) -> QdmTable:
            if name not in self.structs.schema.data_types:
                raise KeyError(name)
            return self._table(name, _Gathered(), serial)

        return Cohort(self.ids, tables, demand, self.codes, self.problems, empty)  # type: ignore[arg-type]

    def _table(self, name: str, gathered: _Gathered, serial: int) -> QdmTable:
        def origin(row: int) -> Origin:
            # Patients themselves have no numbers.
            number = gathered.numbers[row] if gathered.numbers else None
            return Origin(self._files[gathered.documents[row]], number)

        def report(row: int, message: str) -> None:
            file, entry = origin(row)
            self.report(file, message, entry, self.ids[gathered.patients[row]], name)

        columns = AttributeColumns(self.structs, self.codes, self._default_offset, report)
        patients = np.array(gathered.patients, np.int64)
        return QdmTable(name, gathered.elements, patients, len(self.ids), serial, columns, self.structs, origin)
