"""Units of observed values: in aggregates, strata and batches, and of scores (FHIR R4, MeasureReport.measureScore)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

import numpy as np
import pytest

from ecqm.measures.definition import MeasureError
from ecqm.measures.results.report import Reporting, report_of_tallies
from ecqm.measures.results.scores import score_rows
from ecqm.measures.results.table import population_table
from ecqm.measures.scoring.criteria import Evaluated, Observed
from ecqm.measures.scoring.groups import GroupResult, evaluate_group
from ecqm.measures.scoring.observed_units import ONE, ObservedUnits, common_unit, converted, unit_of_quotient
from ecqm.measures.scoring.tally import GroupTally, merged_tallies
from tests.measures.resources import criteria, group, measure, observation, population

Quantity = tuple[float, str]


def observed(quantities: Sequence[Quantity]) -> Observed:
    names = tuple(dict.fromkeys((ONE, *(unit for _, unit in quantities))))
    codes = np.array([names.index(unit) for _, unit in quantities], np.int32)
    return Observed(np.array([value for value, _ in quantities]), units=ObservedUnits(codes, names))


def variable(*quantities: Quantity, method: str = "average") -> GroupResult:
    """The results of a continuous variable, a patient for each quantity; the first is in the stratum."""
    codes = ("initial-population", "measure-population")
    stratifier = [{"id": "s", "criteria": criteria("first")}]
    observing = observation("o", "measure-population", method)
    given = measure(group("continuous-variable", *map(population, codes), observing, stratifier=stratifier))
    n = len(quantities)
    defines = dict.fromkeys(codes, np.ones(n, np.bool_)) | {"first": np.arange(n) == 0}
    return evaluate_group(given.groups[0], Evaluated(n, defines, {("g1", "o"): observed(quantities)}))


def score(tally: GroupTally) -> tuple[float | None, str | None]:
    return tally.score(), tally.score_unit()


def test_one_unit_is_kept_and_several_become_the_finest() -> None:
    assert score(variable((1, "h"), (2, "h")).tally()) == (1.5, "h")
    assert score(variable((1, "h"), (30, "min")).tally()) == (45, "min")
    assert score(variable((1, "h"), (30, "min"), method="count").tally()) == (2, None)
    assert score(variable((1, ONE), (3, ONE)).tally()) == (2, None)
    assert score(variable((20, "Cel"), (293.15, "K")).tally()) == (pytest.approx(20), "Cel")


def test_a_stratum_has_the_unit_of_all() -> None:
    rows = list(score_rows("M", [variable((1, "h"), (30, "min")).tally()]))
    assert [(row["stratum"], row["score"], row["score_unit"]) for row in rows] == [
        (None, 45, "min"),
        ("s=true", 60, "min"),
    ]


def test_the_unit_does_not_depend_on_batches() -> None:
    values: list[Quantity] = [(1, "h"), (30, "min"), (0.25, "d")]
    for order in permutations(values):
        tallies = [GroupTally.from_json((t := variable(each).tally()).group, t.to_json()) for each in order]
        merged = merged_tallies(tallies)
        grown = merged_tallies([merged_tallies(tallies[:2]), tallies[2]])
        assert score(merged) == score(grown) == score(variable(*order).tally()) == (150, "min")


def test_batches_without_values_do_not_matter() -> None:
    merged = merged_tallies([variable((np.nan, ONE)).tally(), variable((2, "mg")).tally()])
    assert score(merged) == (2, "mg")


def test_units_that_cannot_be_converted_are_an_error() -> None:
    with pytest.raises(MeasureError, match=r"group g1: observation o has values in units .*: mg, min"):
        variable((1, "mg"), (1, "min"))
    with pytest.raises(MeasureError, match=r"observation o has values in units .*: 1, min"):
        merged_tallies([variable((1, "min")).tally(), variable((1, ONE)).tally()])
    assert common_unit(["{any}", "{any}"], "o") == "{any}"


def test_a_patient_keeps_its_own_unit() -> None:
    result = variable((1, "h"), (30, "min"), (np.nan, ONE))
    assert score(result.of_patient(0).tally()) == (1, "h")
    table = population_table(measure(group("cohort", population("initial-population"))), [result], ["a", "b", "c"])
    assert table["observation_1"].to_pylist() == [1, 30, None]
    assert table["observation_1_unit"].to_pylist() == ["h", "min", None]


@pytest.mark.parametrize(
    ("above", "below", "expected"),
    [
        ((6, "mg"), (3, "mg"), (2, None)),
        ((6, "mg"), (3, "d"), (2, "mg/d")),
        ((1, "h"), (30, "min"), (2, None)),
        ((6, "mg"), (3, ONE), (2, "mg")),
    ],
)
def test_ratios_of_observations(above: Quantity, below: Quantity, expected: tuple[float, str | None]) -> None:
    codes = ("initial-population", "denominator", "numerator")
    observing = [observation("below", "denominator", "sum"), observation("above", "numerator", "sum")]
    given = measure(group("ratio", *map(population, codes), *observing))
    observations = {("g1", "above"): observed([above]), ("g1", "below"): observed([below])}
    defines = dict.fromkeys(codes, np.ones(1, np.bool_))
    assert score(evaluate_group(given.groups[0], Evaluated(1, defines, observations)).tally()) == expected


def test_quotients_of_units_that_are_not_of_ucum() -> None:
    assert unit_of_quotient("visits per", "d") == "visits per/d"
    assert converted(np.array([1.0, np.nan]), "d", "h")[0] == 24


@pytest.mark.parametrize(
    ("unit", "code"), [("min", "min"), ("days", "d"), ("years", "a"), ("visits of any kind", None)]
)
def test_reports_have_the_unit_and_its_code(unit: str, code: str | None) -> None:
    result = variable((3, unit))
    reporting = Reporting(measure(group("cohort", population("initial-population"))), ("2026", "2026"), ())
    (told,) = report_of_tallies(reporting, [result.tally()], {})["group"]
    coded = {} if code is None else {"system": "http://unitsofmeasure.org", "code": code}
    assert told["measureScore"] == {"value": 3, "unit": unit, **coded}
