"""The published deck: every case agrees, or is listed as a defect of the deck with its evidence."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from tests.content import CONTENT, needs_content

RUNNER = Path(__file__).parents[2] / "conformance" / "deck.py"


@needs_content
def test_no_case_is_unexplained(capsys: pytest.CaptureFixture[str]) -> None:
    specification = importlib.util.spec_from_file_location("conformance_deck", RUNNER)
    assert specification is not None and specification.loader is not None
    deck = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(deck)
    more = [f"--libraries={CONTENT / 'libraries-2025'}", f"--valuesets={CONTENT / 'valuesets-2025'}"]
    status = deck.main([str(CONTENT / "ecqm-content-qicore-2025"), *more])
    assert status == 0, capsys.readouterr().out
