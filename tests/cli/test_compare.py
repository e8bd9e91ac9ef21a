"""`ecqm compare` on runs of the sample measures."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from tests.cli.samples import CASES, KIDNEY, SAMPLE, ecqm


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Results of two years."""
    folder = tmp_path_factory.mktemp("runs")
    for year in ("2025", "2026"):
        result = ecqm("run", SAMPLE, "--data", CASES, "--period", year, "--output", folder / year)
        assert result.exit_code == 0, result.output
    return folder / "2025", folder / "2026"


def test_two_years(runs: tuple[Path, Path], tmp_path: Path) -> None:
    result = ecqm("compare", *runs, "--changes", tmp_path / "changes.csv")
    assert result.exit_code == 1
    (numerator,) = [
        line.split() for line in result.stdout.splitlines() if line.startswith(KIDNEY) and " numerator " in line
    ]
    with (tmp_path / "changes.csv").open() as file:
        changes = [each for each in csv.DictReader(file) if (each["measure"], each["what"]) == (KIDNEY, "numerator")]
    assert int(numerator[4]) - int(numerator[3]) == sum(int(each["after"]) - int(each["before"]) for each in changes)
    assert numerator[-1] in ("…", changes[-1]["patient"])


def test_a_run_and_itself(runs: tuple[Path, Path]) -> None:
    result = ecqm("compare", runs[0], runs[0])
    assert (result.exit_code, result.stdout) == (0, "no difference in 18 patients\n")
    compared = json.loads(ecqm("compare", runs[0], runs[0], "--format", "json").stdout)
    assert compared["differences"] == compared["scores"] == []


def test_what_is_no_run(runs: tuple[Path, Path], tmp_path: Path) -> None:
    result = ecqm("compare", tmp_path, runs[0])
    assert result.exit_code == 2 and f"{tmp_path} has no results of ecqm run" in result.stderr
