"""Resources in rows of patient id and JSON, as in tables of FHIR JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ecqm.data.allocation import many_objects
from ecqm.data.cohort.assembly import Assembly
from ecqm.data.cohort.cohort import Cohort, CohortBuilder
from ecqm.data.cohort.gathering import Gathered
from ecqm.data.cohort.table import Origin
from ecqm.data.fhir.demand import Demand
from ecqm.terminology import CodeIndex

_ORIGIN = "table of resources"


def read_rows(
    lots: Iterable[tuple[Sequence[str], Sequence[bytes]]],
    shared: Sequence[bytes],
    demand: Demand,
    codes: CodeIndex,
    default_offset: int = 0,
) -> Cohort:
    """A cohort of resources that come in batches of patient ids and JSON. `shared` are the resources of no patient.

    A patient without a Patient resource is in the cohort too. `default_offset` is in minutes east of UTC.
    """
    with many_objects():
        return _Rows(demand, codes, default_offset).cohort(lots, shared)


class _Rows:
    def __init__(self, demand: Demand, codes: CodeIndex, default_offset: int) -> None:
        self._builder = CohortBuilder(demand, codes, default_offset, keep_raw=False)
        self._assembly = Assembly(self._builder)
        self._rows: dict[str, int] = {}
        self._read = 0

    def cohort(self, lots: Iterable[tuple[Sequence[str], Sequence[bytes]]], shared: Sequence[bytes]) -> Cohort:
        for patients, raws in lots:
            rows = [self._row(patient) for patient in patients]
            for name, gathered, places in self._gathered(raws):
                self._assembly.put(name, gathered, [rows[place] for place in places])
        for name, gathered, _ in self._gathered(shared):
            self._assembly.add(name, gathered)
        self._assembly.finish()
        return self._builder.finish()

    def _row(self, patient: str) -> int:
        found = self._rows.get(patient)
        if found is None:
            found = self._rows[patient] = self._builder.add_patient(patient)
        return found

    def _gathered(self, raws: Sequence[bytes]) -> Iterable[tuple[str, Gathered, list[int]]]:
        """Resources by type, with their places among `raws`; what cannot be read is reported."""
        first, self._read = self._read, self._read + len(raws)
        by_type: dict[str, tuple[list[Any], list[int]]] = {}
        for place, raw in enumerate(raws):
            resource = self._builder.decode(raw, Origin(_ORIGIN, first + place))
            if resource is not None:
                resources, places = by_type.setdefault(self._builder.type_of(resource), ([], []))
                resources.append(resource)
                places.append(place)
        file = self._builder.file_number(_ORIGIN)
        for name, (resources, places) in by_type.items():
            entries = [first + place for place in places]
            yield name, Gathered(resources, [raws[place] for place in places], [file] * len(places), entries), places
