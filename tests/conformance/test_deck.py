"""The published deck: every case agrees, or is listed as a defect of the deck with its evidence."""

from __future__ import annotations

from tests.content import CONTENT, needs_content
from tests.scripts import run


@needs_content
def test_no_case_is_unexplained() -> None:
    more = ("--libraries", CONTENT / "libraries-2025", "--valuesets", CONTENT / "valuesets-2025")
    assert "unexplained 0, " in run("conformance/deck.py", CONTENT / "ecqm-content-qicore-2025", *more)
