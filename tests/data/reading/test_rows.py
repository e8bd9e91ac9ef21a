"""Resources that come with the ids of their patients."""

from __future__ import annotations

import json

from ecqm.data import EVERYTHING
from ecqm.data.reading.rows import read_rows
from ecqm.terminology import CodeIndex
from tests.data.resources import Json, encounter, patient

WARD: Json = {"resourceType": "Location", "id": "ward"}
THERE = {"location": [{"location": {"reference": "Location/ward"}}]}


def raw(*resources: Json) -> list[bytes]:
    return [json.dumps(resource).encode() for resource in resources]


def test_rows_are_of_the_patient_beside_them_in_any_order() -> None:
    lots = [
        (["b", "a"], raw(encounter("e1", "b"), patient("a"))),
        (["a", "b", "a"], raw(encounter("e2", "a"), patient("b"), encounter("e3", "a"))),
    ]
    cohort = read_rows(lots, [], EVERYTHING, CodeIndex())
    assert cohort.ids == ("b", "a") and not cohort.problems
    table = cohort.table("Encounter")
    assert list(zip(table.patient.tolist(), table.ids.texts(), strict=True)) == [(0, "e1"), (1, "e2"), (1, "e3")]


def test_what_belongs_to_no_patient_is_shared_by_those_who_refer_to_it() -> None:
    lots = [(["a", "a", "b"], raw(patient("a"), encounter("e1", "a", **THERE), patient("b")))]
    cohort = read_rows(lots, raw(WARD), EVERYTHING, CodeIndex())
    assert cohort.table("Location").patient.tolist() == [0]


def test_what_cannot_be_read_is_reported_with_its_place() -> None:
    cohort = read_rows([(["a", "a"], [*raw(patient("a")), b"{"])], [], EVERYTHING, CodeIndex())
    (problem,) = cohort.problems
    assert problem.entry == 1 and cohort.n == 1
