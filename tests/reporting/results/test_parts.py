"""Parts add up, and do not grow without bounds."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from ecqm.measures.definition import Measure, SupplementalData
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


def tally(of: Measure, group_id: str, unit: str) -> GroupTally:
    group = next(each for each in of.groups if each.id == group_id)
    codes = [population.id for population in group.criteria]
    counts = Tally(dict.fromkeys(codes, 1), dict.fromkeys(codes, 1), {"o": np.array([1.0])}, {"o": unit})
    return GroupTally(group, counts)


def two_groups() -> Measure:
    codes = ("initial-population", "measure-population")
    parts = (*map(population, codes), observation("o", "measure-population", "sum"))
    return measure(*(group("continuous-variable", *parts, group_id=name) for name in ("g1", "g2")))


def test_a_group_whose_batches_have_units_that_cannot_be_converted_is_not_run() -> None:
    of, total = two_groups(), Part()
    for unit in ("mg", "min", "mg"):
        groups = (tally(of, "g1", unit), tally(of, "g2", "mg"))
        total.add(Part(1, {of.canonical: MeasurePart(groups, 0, 0.0)}))
    name = f"{of.canonical}, group g1"
    assert list(total.not_run) == [name] and "mg, min" in total.not_run[name]
    ((left, found),) = total.results_of({of.canonical: of})
    assert [group.id for group in left.groups] == [each.group.id for each in found.groups] == ["g2"]
    assert found.groups[0].score() == 3


def test_a_group_that_some_batches_lack_has_no_results() -> None:
    of, total = two_groups(), Part()
    for names in (("g1", "g2"), ("g2",), ("g1", "g2")):
        part = MeasurePart(tuple(tally(of, name, "mg") for name in names), 0, 0.0)
        total.add(Part.from_json(Part(1, {of.canonical: part}).to_json(), {of.canonical: of}))
    ((_, found),) = total.results_of({of.canonical: of})
    assert [each.group.id for each in found.groups] == ["g2"] and found.groups[0].total("measure-population") == 3
    total.add(Part(1, {of.canonical: MeasurePart((tally(of, "g1", "mg"),), 0, 0.0)}))
    assert not list(total.results_of({of.canonical: of}))


def test_supplemental_data_that_some_batches_lack_are_not_counted() -> None:
    named = [SupplementalData(name, name, frozenset()) for name in ("sex", "race")]
    of, total = replace(two_groups(), supplemental_data=tuple(named)), Part()
    for names in (("sex", "race"), ("race",)):
        groups = (tally(of, "g1", "mg"), tally(of, "g2", "mg"))
        part = Part(1, {of.canonical: MeasurePart(groups, 0, 0.0, {name: Counter({"F": 1}) for name in names})})
        part.not_run |= {of.name_of_supplement(name): "why" for name in ("sex", "race") if name not in names}
        total.add(part)
    ((left, found),) = total.results_of({of.canonical: of})
    assert [each.id for each in left.supplemental_data] == ["race"] and found.supplements == {"race": Counter({"F": 2})}
