"""Bundles of data, and the reports beside them that belong to them."""

from __future__ import annotations

from pathlib import Path

from ecqm.measures.decks.loose_cases import loose_cases
from tests.bundles import visits


def told(folder: Path) -> dict[str, list[str]]:
    return {case.name: [path.name for path in case.files[1:]] for case in loose_cases(folder)}


def data(path: Path, patient: str = "p") -> None:
    visits.write(path, visits.patient(patient), visits.visit(patient))


def test_cases_of_one_patient_are_told_apart_by_their_names(tmp_path: Path) -> None:
    for name in ("one", "two"):
        data(tmp_path / f"tests-{name}-bundle.json")
        visits.write(tmp_path / f"MeasureReport_{name}.json", visits.report("p", 0))
    assert told(tmp_path) == {"one": ["MeasureReport_one.json"], "two": ["MeasureReport_two.json"]}


def test_reports_with_other_names_are_matched_by_patient(tmp_path: Path) -> None:
    for patient in ("p", "q"):
        data(tmp_path / f"data-of-{patient}.json", patient)
        visits.write(tmp_path / f"{patient}-2026.json", visits.report(patient, 0))
    assert told(tmp_path) == {"data-of-p": ["p-2026.json"], "data-of-q": ["q-2026.json"]}


def test_data_without_a_report_are_no_case(tmp_path: Path) -> None:
    data(tmp_path / "p.json")
    visits.write(tmp_path / "q.json", visits.report("q", 0))
    assert not told(tmp_path)


def test_reports_without_data_are_a_case_without_data(tmp_path: Path) -> None:
    visits.write(tmp_path / "reports.json", visits.report("p", 0), visits.report("p", 1))
    assert told(tmp_path) == {"reports": []}
