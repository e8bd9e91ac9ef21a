"""Supplemental data within populations: the codes that patients have, and how many patients have which."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from ecqm.columns import CodeColumn, Column, ConceptColumn, ListColumn, NullColumn, RecordColumn
from ecqm.measures.definition import Group, Measure, Population, PopulationCode, Scoring, SupplementalData
from ecqm.measures.evaluation.cms_supplements import (
    Counted,
    PatientCodes,
    SupplementalElement,
    count_supplements,
    element_of,
    evaluate_patient_codes,
    patient_codes,
)
from ecqm.measures.evaluation.planning import EvaluationPlan
from ecqm.measures.scoring.groups import GroupResult
from ecqm.measures.scoring.units import Units
from ecqm.plan.nodes import Node
from ecqm.terminology import CodeIndex
from ecqm.types import ANY
from tests.data.resources import encounter, patient
from tests.engine.logic import Logic, cohort_of

INDEX = CodeIndex()
A, B, C = (INDEX.intern("http://example.org", code) for code in "abc")
NAMED = {-1: None, A: ("http://example.org", "a"), B: ("http://example.org", "b"), C: ("http://example.org", "c")}


def codes(*ids: int) -> CodeColumn:
    return CodeColumn(np.array(ids, np.int32), INDEX)


def lists(values: Column, *lengths: int) -> ListColumn:
    return ListColumn(np.concatenate(([0], np.cumsum(lengths))), values)


def record(**fields: Column) -> RecordColumn:
    n = len(next(iter(fields.values())))
    return RecordColumn.of(fields, np.ones(n, np.bool_), ANY)


def told(column: Column, n: int) -> list[str]:
    """For each patient the codes, without their system."""
    found = patient_codes(column, n)
    return ["".join(code for _, code in found.combinations[at]) for at in found.combination.tolist()]


CONCEPTS = ConceptColumn(np.array([0, 2, 2, 3]), codes(B, A, C), np.array([True, True, False]))


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (codes(A, -1, B), ["a", "", "b"]),
        (codes(A), ["a", "a", "a"]),
        (NullColumn(3), ["", "", ""]),
        (lists(codes(B, A, A, -1), 3, 0, 1), ["ab", "", ""]),
        (CONCEPTS, ["ab", "", ""]),
        (lists(CONCEPTS, 1, 1, 1), ["ab", "", ""]),
        (record(codes=lists(codes(C, A), 2, 0, 0), other=codes(B, B, -1)), ["abc", "b", ""]),
        (lists(record(code=codes(A, A, B), period=NullColumn(3)), 2, 1, 0), ["a", "b", ""]),
    ],
)
def test_the_codes_of_patients_are_those_within_their_values(column: Column, expected: list[str]) -> None:
    assert told(column, 3) == expected


def test_codes_make_the_same_combination_in_whatever_order_they_come() -> None:
    found = patient_codes(lists(codes(A, B, B, A), 2, 2), 2)
    assert found.combination[0] == found.combination[1]
    assert found.combinations == ((NAMED[A], NAMED[B]),)


@pytest.mark.parametrize(
    ("expression", "element"),
    [
        ("SDE Sex", SupplementalElement.SEX),
        ("SDE ONC Administrative Sex", SupplementalElement.SEX),
        ("SDE Race", SupplementalElement.RACE),
        ("SDE Ethnicity", SupplementalElement.ETHNICITY),
        ("SDE Payer", SupplementalElement.PAYER),
        ("SDE Payer Type", SupplementalElement.PAYER),
        ("SDE Results", None),
        ("Race", None),
    ],
)
def test_elements_are_known_by_their_names(expression: str, element: SupplementalElement | None) -> None:
    assert element_of(SupplementalData("id", expression, frozenset())) is element


def test_errors_are_told_of_every_measure_that_shares_supplemental_data(tmp_path: Path) -> None:
    logic = Logic("""define "SDE Payer": (singleton from ([Encounter])).class""")
    cohort = cohort_of(
        tmp_path, [patient("p1"), encounter("a", "p1")], [patient("p2"), encounter("b", "p2"), encounter("c", "p2")]
    )
    executor = logic.executor(cohort)
    supplements = (SupplementalData("payer", "SDE Payer", frozenset()),)
    known: dict[Node, PatientCodes] = {}
    for name in ("One", "Other"):
        measure = Measure(name, name, None, name, None, None, (), supplements)
        plan = EvaluationPlan(measure, {"SDE Payer": logic.plan("SDE Payer")}, {}, {}, {})
        executor.errors.clear()
        evaluate_patient_codes(plan, executor, known, {})
        assert [(error.patient, error.origin) for error in executor.errors] == [(1, '"SDE Payer"')]
    assert len(known) == 1


def result(units: Units, **members: Sequence[bool]) -> GroupResult:
    codes_of = {"ip": PopulationCode.INITIAL_POPULATION, "d": PopulationCode.DENOMINATOR}
    group = Group(
        "g",
        Scoring.PROPORTION,
        "boolean" if units.key is None else "Encounter",
        tuple(Population(codes_of[name], name, name) for name in members),
    )
    return GroupResult(group, units, {name: np.array(mask) for name, mask in members.items()}, {}, ())


def counted(groups: Sequence[GroupResult], column: Column, n: int) -> list[Counter[Counted]]:
    return list(count_supplements(groups, {SupplementalElement.RACE: patient_codes(column, n)}).values())


def key(population: str, *ids: int) -> Counted:
    pairs = ", ".join(f'["http://example.org", "{NAMED[each][1]}"]' for each in ids)  # type: ignore[index]
    return (population, "race", f"[{pairs}]")


def test_patients_of_a_population_are_counted_by_all_that_they_have() -> None:
    of_patients = result(Units.of_patients(4), ip=[True, True, True, False], d=[False, True, True, False])
    (found,) = counted([of_patients], lists(codes(A, B, A, C), 2, 1, 0, 1), 4)
    assert found == {
        key("ip", A, B): 1,
        key("ip", A): 1,
        key("ip"): 1,
        key("d", A): 1,
        key("d"): 1,
    }


def test_a_patient_with_several_episodes_in_a_population_is_one() -> None:
    units = Units(2, np.array([0, 0, 1]), np.array([5, 6, 7]))
    (found,) = counted([result(units, ip=[True, True, False], d=[False, True, False])], codes(A, B), 2)
    assert found == {key("ip", A): 1, key("d", A): 1}


def test_counts_of_batches_add_up() -> None:
    """Codes that are first seen in another order are the same codes."""
    parts = [
        counted([result(Units.of_patients(2), ip=[True, True], d=[True, False])], codes(B, A), 2)[0],
        counted([result(Units.of_patients(3), ip=[True, True, True], d=[True, True, True])], codes(A, B, C), 3)[0],
    ]
    whole = result(Units.of_patients(5), ip=[True] * 5, d=[True, False, True, True, True])
    assert parts[0] + parts[1] == counted([whole], codes(B, A, A, B, C), 5)[0]
