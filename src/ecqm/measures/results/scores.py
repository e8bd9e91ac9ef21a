"""Scores as a table: one row per group of a measure, and one per stratum of the group.

Columns: `measure`, `group`, `stratum` (`<stratifier id>=<value>`; null in the row over all units), a count of units
for each population code (null where the group has no such population), `score` (null where it is not defined), and
`score_unit` (null where the score has no unit). A composite has a row with just its score.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa

from ecqm.measures.definition import Group
from ecqm.measures.results.table import POPULATION_COLUMNS
from ecqm.measures.scoring.composite import CompositeScores
from ecqm.measures.scoring.groups import FALSE, TRUE
from ecqm.measures.scoring.tally import GroupTally, Tally

Row = dict[str, str | int | float | None]

_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("measure", "group", "stratum")),
        *((name, pa.int64()) for name in POPULATION_COLUMNS.values()),
        ("score", pa.float64()),
        ("score_unit", pa.string()),
    ]
)


def score_rows(measure: str, groups: Iterable[GroupTally], composites: CompositeScores = ()) -> Iterator[Row]:
    """The rows of one measure."""
    for tally in groups:
        yield _row(measure, tally.group, None, tally.overall)
        for stratifier in tally.stratifiers:
            strata = stratifier.strata
            for labels, stratum in strata.items():
                if labels == (FALSE,) and (TRUE,) in strata:
                    # The other side of a criterion is not a stratum that a measure asks for.
                    continue
                name = f"{stratifier.stratifier.id}={', '.join(labels)}"
                yield _row(measure, tally.group, name, stratum)
    for composite, score in composites:
        yield {"measure": measure, "group": composite.id, "score": score}


def score_table(rows: Iterable[Row]) -> pa.Table:
    """The rows of some measures as a table."""
    return pa.Table.from_pylist(list(rows), schema=_SCHEMA)


def _row(measure: str, group: Group, stratum: str | None, tally: Tally) -> Row:
    counts = {column: tally.of_code.get(code.value) for code, column in POPULATION_COLUMNS.items()}
    score = {"score": tally.score(group), "score_unit": tally.score_unit(group)}
    return {"measure": measure, "group": group.id, "stratum": stratum, **counts, **score}
