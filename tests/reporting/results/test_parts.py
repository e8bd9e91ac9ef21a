"""Parts add up, and do not grow without bounds."""

from __future__ import annotations

import numpy as np
import pytest

from ecqm.measures.scoring.tally import GroupTally, Tally
from ecqm.reporting.results import parts
from ecqm.reporting.results.parts import MeasurePart, Part
from tests.measures.resources import group, measure, observation, population


def part(*patients: str) -> Part:
    errors = [{"patient": patient, "measure": "M", "message": "no"} for patient in patients]
    problems = [{"file": patient} for patient in patients]
    return Part(len(patients), errors=errors, n_failed=len(patients), problems=problems, n_problems=len(patients))


def test_errors_and_problems_are_counted_and_the_first_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "ERRORS_LISTED", 3)
    monkeypatch.setattr(parts, "PROBLEMS_LISTED", 2)
    total = Part()
    for each in (part("a", "b"), part("c", "d"), part("e")):
        total.add(Part.from_json(each.to_json(), {}))
    assert (total.patients, total.n_failed, total.n_problems) == (5, 5, 5)
    assert [error["patient"] for error in total.errors] == ["a", "b", "c"]
    assert [problem["file"] for problem in total.problems] == ["a", "b"]


def test_a_measure_whose_batches_have_units_that_cannot_be_converted_is_not_run() -> None:
    codes = ("initial-population", "measure-population")
    observing = observation("o", "measure-population", "sum")
    of = measure(group("continuous-variable", *map(population, codes), observing))
    total = Part()
    for unit in ("mg", "min", "mg"):
        tally = Tally(dict.fromkeys(codes, 1), dict.fromkeys(codes, 1), {"o": np.array([1.0])}, {"o": unit})
        total.add(Part(1, {of.canonical: MeasurePart((GroupTally(of.groups[0], tally),), 0, 0.0)}))
    assert list(total.not_run) == [of.canonical] and "mg, min" in total.not_run[of.canonical]
    assert not list(total.results_of({of.canonical: of}))
