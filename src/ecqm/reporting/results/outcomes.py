"""Results at a glance: counts and scores, a line per group."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from io import StringIO

from ecqm.measures.scoring.composite import CompositeScores
from ecqm.measures.scoring.tally import GroupTally

HEADINGS = ("measure", "group", "populations", "score")
Row = tuple[str, str, str, str]

# A count stays in the line of its population. Rich breaks lines at white space of any kind, so this is none.
_COUNT = re.compile(r" (\d+)(?=,|$)")
_GLUE = "\ue000"


def outcome_rows(measure: str, groups: Iterable[GroupTally], composites: CompositeScores = ()) -> Iterator[Row]:
    """The groups of a measure: its name, the group, the populations with their counts, the score."""
    for group in groups:
        counts = ", ".join(f"{each.code.value} {group.total(each.id)}" for each in group.group.criteria)
        yield measure, group.group.id, counts, _shown(group.score(), group.score_unit())
    for composite, score in composites:
        yield measure, composite.id, f"{composite.scoring} of {len(composite.components)}", _shown(score)


def outcome_table(rows: Iterable[Row], width: int) -> str:
    """The rows as text; lines have `width` characters at most."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    *texts, score = HEADINGS
    for heading in texts:
        table.add_column(heading, overflow="fold")
    table.add_column(score, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(*(_COUNT.sub(rf"{_GLUE}\1", cell) for cell in row))
    out = StringIO()
    Console(file=out, width=width).print(table)
    return "\n".join(line.rstrip() for line in out.getvalue().replace(_GLUE, " ").splitlines())


def _shown(score: float | None, unit: str | None = None) -> str:
    return "" if score is None else " ".join(filter(None, (f"{score:.4f}", unit)))
