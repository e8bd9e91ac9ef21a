"""Which measures of a content the folders of a deck of test cases belong to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ecqm.bundles.content import Content
from ecqm.bundles.documents import ContentError
from ecqm.measures.definition import Measure
from ecqm.measures.test_cases import Deck, TestCase, read_deck


@dataclass(frozen=True)
class MeasureCases:
    """The cases of one measure. ``folders`` are the deck's folders they come from, mostly one."""

    measure: Measure
    folders: tuple[str, ...]
    cases: tuple[TestCase, ...]


@dataclass(frozen=True)
class MatchedDeck:
    """``unmatched`` are folders with cases of measures that the content does not have: folder, the measure that they
    name, and how many cases there are. It is empty where measures were asked for by name."""

    measures: tuple[MeasureCases, ...]
    unmatched: tuple[tuple[str, str | None, int], ...]


def match_deck(content: Content, tests: Path | None = None, names: Iterable[str] = ()) -> MatchedDeck:
    """The cases of the content's measures, from its own test folder or another of the same layout.

    A folder belongs to the measure that it is named after, otherwise to the one that its expectations name. With
    ``names`` only those measures' cases are read. ``MeasureNotFound`` for a name that is none; ``ContentError`` if
    there is no test folder.
    """
    root = tests or content.tests
    if root is None or not root.is_dir():
        raise ContentError(f"there are no test cases in {tests or content.root}")
    names = tuple(names)
    wanted = {measure.canonical: measure for measure in content.select(names)}
    deck = Deck(root)
    matched: dict[str, list[str]] = {}
    unmatched: list[tuple[str, str | None, int]] = []
    for folder in sorted(path.name for path in root.iterdir() if path.is_dir() and not path.name.startswith(".")):
        measure = _named(content, folder)
        if measure is not None and measure.canonical not in wanted:
            continue
        cases = read_deck(root, (folder,)).cases[folder]
        deck.cases[folder] = cases
        expected = deck.measure_of(folder)
        if measure is None and expected is not None:
            measure = _named(content, expected)
        if measure is None:
            if cases and not names:
                unmatched.append((folder, expected, len(cases)))
        elif measure.canonical in wanted:
            matched.setdefault(measure.canonical, []).append(folder)
    found = tuple(
        MeasureCases(wanted[canonical], tuple(folders), tuple(case for f in folders for case in deck.cases[f]))
        for canonical, folders in matched.items()
    )
    return MatchedDeck(found, tuple(unmatched))


def _named(content: Content, name: str) -> Measure | None:
    source = content.measures.get(name)
    return content.measures.measure(source) if source is not None else None
