"""Places of elements, repeated projections and gathered values, for several patients at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecqm.data import Cohort
from tests.data.resources import encounter, patient
from tests.engine.logic import Logic, cohort_of

NESTED = [
    {"url": "http://outer", "extension": [{"url": "in", "extension": [{"url": "deeper", "valueInteger": 3}]}]},
    {"url": "http://other", "valueString": "b"},
]


@pytest.fixture
def cohort(tmp_path: Path) -> Cohort:
    """a: two names with two givens and one, nested extensions, two visits; b: one given, a visit; c: nothing."""
    names = [{"family": "A", "given": ["x", "y"]}, {"family": "B", "given": ["z"]}]
    return cohort_of(
        tmp_path,
        [patient("a", name=names, extension=NESTED), encounter("a1", "a"), encounter("a2", "a")],
        [patient("b", name=[{"given": ["v"]}]), encounter("b1", "b")],
        [patient("c")],
    )


def test_index_counts_within_each_list(cohort: Cohort) -> None:
    logic = Logic(
        """
        define Second: Patient.name.given.where($index = 1)
        define Places: Patient.name.select($index)
        define Inner: Patient.name.select(given.select($index))
        define Filtered: Patient.name.given.where($this != 'x').select($index)
        define Pairs: [Encounter] E return Patient.name.given.where($index = 0).first() + ToString(Count(E.type))
        """
    )
    assert logic.values("Second", cohort) == [("y",), (), None]
    assert logic.values("Places", cohort) == [(0, 1), (0,), None]
    assert logic.values("Inner", cohort) == [(0, 1, 0), (0,), None]
    assert logic.values("Filtered", cohort) == [(0, 1), (0,), None]
    assert logic.values("Pairs", cohort) == [("x0",), ("v0",), ()]


def test_repeat_goes_on_until_nothing_is_new(cohort: Cohort) -> None:
    logic = Logic(
        """
        define Urls: Patient.repeat(extension).url
        define Values: Patient.extension.repeat(extension).where(value is not null).value
        define Counting: Patient.name.select($index).repeat(iif($this < 4, $this + 2, null))
        define Endless: Patient.name.select($index).repeat($this + 1)
        """
    )
    assert logic.values("Urls", cohort) == [("http://outer", "http://other", "in", "deeper"), (), ()]
    assert logic.values("Values", cohort) == [(3,), None, None]
    assert logic.values("Counting", cohort) == [(2, 3, 4, 5), (2, 4), None]
    executor = logic.executor(cohort)
    executor.evaluate(logic.plan("Endless"), "Endless")
    assert [(error.patient, "after 1,000 rounds" in error.message) for error in executor.errors] == [
        (0, True),
        (1, True),
    ]


def test_aggregate_gathers_per_patient(cohort: Cohort) -> None:
    logic = Logic("define Letters: Patient.name.given.aggregate($total & $this, '')")
    assert logic.values("Letters", cohort) == ["xyz", "v", ""]


def test_extensions_by_url(cohort: Cohort) -> None:
    logic = Logic("define Other: Patient.extension('http://other').value")
    assert logic.values("Other", cohort) == [("b",), None, None]
