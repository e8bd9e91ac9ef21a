"""ecqm from Python.

    import ecqm

    measures = ecqm.select("content", ["CMS122"], libraries=["more"], valuesets=["even more"])
    patients = ecqm.load("bulk-export")               # or a cohort store, bundles, a folder of resources
    result = ecqm.evaluate(measures, patients, "2026-01-01/2026-12-31")

    result.table                                      # pyarrow.Table: a row per patient or episode and group
    result.reports                                    # summary MeasureReports, as dictionaries
    result.measure("CMS122FHIR…").groups[0].score()
    result.errors, result.problems

Patients are read when measures are evaluated, and only what these need of them; what was read is kept for the next
evaluation.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa

from ecqm.bundles.content import Content
from ecqm.bundles.evaluation import Batch, Evaluation, Stated
from ecqm.bundles.evaluation import evaluate as evaluate_batches
from ecqm.bundles.selection import Selection
from ecqm.bundles.selection import select as select_measures
from ecqm.data import DataProblem
from ecqm.data.source import PatientData
from ecqm.engine.profiles import ProfileRule
from ecqm.measures.definition import MeasureError
from ecqm.measures.evaluation import GroupResult
from ecqm.measures.merging import merged_groups
from ecqm.measures.period import parse_period
from ecqm.measures.report import Json, Reporting, summary_report
from ecqm.measures.table import population_table
from ecqm.reporting.parts import episode_names, error_entries

PathLike = str | Path


class MissingValueSets(LookupError):
    """Measures need value sets that are not at hand as whole; the message names them with the libraries."""


def select(
    content: PathLike,
    names: Iterable[str] = (),
    *,
    libraries: Iterable[PathLike] = (),
    valuesets: Iterable[PathLike] = (),
    relax_versions: bool = False,
) -> Selection:
    """Measures of published content (all of it, unless named), planned to run together.

    A measure that cannot be planned is in `not_planned`, with the reason. Raises ContentError, MeasureNotFound.
    """
    opened = Content.open(Path(content), map(Path, libraries), map(Path, valuesets))
    return select_measures(opened, opened.select(names), relax_versions)


def load(*paths: PathLike, default_offset: int = 0) -> PatientData:
    """Patients at some paths: a cohort store, bundles, folders of resources, NDJSON. Raises DataError.

    `default_offset` is that of date-times that have none, in minutes east of UTC.
    """
    return PatientData(map(Path, paths), default_offset)


def evaluate(
    measures: Selection,
    cohort: PatientData,
    period: str | tuple[str, str] | None = None,
    *,
    supplements: bool = False,
    profiles: ProfileRule = "both",
    allow_missing: bool = False,
) -> Result:
    """Evaluate measures on patients.

    `period` is written `START/END`; without it each measure has its effective period. `supplements`: with
    supplemental data and risk-adjustment variables; `profiles`: by what a resource is of a profile (see
    `ecqm.engine.profiles`). Raises MissingValueSets unless told to go on without them,
    MeasureError for what is no period and if no measure could be planned.
    """
    if measures.missing and not allow_missing:
        raise MissingValueSets("; ".join(map(str, measures.missing)))
    if not measures.plans:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in measures.not_planned.items())
        raise MeasureError(f"there is no measure to evaluate: {reasons or 'none was selected'}")
    stated = (None, None) if period is None else parse_period(period) if isinstance(period, str) else period
    value_sets = measures.content.value_sets
    batches = evaluate_batches(Evaluation(measures.plans, value_sets, stated, supplements, profiles), cohort)
    return Result(measures, stated, list(batches))


@dataclass(frozen=True)
class MeasureGroups:
    """The results of one measure: one `GroupResult` per group, over all patients."""

    name: str
    groups: tuple[GroupResult, ...]


@dataclass(frozen=True)
class Result:
    """What measures came to, over all batches of patients in their order."""

    selection: Selection
    period: Stated
    batches: Sequence[Batch] = field(repr=False)

    @cached_property
    def patient_ids(self) -> list[str]:
        """The ids of the patients, in the order of all results."""
        return [identifier for batch in self.batches for identifier in batch.cohort.ids]

    @cached_property
    def measures(self) -> tuple[MeasureGroups, ...]:
        """The results of each measure that could be evaluated."""
        found = []
        for plan in self.selection.plans:
            if plan.measure.name not in self.not_run:
                parts = [
                    result.groups
                    for batch in self.batches
                    for result in batch.results
                    if result.measure is plan.measure
                ]
                found.append(MeasureGroups(plan.measure.name, merged_groups(parts)))
        return tuple(found)

    def measure(self, name: str) -> MeasureGroups:
        """The results of the measure of that name. Raises KeyError."""
        for measure in self.measures:
            if measure.name == name:
                return measure
        raise KeyError(f"there are no results of a measure {name!r}")

    @cached_property
    def not_run(self) -> dict[str, str]:
        """By name of the measure, why it could not be planned or evaluated."""
        return dict(self.selection.not_planned) | {
            name: reason for batch in self.batches for name, reason in batch.failed.items()
        }

    @cached_property
    def table(self) -> Any:
        """A pyarrow.Table with a row per patient or episode and group; see `ecqm.measures.table`."""
        tables = [
            population_table(
                result.measure, result.groups, batch.cohort.ids, episode_names(batch.cohort), result.failed
            )
            for batch in self.batches
            for result in batch.results
        ]
        return pa.concat_tables(tables, promote_options="default") if tables else pa.table({})

    @cached_property
    def reports(self) -> list[Json]:
        """A summary MeasureReport of each measure."""
        plans = {plan.measure.name: plan.measure for plan in self.selection.plans}
        found = []
        for each in self.measures:
            measure = plans[each.name]
            start, end = (own or effective for own, effective in zip(self.period, measure.period, strict=True))
            found.append(summary_report(Reporting(measure, (str(start), str(end)), self.patient_ids), each.groups))
        return found

    @cached_property
    def errors(self) -> list[Json]:
        """Run-time errors of patients: who, in which measure and define, where in the source, and what went wrong."""
        plans = {plan.measure.canonical: plan for plan in self.selection.plans}
        return [
            entry
            for batch in self.batches
            for result in batch.results
            for entry in error_entries(plans[result.measure.canonical], batch.cohort, result)
        ]

    @cached_property
    def problems(self) -> list[DataProblem]:
        """What was found wrong with the data."""
        return [problem for batch in self.batches for problem in batch.cohort.problems]
