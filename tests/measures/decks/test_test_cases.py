"""Test cases as published decks lay them out, with what they expect."""

from __future__ import annotations

import json
import time
from pathlib import Path

from ecqm.measures.decks.test_cases import measure_expected, measure_folders, read_cases
from tests.content import CONTENT, needs_content
from tests.measures.decks.cases import PATIENT, counts, expected_report, write

GROUP = {"id": "g1", "population": counts(initial_population=1, numerator=0)}
REPORT = expected_report(GROUP)


def test_single_files_bundles_and_both(tmp_path: Path) -> None:
    write(tmp_path / "M" / "files" / "MeasureReport-1.json", REPORT)
    write(tmp_path / "M" / "files" / "Patient-p1.json", PATIENT)
    write(tmp_path / "M" / "bundle" / "M-v0.1.000-NUMPass-Fine.json", PATIENT, REPORT)
    write(tmp_path / "M" / "both" / "MeasureReport-1.json", REPORT)
    write(tmp_path / "M" / "both" / "all.json", PATIENT, REPORT)
    write(tmp_path / "M" / "loose-copy.json", PATIENT)
    cases = list(read_cases(tmp_path / "M"))
    assert [case.name for case in cases] == ["both", "bundle", "files"]
    for case in cases:
        (expectation,) = case.expectations
        assert expectation.patient_id == "p1" and expectation.measure == "http://example.org/Measure/Example"
        (group,) = expectation.groups
        assert [(p.code, p.count) for p in group.populations] == [("initial-population", 1), ("numerator", 0)]
        assert not case.problems
    assert [len(case.files) for case in cases] == [2, 1, 2]
    assert cases[1].title == "NUMPass Fine"


def test_folders_inside_a_case_and_folders_that_group_cases(tmp_path: Path) -> None:
    write(tmp_path / "M" / "case" / "MeasureReport" / "r.json", REPORT)
    write(tmp_path / "M" / "case" / "Patient" / "p.json", PATIENT)
    for name in ("one", "two"):
        write(tmp_path / "M" / "group" / name / "MeasureReport-1.json", REPORT)
    write(tmp_path / "M" / "nested" / "again" / "MeasureReport-1.json", REPORT)
    cases = list(read_cases(tmp_path / "M"))
    assert [case.name for case in cases] == ["case", "one", "two", "nested"]
    assert all(case.expectations for case in cases)


def test_titles_from_the_export_list_and_the_read_me(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        write(tmp_path / "M" / name / "MeasureReport-1.json", expected_report(GROUP, contained=[]))
    listed = [{"patientId": "a", "series": "S", "title": "First"}]
    (tmp_path / "M" / ".madie").write_text(json.dumps(listed))
    for line in ("Case # 1 - b = S Second", "b = S Second"):
        (tmp_path / "M" / "README.txt").write_text(f"How to read this\n\n{line}\n")
        assert [case.title for case in list(read_cases(tmp_path / "M"))] == ["S First", "S Second", None]


def test_the_report_for_the_measure_counts(tmp_path: Path) -> None:
    other = expected_report(GROUP, measure="http://example.org/Measure/Earlier")
    earlier = expected_report({"id": "x", "population": counts(initial_population=0)})
    write(tmp_path / "M" / "a" / "MeasureReport-1.json", REPORT)
    write(tmp_path / "M" / "a" / "MeasureReport-2.json", earlier)
    write(tmp_path / "M" / "a" / "MeasureReport-3.json", other)
    (case,) = read_cases(tmp_path / "M")
    assert len(case.expectations) == 3
    url = "http://example.org/Measure/Example"
    assert case.expectation(url, ("g1",)) == case.expectations[0]
    assert case.expectation(url, ("x",)) == case.expectations[1]
    assert case.expectation("http://example.org/Measure/Earlier") == case.expectations[2]
    assert measure_expected([case]) == url


def test_cases_without_a_readable_expectation_say_so(tmp_path: Path) -> None:
    write(tmp_path / "M" / "none" / "Patient-p1.json", PATIENT)
    (tmp_path / "M" / "cut").mkdir()
    (tmp_path / "M" / "cut" / "MeasureReport-1.json").write_text('{"resourceType": "MeasureReport", "group": [')
    result = expected_report(GROUP, meta={"profile": ["http://example.org/a-result"]})
    write(tmp_path / "M" / "result" / "MeasureReport-1.json", result)
    cut, none, other = list(read_cases(tmp_path / "M"))
    assert "MeasureReport-1.json" in cut.problems[0]
    assert none.problems and other.problems and not other.expectations
    assert none.expectation("x") is None


def test_observations_and_strata_are_read(tmp_path: Path) -> None:
    stratifier = {
        "id": "s",
        "code": [{"text": "Age"}],
        "stratum": [{"value": {"text": "true"}, "population": counts(numerator=1)}],
    }
    population = counts(initial_population=1, measure_population_observation=2.5)
    group = {"population": population, "stratifier": [stratifier], "measureScore": {"value": 0.5}}
    write(tmp_path / "M" / "a" / "MeasureReport-1.json", expected_report(group))
    (case,) = read_cases(tmp_path / "M")
    (read,) = case.expectations[0].groups
    assert [p.count for p in read.populations] == [1] and [o.count for o in read.observations] == [2.5]
    assert read.stratifiers[0].strata[0].value == "true" and read.score == 0.5


@needs_content
def test_the_published_deck_reads_quickly_and_every_case_expects_something() -> None:
    started = time.perf_counter()
    folders = measure_folders(CONTENT / "ecqm-content-qicore-2025" / "input" / "tests" / "measure")
    cases = [case for folder in folders for case in read_cases(folder)]
    assert time.perf_counter() - started < 25
    assert len(cases) == 2037
    for case in cases:
        assert not case.problems and case.title, case.folder
        assert all(group.populations for e in case.expectations for group in e.groups)
