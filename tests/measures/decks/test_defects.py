"""The list of published expectations that are wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecqm.measures.decks.defects import DefectList, DefectListError
from ecqm.measures.decks.test_cases import measure_folders, read_cases
from tests.content import CONTENT, needs_content

LIST = Path(__file__).parents[3] / "conformance" / "deck_defects.toml"


def test_the_list_is_sound() -> None:
    assert all(defect.wrong for defect in DefectList.read(LIST))


@pytest.mark.parametrize(
    "content",
    [
        b'[[defect]]\nmeasure = "caf\xe9"',
        b"[[defects]]",
        b"defect = 1",
        b"defect = [1]",
        b"[defect]",
        b"[[defect",
        b'[[defect]]\nmeasure = "m"\nreason = "r"\nevidence = "e"\ncase = "c"\nwrong = 1',
        b'[[defect]]\nmeasure = "m"\nreason = "r"\nevidence = "e"\ncase = "c"\nwrong = [["numerator"]]',
    ],
)
def test_what_is_no_list_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "defects.toml"
    path.write_bytes(content)
    with pytest.raises(DefectListError, match=r"defects\.toml"):
        DefectList.read(path)


@needs_content
def test_every_listed_case_is_in_the_deck() -> None:
    listed = DefectList.read(LIST)
    folders = measure_folders(CONTENT / "ecqm-content-qicore-2025" / "input" / "tests" / "measure")
    cases = [(case.name, folder.name) for folder in folders for case in read_cases(folder)]
    found = [defect for name, folder in cases if (defect := listed.find(name, folder))]
    assert sorted(found, key=str) == sorted(listed, key=str)
