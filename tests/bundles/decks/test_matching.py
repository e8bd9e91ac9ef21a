"""Folders of cases belong to the measures that they name or expect results of."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecqm.bundles.content import Content
from ecqm.bundles.content.documents import ContentError
from ecqm.bundles.decks.matching import folders_of, match_deck
from tests.bundles.contents import measure, write_bundle
from tests.content import CONTENT, needs_content
from tests.measures.decks.cases import counts, expected_report, write

GROUP = {"id": "g1", "population": counts(initial_population=1)}


def deck(root: Path, *folders: tuple[str, str]) -> Path:
    for folder, url in folders:
        write(root / folder / "case" / "MeasureReport-1.json", expected_report(GROUP, measure=url))
    return root


def test_folders_belong_to_measures_by_name_or_by_what_they_expect(tmp_path: Path) -> None:
    content = Content.open(write_bundle(tmp_path / "b.json", measure("CMS7FHIRExample"), measure("PainFHIR")))
    tests = deck(
        tmp_path / "tests",
        ("CMS7FHIRExample", "http://example.org/Measure/AnEarlierName"),
        ("CMS157Pain", "http://example.org/Measure/PainFHIR"),
        ("Unknown", "http://example.org/Measure/Unknown"),
    )
    matched = match_deck(content, tests)
    assert [(m.measure.name, m.folders) for m in matched.measures] == [
        ("PainFHIR", ("CMS157Pain",)),
        ("CMS7FHIRExample", ("CMS7FHIRExample",)),
    ]
    assert matched.unmatched == (("Unknown", "http://example.org/Measure/Unknown", 1),)
    only = match_deck(content, tests, ["CMS7"])
    assert [m.measure.name for m in only.measures] == ["CMS7FHIRExample"] and not only.unmatched
    may_have = folders_of(content, ["CMS7"])
    assert [may_have(folder) for folder in ("CMS7FHIRExample", "PainFHIR", "CMS157Pain")] == [True, False, True]
    assert folders_of(content)("PainFHIR")
    with pytest.raises(ContentError, match="no test cases"):
        match_deck(content)


@needs_content
def test_every_folder_of_the_published_deck_but_one_belongs_to_a_measure() -> None:
    matched = match_deck(Content.open(CONTENT / "ecqm-content-qicore-2025"))
    assert sum(len(m.cases) for m in matched.measures) == 2027
    assert [folder for folder, _, _ in matched.unmatched] == ["NHSNGlycemicControlHypoglycemiaInitialPopulation"]
    for found in matched.measures:
        groups = tuple(group.id for group in found.measure.groups)
        for case in found.cases:
            expectation = case.expectation(found.measure.url, groups)
            assert expectation is not None and len(expectation.groups) == len(groups)
