"""The list of measures that `ecqm measures` prints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from ecqm.bundles.content.documents import ContentError
from ecqm.bundles.packages.content import PackageContent
from ecqm.bundles.packages.deck import PackageDeck, is_package_deck
from ecqm.cli.contents import measures_of, open_content
from ecqm.cli.decks import matched, unarchived
from ecqm.measures.definition import PATIENT_BASIS, Composite, Group, Measure
from ecqm.measures.definition.naming import cms_id, in_order_of_numbers
from ecqm.reporting.tables import table_text

# Widths of columns.
_NARROWEST_NAME, _SHORTEST_NAME, _SHORTEST_TITLE, _WIDEST_VERSION = 12, 36, 20, 12
_GAP = 2


@dataclass(frozen=True)
class ListedMeasure:
    """A measure, and the number of its test cases."""

    measure: Measure
    cases: int

    @property
    def cms_id(self) -> str | None:
        """The CMS id that its name, or one of its short names, begins with."""
        names = (self.measure.name, *self.measure.short_names)
        return next(filter(None, map(cms_id, names)), None)

    @property
    def scored(self) -> tuple[Group | Composite, ...]:
        """What has a score of its own."""
        return *self.measure.groups, *self.measure.composites

    def row(self) -> dict[str, str]:
        """The cells of its row, by the headings of their columns."""
        bases = ("patients" if each.basis == PATIENT_BASIS else each.basis for each in self.scored)
        return {
            "CMS id": self.cms_id or "",
            "name": self.measure.name,
            "version": self.measure.version or "",
            "scoring": _each_once(str(each.scoring) for each in self.scored),
            "basis": _each_once(bases),
            "cases": str(self.cases),
            "title": " ".join((self.measure.title or "").split()),
        }

    def to_json(self) -> Mapping[str, Any]:
        """The measure in the list as JSON."""
        return {
            "cms": self.cms_id,
            "name": self.measure.name,
            "version": self.measure.version,
            "title": self.measure.title,
            "url": self.measure.url,
            "effectivePeriod": dict(zip(("start", "end"), self.measure.period, strict=True)),
            "groups": [{"id": each.id, "scoring": str(each.scoring), "basis": each.basis} for each in self.scored],
            "cases": self.cases,
        }


def _each_once(words: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(words))


def content_measures(path: Path, tests: Path | None, names: Sequence[str]) -> list[ListedMeasure]:
    """The FHIR measures of a content, or those named, in the order of their CMS ids; cases are in the content, or at
    `tests`."""
    with unarchived(path, tests) as (unpacked, apart):
        content = open_content(unpacked, called=path)
        measures = measures_of(content, names)
        cases: Counter[str] = Counter()
        try:
            with matched(content, unpacked, apart, names) as deck:
                for part in deck.measures:
                    cases[part.measure.canonical] += len(part.cases)
        except ContentError:
            # Content without cases is listed; cases that were named have to be there.
            if tests is not None:
                raise
    return _in_order(ListedMeasure(measure, cases[measure.canonical]) for measure in measures)


def package_measures(path: Path, tests: Path | None, names: Sequence[str]) -> list[ListedMeasure]:
    """The measures of QDM packages, or those named, in the order of their CMS ids; cases are their patients."""
    packages = PackageContent.open(path).select(names)
    cases: Counter[str] = Counter()
    if tests is not None or is_package_deck(path):
        for _, package, patients in PackageDeck.open(path, tests).cases():
            cases[package.origin] += len(patients)
    return _in_order(ListedMeasure(package.measure, cases[package.origin]) for package in packages)


def _in_order(listed: Iterable[ListedMeasure]) -> list[ListedMeasure]:
    return sorted(listed, key=lambda each: in_order_of_numbers(each.cms_id or each.measure.name))


def table_of_measures(listed: Sequence[ListedMeasure], width: int) -> str:
    """The measures with as many columns as there is room for; without the least important, names are folded."""
    rows = [each.row() for each in listed]
    widths = _widths(rows, width)
    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0))
    for heading, each in widths.items():
        is_title = heading == "title"
        table.add_column(
            heading,
            width=each,
            no_wrap=is_title,
            overflow="ellipsis" if is_title else "fold",
            justify="right" if heading == "cases" else "left",
        )
    for row in rows:
        table.add_row(*(row[heading] for heading in widths))
    return table_text(table, width)


def _widths(rows: Sequence[Mapping[str, str]], width: int) -> dict[str, int]:
    """The columns that there is room for, with their widths."""
    widest = {heading: max(len(heading), *(len(row[heading]) for row in rows)) for heading in rows[0]}
    widths = widest | {
        "version": min(widest["version"], _WIDEST_VERSION),
        "name": min(widest["name"], _SHORTEST_NAME),
        "title": min(widest["title"], _SHORTEST_TITLE),
    }
    for dispensable in ("title", "basis", "scoring"):
        if _total(widths) > width:
            del widths[dispensable]
    for elastic in ("name", "title"):
        if elastic in widths:
            fitting = min(widths[elastic] + width - _total(widths), widest[elastic])
            widths[elastic] = max(fitting, _NARROWEST_NAME)
    return widths


def _total(widths: Mapping[str, int]) -> int:
    return sum(widths.values()) + _GAP * len(widths)
