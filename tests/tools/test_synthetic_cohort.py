"""Synthetic cohorts: the same seed gives the same cohort, and all of it can be read."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

from ecqm.data import read_files
from tests.scripts import imported


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    return imported("tools/synthetic_cohort.py")


def make(tool: ModuleType, folder: Path, seed: int, patients: int = 60) -> Path:
    folder.mkdir()
    words = tool.vocabulary(folder, (), tool.MIX)
    tool.write_shared(folder)
    tool.write_part(0, words, seed, patients, 30.0, folder)
    return folder


def test_it_can_be_read_without_a_problem(tool: ModuleType, tmp_path: Path) -> None:
    cohort = read_files([make(tool, tmp_path / "a", 1)])
    cohort.settle()
    assert cohort.n == 60
    assert not cohort.problems
    assert not list(cohort.dangling_references())
    assert len(cohort.table("Encounter")) >= 60
    assert len(cohort.table("Coverage")) == 60


def test_one_patient_may_have_very_many_resources(tool: ModuleType, tmp_path: Path) -> None:
    largest = tool.Part(tool.vocabulary(tmp_path, (), tool.MIX), 1, 0, 5, 10.0, 2_000).make()
    of_the_first = sum('"Patient/p0"' in line for lines in largest.values() for line in lines)
    assert of_the_first >= 2_000 and sum(map(len, largest.values())) < 3_000


def test_the_seed_decides(tool: ModuleType, tmp_path: Path) -> None:
    texts = [
        [file.read_text() for file in sorted(make(tool, tmp_path / name, seed).iterdir())]
        for name, seed in (("a", 1), ("b", 1), ("c", 2))
    ]
    assert texts[0] == texts[1] != texts[2]
