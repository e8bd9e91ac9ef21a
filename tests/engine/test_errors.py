"""Run-time errors: of the rows that raise them, where they are asked for, and with the place they came from."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecqm.data import Cohort
from ecqm.engine import EvaluationError, Executor
from tests.data.resources import encounter, observation, patient
from tests.engine.logic import Logic, cohort_of


@pytest.fixture
def cohort(tmp_path: Path) -> Cohort:
    """Patients with 0, 1, 2 and 3 encounters."""
    return cohort_of(
        tmp_path,
        *([patient(f"p{n}"), *(encounter(f"e{n}{i}", f"p{n}") for i in range(n))] for n in range(4)),
    )


def failed(executor: Executor) -> list[int]:
    return sorted({error.patient for error in executor.errors})


def test_an_error_is_of_the_patients_that_raised_it(cohort: Cohort) -> None:
    logic = Logic("define Only: singleton from ([Encounter])")
    executor = logic.executor(cohort)
    assert logic.values("Only", executor)[:2] == [None, "Encounter/e10"]
    assert failed(executor) == [2, 3]
    assert {error.origin for error in executor.errors} == {"Only"}


def test_an_error_is_of_every_define_that_needs_the_value(cohort: Cohort) -> None:
    logic = Logic("define Only: singleton from ([Encounter])\ndefine Again: Only is null")
    executor = logic.executor(cohort)
    logic.values("Only", executor)
    executor.errors.clear()
    logic.values("Again", executor)
    assert failed(executor) == [2, 3]
    assert {error.origin for error in executor.errors} == {"Again"}


def test_only_the_branch_that_is_taken_raises(cohort: Cohort) -> None:
    logic = Logic(
        """
        define Number: Count([Encounter])
        define ByIf: if Number <= 1 then singleton from ([Encounter]) else null
        define ByCase: case when Number > 2 then null when Number > 1 then singleton from ([Encounter]) else null end
        define Told: Message(Number, Number = 3, 'many', 'Error', 'too many')
        define Untold: if Number > 5 then Message(Number, true, 'x', 'Error', 'never') else Number
        """
    )
    for name, expected in (("ByIf", []), ("ByCase", [2]), ("Told", [3]), ("Untold", [])):
        executor = logic.executor(cohort)
        logic.values(name, executor)
        assert failed(executor) == expected, name


def test_only_the_rows_that_are_left_raise(cohort: Cohort) -> None:
    """A condition that may raise an error is asked after those that may not."""
    logic = Logic(
        """
        define Careful: [Encounter] E
          where Message(E.status, true, 'seen', 'Error', 'was looked at') = 'finished' and E.status = 'planned'
        """
    )
    executor = logic.executor(cohort)
    assert logic.values("Careful", executor) == [()] * 4
    assert executor.errors == []


def test_patients_without_rows_do_not_ask(tmp_path: Path) -> None:
    """What depends on no alias is evaluated per patient, but its error is of those alone whose rows ask for it."""
    two = [observation("o1", "p"), observation("o2", "p")]
    cohort = cohort_of(tmp_path, [patient("p"), *two], [patient("q"), encounter("e", "q")])
    asking = cohort_of(tmp_path / "asking", [patient("p"), *two, encounter("e", "p")])
    logic = Logic("define X: [Encounter] E where (singleton from ([Observation])) is not null")
    executor = logic.executor(cohort)
    assert logic.values("X", executor) == [(), ()]
    assert failed(executor) == []
    executor = logic.executor(asking)
    logic.values("X", executor)
    assert failed(executor) == [0]


def test_an_error_of_no_patient_ends_the_evaluation(cohort: Cohort) -> None:
    logic = Logic("define Impossible: singleton from { 1, 2 }")
    with pytest.raises(EvaluationError, match="SingletonFrom"):
        logic.values("Impossible", cohort)


def test_the_nodes_that_raised_it_are_kept(cohort: Cohort) -> None:
    logic = Logic("define Inner: singleton from ([Encounter])\ndefine Outer: Inner is not null")
    executor = logic.executor(cohort)
    logic.values("Outer", executor)
    path = executor.errors[0].path
    assert path[0] is logic.plan("Outer")
    assert path[-1] is logic.plan("Inner")


def test_an_error_that_is_the_same_for_all_patients(cohort: Cohort) -> None:
    logic = Logic("define Twice: ({ 1, 2 }) N return singleton from ({ N, N })")
    with pytest.raises(EvaluationError, match="more than one element"):
        logic.values("Twice", cohort)
