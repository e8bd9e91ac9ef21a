"""Groups that could not be evaluated for some patients are in no result that names patients."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest

from ecqm.measures.definition import Measure
from ecqm.measures.results.table import table_schema
from ecqm.measures.scoring.tally import GroupTally, Tally
from ecqm.reporting.results.failed_groups import FailedGroups
from ecqm.reporting.results.files import ResultFiles
from ecqm.reporting.results.parts import MeasurePart, Part
from ecqm.reporting.results.recording import INDIVIDUAL, POPULATIONS, ResultOptions
from tests.measures.resources import group, measure, population


def two_groups() -> Measure:
    codes = map(population, ("initial-population", "denominator", "numerator"))
    parts = tuple(codes)
    return measure(*(group("proportion", *parts, group_id=name) for name in ("g1", "g2")))


def results(folder: Path, of: Measure, *groups_of_parts: tuple[str, ...]) -> tuple[Part, list[Path]]:
    """Parts with one patient each, for whom these groups could be evaluated."""
    total, paths = Part(), []
    for number, names in enumerate(groups_of_parts):
        tallies = [GroupTally(each, Tally({}, {}, {}, {})) for each in of.groups if each.id in names]
        total.add(Part(1, {of.canonical: MeasurePart(tuple(tallies), 0, 0.0)}))
        rows = [{"measure": of.name, "group": name, "patient": f"p{number}", "strata": []} for name in names]
        path = folder / f"{number:05}"
        pyarrow.parquet.write_table(pa.Table.from_pylist(rows, table_schema(0)), path.with_suffix(POPULATIONS))
        report = {"measure": of.canonical, "subject": number, "group": [{"id": name} for name in names]}
        path.with_suffix(INDIVIDUAL).write_bytes(json.dumps(report).encode() + b"\n")
        paths.append(path)
    return total, paths


@pytest.mark.parametrize("parts", [(("g1", "g2"), ("g2",), ("g1",)), (("g1", "g2"), ("g2",))])
def test_they_are_left_out(tmp_path: Path, parts: tuple[tuple[str, ...], ...]) -> None:
    of = two_groups()
    total, paths = results(tmp_path, of, *parts)
    failed = FailedGroups.of(total, {of.canonical: of})
    files = ResultFiles(tmp_path, tmp_path / "fresh")
    options = ResultOptions(individual=True, csv=True)
    files.gather(lambda suffix: [path.with_suffix(suffix) for path in paths], options, {}, failed)
    left = {"g1", "g2"}.intersection(*parts)
    expected = [(name, f"p{number}") for number, names in enumerate(parts) for name in names if name in left]
    rows = pyarrow.parquet.read_table(files.path("populations.parquet")).to_pylist()
    assert [(row["group"], row["patient"]) for row in rows] == expected
    with files.path("populations.csv").open(encoding="utf-8", newline="") as lines:
        assert [(row["group"], row["patient"]) for row in csv.DictReader(lines)] == expected
    reports = [json.loads(line) for line in files.path("individual.ndjson").read_bytes().splitlines()]
    assert [(each["id"], f"p{told['subject']}") for told in reports for each in told["group"]] == expected
    assert all(told["group"] for told in reports)


def test_without_them_results_stay_as_they_are(tmp_path: Path) -> None:
    of = two_groups()
    total, (path, *_) = results(tmp_path, of, ("g1", "g2"), ("g1", "g2"))
    failed = FailedGroups.of(total, {of.canonical: of})
    assert not failed
    files = ResultFiles(tmp_path, tmp_path / "fresh")
    files.gather(lambda suffix: [path.with_suffix(suffix)], ResultOptions(), {}, failed)
    assert files.path("populations.parquet").samefile(path.with_suffix(POPULATIONS))
