"""The results of measures over patients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.parquet

from ecqm.bundles.evaluation.selection import Selection
from ecqm.bundles.packages.content import PackageSelection
from ecqm.data import DataProblem
from ecqm.measures.definition.naming import named, names_of, not_found
from ecqm.measures.results.fhir_elements import Json
from ecqm.measures.results.scores import score_rows, score_table
from ecqm.measures.results.table import table_schema
from ecqm.measures.scoring.composite import CompositeScores
from ecqm.measures.scoring.tally import GroupTally
from ecqm.reporting.results.failed_groups import FailedGroups
from ecqm.reporting.results.outcomes import Row, headings, outcome_rows, outcome_table
from ecqm.reporting.results.parts import Part
from ecqm.reporting.results.recording import PartRecorder, summary_reports


@dataclass(frozen=True)
class MeasureGroups:
    """The results of one measure over all patients: a tally per group, and the scores of its composites."""

    name: str
    groups: tuple[GroupTally, ...]
    scores: CompositeScores = ()

    def __repr__(self) -> str:
        rows = outcome_rows(self.name, self.groups, self.scores)
        told = (", ".join(f"{heading} {cell}" for heading, cell in row.items() if heading != "measure") for row in rows)
        return f"<{self.name}: {'; '.join(told)}>"


@dataclass(frozen=True)
class Result:
    """The results of measures: `print` shows counts and scores, and so does a notebook.

    `not_read` says which data could not be evaluated at all, and why.
    """

    selection: Selection | PackageSelection
    recorder: PartRecorder = field(repr=False)
    part: Part = field(repr=False)
    not_read: tuple[str, ...]
    populations: Sequence[Path] = field(repr=False)
    _folder: TemporaryDirectory[str] = field(repr=False)

    @property
    def patients(self) -> int:
        """The number of patients."""
        return self.part.patients

    @cached_property
    def measures(self) -> tuple[MeasureGroups, ...]:
        """The results of each measure that could be evaluated."""
        return tuple(
            MeasureGroups(measure.name, part.groups, self.part.scores(measure))
            for measure, part in self.part.results_of(self.selection.measures)
        )

    def measure(self, name: str) -> MeasureGroups:
        """The results of a measure, by name, URL or CMS id. Raises MeasureNotFound."""
        known = self.selection.measures.values()
        meant = {each.name for each in named(name, known, names_of)}
        found = [measure for measure in self.measures if measure.name in meant]
        if len(found) != 1:
            raise not_found(name, (measure.name for measure in self.measures))
        return found[0]

    @property
    def not_run(self) -> dict[str, str]:
        """Why measures, groups and supplemental data could not be planned or evaluated, by name."""
        return self.part.not_run

    @cached_property
    def scores(self) -> pa.Table:
        """Counts and scores, a row per group and stratum; see `ecqm.measures.results.scores`."""
        return score_table(row for each in self.measures for row in score_rows(each.name, each.groups, each.scores))

    def __str__(self) -> str:
        return outcome_table(self._rows, width=120)

    def __repr__(self) -> str:
        failed = f", {self.part.n_failed} evaluations failed" if self.part.n_failed else ""
        measures = f"{len(self.measures)} {'measure' if len(self.measures) == 1 else 'measures'}"
        return f"<Result of {measures} over {self.patients:,} patients{failed}>"

    def _repr_html_(self) -> str:
        """The counts and scores as a table of a notebook."""
        shown = headings(self._rows)
        cells = [shown, *([row.get(heading, "") for heading in shown] for row in self._rows)]
        rows = ("".join(f"<td>{escape(str(cell))}</td>" for cell in row) for row in cells)
        return f"<p>{escape(repr(self))}</p><table>{''.join(f'<tr>{row}</tr>' for row in rows)}</table>"

    @property
    def _rows(self) -> list[Row]:
        return [row for each in self.measures for row in outcome_rows(each.name, each.groups, each.scores)]

    @cached_property
    def table(self) -> pa.Table:
        """A row per patient or episode and group; see `ecqm.measures.results.table`.

        `to_pandas` and `polars.from_arrow` take it further.
        """
        tables = [pyarrow.parquet.read_table(path) for path in self.populations]
        table = pa.concat_tables(tables) if tables else table_schema(self.recorder.observations).empty_table()
        failed = FailedGroups.of(self.part, self.selection.measures)
        return failed.out_of(table) if failed else table

    @cached_property
    def reports(self) -> list[Json]:
        """A summary MeasureReport of each measure."""
        return summary_reports(self.selection.measures, self.part, self.recorder)

    @property
    def errors(self) -> list[Json]:
        """Run-time errors (the first 100,000): patient, measure, definition, place in the source, and message."""
        return self.part.errors

    @cached_property
    def problems(self) -> list[DataProblem]:
        """Problems of the data (the first 10,000)."""
        return [DataProblem(**problem) for problem in self.part.problems]
