"""Kernels and scalars together: the rows that a kernel leaves open are evaluated by the scalars, and only those."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ecqm.data import Cohort, read_cases
from ecqm.operators import registry
from ecqm.values import Code
from tests.data.resources import encounter, patient, write
from tests.engine.logic import Logic, cohort_of

BORN = ("1950-02-03", "1950", "1950-02", "1950-12-31")


@pytest.fixture
def cohort(tmp_path: Path) -> Cohort:
    return cohort_of(tmp_path, *([patient(f"p{n}", birthDate=born)] for n, born in enumerate(BORN)))


def test_only_open_rows_are_lifted(cohort: Cohort, monkeypatch: pytest.MonkeyPatch) -> None:
    logic = Logic("define Days: days between Patient.birthDate.value and @1950-03-01")
    asked: list[Any] = []
    operator = registry.get("DurationBetween")
    call = operator.call

    def counted(*values: Any, **settings: Any) -> Any:
        asked.append(values)
        return call(*values, **settings)

    monkeypatch.setattr(operator, "call", counted)
    executor = logic.executor(cohort)
    values = logic.values("Days", executor)
    assert (values[0], values[3]) == (26, -305)
    assert [len(values), len(asked)] == [4, 2]
    assert executor.lifted == {"DurationBetween": 1}


def test_instances_are_made_once_for_each_that_is_different(tmp_path: Path) -> None:
    genders = ("female", "male", None, "female")
    cohort = cohort_of(tmp_path, *([patient(f"p{n}", gender=gender)] for n, gender in enumerate(genders)))
    logic = Logic("define X: System.Code { code: Patient.gender.value, system: 's' }")
    executor = logic.executor(cohort)
    codes = logic.values("X", executor)
    assert [codes[0], codes[1], codes[3]] == [Code("female", "s"), Code("male", "s"), Code("female", "s")]
    assert executor.lifted == {"Code": 1}


def test_uncertain_results_go_on_being_uncertain(cohort: Cohort) -> None:
    logic = Logic(
        "define Years: years between Patient.birthDate.value and @1960-06-01\n"
        "define Nine: Years >= 9\n"
        "define Ten: Years >= 10"
    )
    assert logic.values("Nine", cohort) == [True, True, True, True]
    assert logic.values("Ten", cohort) == [True, None, True, False]


def test_a_repeated_cohort_gives_every_result_again(tmp_path: Path) -> None:
    for n in range(3):
        resources = [patient(f"p{n}"), *(encounter(f"e{n}{i}", f"p{n}") for i in range(n))]
        for resource in resources:
            write(tmp_path / f"case{n}" / f"{resource['id']}.json", resource)
    folders = sorted(tmp_path.iterdir())
    logic = Logic("define Encounters: Count([Encounter])")
    assert logic.values("Encounters", read_cases(folders)) == [0, 1, 2]
    repeated = read_cases(folders, times=3)
    assert repeated.n == 9
    assert logic.values("Encounters", repeated) == [0, 1, 2] * 3
