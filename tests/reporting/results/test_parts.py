"""Parts add up, and do not grow without bounds."""

from __future__ import annotations

import pytest

from ecqm.reporting.results import parts
from ecqm.reporting.results.parts import Part


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
