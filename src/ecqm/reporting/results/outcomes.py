"""Results at a glance: counts and scores, a line per group."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from ecqm.bundles.packages.terms import POPULATIONS
from ecqm.measures.scoring.composite import CompositeScores
from ecqm.measures.scoring.tally import GroupTally
from ecqm.reporting.tables import table_text

# Populations have the names that HQMF gave them, which everybody who works with eCQMs knows, and which are short.
_ABBREVIATIONS = {code: name for name, code in POPULATIONS.items()}
_MEASURE, _GROUP, _SCORE = "measure", "group", "score"
_GAP = 2
_HEADINGS = (_MEASURE, _GROUP, *_ABBREVIATIONS.values(), _SCORE)

Row = Mapping[str, str]
"""The cells of a line by their heading."""


def outcome_rows(measure: str, groups: Iterable[GroupTally], composites: CompositeScores = ()) -> Iterator[Row]:
    """The groups of a measure: its name, the group, the count of each population, the score.

    Populations of the same code, such as the two initial populations of some ratios, share a cell.
    """
    for group in groups:
        counts: dict[str, list[str]] = {}
        for population in group.group.criteria:
            counts.setdefault(_ABBREVIATIONS[population.code], []).append(str(group.total(population.id)))
        told = {heading: ", ".join(each) for heading, each in counts.items()}
        yield {_MEASURE: measure, _GROUP: group.group.id, **told, _SCORE: _shown(group.score(), group.score_unit())}
    for composite, score in composites:
        name = f"{composite.id} ({composite.scoring} of {len(composite.components)})"
        yield {_MEASURE: measure, _GROUP: name, _SCORE: _shown(score)}


def headings(rows: Sequence[Row]) -> list[str]:
    """The headings that any of the rows has a cell for, in their order."""
    return [heading for heading in _HEADINGS if any(heading in row for row in rows)]


def outcome_table(rows: Iterable[Row], width: int) -> str:
    """The rows as text; lines have `width` characters at most, if all counts fit into one line."""
    from rich.table import Table

    rows = list(rows)
    shown = _fitting(rows, width)
    table = Table(box=None, pad_edge=False)
    for heading in shown:
        if heading in (_MEASURE, _GROUP):
            table.add_column(heading, overflow="fold")
        else:
            table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(*(row.get(heading, "") for heading in shown))
    return table_text(table, width)


def _fitting(rows: Sequence[Row], width: int) -> list[str]:
    """The headings of a table: where there is little room, without the groups if each measure has only one."""
    shown = headings(rows)
    widest = (max(len(heading), *(len(row.get(heading, "")) for row in rows)) for heading in shown)
    is_narrow = sum(each + _GAP for each in widest) > width
    if is_narrow and len({row[_MEASURE] for row in rows}) == len(rows):
        shown.remove(_GROUP)
    return shown


def _shown(score: float | None, unit: str | None = None) -> str:
    return "" if score is None else " ".join(filter(None, (f"{score:.4f}", unit)))
