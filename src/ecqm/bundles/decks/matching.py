"""Matching the folders of a deck of test cases with the measures of a content."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ecqm.bundles.content import Content
from ecqm.bundles.content.documents import ContentError
from ecqm.measures.decks.test_cases import TestCase, measure_expected, measure_folders, read_cases
from ecqm.measures.definition import Measure
from ecqm.measures.definition.naming import MeasureNotFound


@dataclass(frozen=True)
class MeasureCases:
    """The cases of one measure. `folders` are the deck's folders that they come from, usually one."""

    measure: Measure
    folders: tuple[str, ...]
    cases: tuple[TestCase, ...]


@dataclass(frozen=True)
class MatchedDeck:
    """`unmatched` are folders with cases of measures that the content lacks: folder, the measure named by the cases,
    and the number of cases. It is empty if measures were requested by name."""

    measures: tuple[MeasureCases, ...]
    unmatched: tuple[tuple[str, str | None, int], ...]


def match_deck(content: Content, tests: Path | None = None, names: Iterable[str] = ()) -> MatchedDeck:
    """The cases of the content's measures, from its own test folder or another folder of the same layout.

    A folder belongs to the measure that it is named after, otherwise to the one named in its expectations. If no folder
    is named after a measure, cases are searched at any depth: an export of one measure's cases is a deck, and so are
    folders of such exports. With `names` only the cases of those measures are read, each for the version that it names.
    Raises MeasureNotFound for an unknown name, ContentError if there is no test folder.
    """
    root = tests or content.tests or content.root
    folders = _measure_folders(content, root, search_only=root == content.root) if root.is_dir() else []
    if not folders:
        raise ContentError(f"there are no test cases in {root}")
    names = tuple(names)
    wanted = _wanted(content, names)
    matched: dict[str, list[tuple[str, TestCase]]] = {}
    unmatched: list[tuple[str, str | None, int]] = []
    for folder in folders:
        measure = _named(content, folder.name)
        if not _may_concern(measure, wanted):
            continue
        cases = list(read_cases(folder))
        if not cases:
            continue
        expected = measure_expected(cases)
        measure = _of_version(content, cases, measure or (_called(content, expected) if expected else None))
        if measure is None:
            if not names:
                unmatched.append((folder.name, expected, len(cases)))
        elif (canonical := _among(wanted, measure)) is not None:
            matched.setdefault(canonical, []).extend((folder.name, case) for case in cases)
    found = tuple(
        MeasureCases(wanted[canonical], tuple(dict.fromkeys(f for f, _ in of)), tuple(case for _, case in of))
        for canonical, of in matched.items()
    )
    return MatchedDeck(found, tuple(unmatched))


def folders_of(content: Content, names: Sequence[str] = ()) -> Callable[[str], bool]:
    """Tells by the name of a deck's folder whether it may have cases of the measures with these names, or of any
    measure. Raises MeasureNotFound for an unknown name."""
    wanted = _wanted(content, names)
    return lambda folder: _may_concern(_named(content, folder), wanted)


def _may_concern(measure: Measure | None, wanted: Mapping[str, Measure]) -> bool:
    """Whether the folder that is named after a measure, if after any, may have cases of those wanted."""
    return measure is None or _among(wanted, measure) is not None


def _wanted(content: Content, names: Sequence[str]) -> dict[str, Measure]:
    return {measure.canonical: measure for measure in _measures(content, names)}


def _measures(content: Content, names: Sequence[str]) -> Iterator[Measure]:
    if not names:
        yield from content.select()
    for name in names:
        content.measures.find(name)
        yield from map(content.measures.measure, content.measures.versions(name))


def _measure_folders(content: Content, root: Path, search_only: bool) -> list[Path]:
    below = sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
    if search_only:
        # Do not search a whole repository that has no cases.
        return [] if (root / "input").is_dir() else measure_folders(root)
    if any(_named(content, folder.name) for folder in below):
        return below
    return measure_folders(root) or below


def _named(content: Content, name: str) -> Measure | None:
    """The measure of that name in its latest version; None if there is none, or if the name is ambiguous."""
    try:
        return content.measures.measure(content.measures.find(name))
    except MeasureNotFound:
        return None


def _called(content: Content, url: str) -> Measure | None:
    """The measure with that canonical URL, otherwise with the name in it: publishers changed their base URLs."""
    return _named(content, url) or _named(content, url.rpartition("/")[2])


def _among(wanted: Mapping[str, Measure], measure: Measure) -> str | None:
    """The canonical of the measure among those wanted, otherwise that of another version."""
    if measure.canonical in wanted:
        return measure.canonical
    return next((canonical for canonical, other in wanted.items() if other.url == measure.url), None)


def _of_version(content: Content, cases: Sequence[TestCase], measure: Measure | None) -> Measure | None:
    """The measure in the version that most cases name, if available."""
    if measure is None:
        return None
    named = Counter(e.measure for case in cases for e in case.expectations if e.measure and "|" in e.measure)
    for canonical, _ in named.most_common():
        found = _named(content, canonical)
        if found is not None and found.url == measure.url:
            return found
    return measure
