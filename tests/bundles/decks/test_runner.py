"""Running the cases of a measure."""

from __future__ import annotations

from pathlib import Path

from ecqm.bundles.content import Content
from ecqm.bundles.decks.matching import match_deck
from ecqm.bundles.decks.runner import DeckRunner
from tests.bundles import visits


def test_a_case_with_a_wrong_period_does_not_keep_others_from_running(tmp_path: Path) -> None:
    tests = visits.deck(visits.repository(tmp_path) / "input" / "tests" / "measure" / "Visits")
    wrong = visits.report("unseen", 0, period={"start": "2026-12-31", "end": "2026-01-01"})
    visits.write(tests / "unseen" / "unseen.json", visits.patient("unseen"), visits.visit("unseen"), wrong)
    content = Content.open(tmp_path)
    (part,) = match_deck(content, None).measures
    results = {each.case.name: each for each in DeckRunner(content).run(part.measure, part.cases).results}
    assert results["seen"].passes and results["seen"].error is None
    assert results["unseen"].error == "the period 2026-12-31/2026-01-01 ends before it starts"
    assert not results["unseen"].passes
