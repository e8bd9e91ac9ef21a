"""Resources that come in tables, with the ids of their patients."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from ecqm.data import Cohort, DataProblem
from ecqm.data.loading.building import spooled_cohort
from ecqm.data.loading.tables import spool_table, table_job
from ecqm.terminology import CodeIndex
from tests.data.resources import Json, encounter, patient

Rows = list[tuple[str | None, bytes]]

WARD: Json = {"resourceType": "Location", "id": "ward"}
THERE = {"location": [{"location": {"reference": "Location/ward"}}]}


def of(patient: str | None, *resources: Json, indent: int | None = None) -> Rows:
    return [(patient, json.dumps(resource, indent=indent).encode()) for resource in resources]


def arrays(rows: Rows) -> tuple[pa.Array, pa.Array]:
    return pa.array([row[0] for row in rows], pa.utf8()), pa.array([row[1] for row in rows], pa.large_binary())


def read(folder: Path, batches: Sequence[Rows], shared: Rows = []) -> tuple[Cohort, list[DataProblem]]:  # noqa: B006
    spool, of_none = folder / "resources.spool", folder / "none.spool"
    problems = spool_table(map(arrays, batches), spool) + spool_table([arrays(shared)], of_none)
    return spooled_cohort(table_job(spool, of_none, 0), CodeIndex()), problems


def test_resources_are_of_the_patient_beside_them_in_any_order(tmp_path: Path) -> None:
    batches = [
        of("b", encounter("e1", "another name")) + of("a", patient("a"), indent=2),
        of("a", encounter("e2", "a")) + of("b", patient("b"), indent=2) + of("a", encounter("e3", "a")),
    ]
    cohort, problems = read(tmp_path, batches)
    assert sorted(cohort.ids) == ["a", "b"] and not problems and not cohort.problems
    table = cohort.table("Encounter")
    owners = [cohort.ids[row] for row in table.patient.tolist()]
    assert sorted(zip(owners, table.ids.texts(), strict=True)) == [("a", "e2"), ("a", "e3"), ("b", "e1")]


def test_what_belongs_to_no_patient_is_shared_by_those_who_refer_to_it(tmp_path: Path) -> None:
    rows = of("a", patient("a"), encounter("e1", "a", **THERE)) + of("b", patient("b"))
    cohort, _ = read(tmp_path, [rows], of(None, WARD))
    assert [cohort.ids[row] for row in cohort.table("Location").patient.tolist()] == ["a"]


def test_what_is_not_a_resource_is_reported_with_its_place(tmp_path: Path) -> None:
    cohort, problems = read(tmp_path, [of("a", patient("a")), [("a", b"{"), ("a", b"{}"), ("a", b'{"id": "x"}')]])
    assert [(problem.entry, problem.patient) for problem in problems] == [(2, "a"), (3, "a"), (4, "a")]
    assert cohort.ids == ("a",) and not cohort.problems


def test_resources_of_patients_who_are_not_there_are_reported(tmp_path: Path) -> None:
    cohort, _ = read(tmp_path, [of("b", encounter("e1", "b")) + of("a", patient("a"))])
    (problem,) = cohort.problems
    assert cohort.ids == ("a",) and problem.resource == "Encounter/e1"


def test_no_rows(tmp_path: Path) -> None:
    cohort, problems = read(tmp_path, [])
    assert cohort.n == 0 and not problems
