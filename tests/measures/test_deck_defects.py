from __future__ import annotations

from pathlib import Path

from ecqm.measures.defects import DefectList
from ecqm.measures.test_cases import read_deck
from tests.content import CONTENT, needs_content

LIST = Path(__file__).parents[2] / "conformance" / "deck_defects.toml"


def test_the_list_is_sound() -> None:
    assert all(defect.wrong for defect in DefectList.read(LIST))


@needs_content
def test_every_listed_case_is_in_the_deck() -> None:
    listed = DefectList.read(LIST)
    deck = read_deck(CONTENT / "ecqm-content-qicore-2025" / "input" / "tests" / "measure")
    found = [d for folder, cases in deck.cases.items() for c in cases if (d := listed.find(c.name, folder))]
    assert sorted(found, key=str) == sorted(listed, key=str)
