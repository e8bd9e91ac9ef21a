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
from ecqm.measures.composite import CompositeScores, composite_scores
from ecqm.measures.definition import MeasureError
from ecqm.measures.evaluation import GroupResult
from ecqm.measures.merging import merged_groups
from ecqm.measures.period import parse_period
from ecqm.measures.report import Json, Reporting, report_of_tallies
from ecqm.measures.table import composite_table, population_table
from ecqm.measures.tally import GroupTally
from ecqm.reporting.parts import episode_names, error_entries, stated_period

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
    evaluation = Evaluation(measures.plans, value_sets, stated, supplements, profiles, composites=measures.composites)
    return Result(measures, stated, list(evaluate_batches(evaluation, cohort)))


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
        tables += [
            composite_table(each.measure, each.composites, batch.cohort.ids, each.failed)
            for batch in self.batches
            for each in batch.composed
        ]
        return pa.concat_tables(tables, promote_options="default") if tables else pa.table({})

    @cached_property
    def reports(self) -> list[Json]:
        """A summary MeasureReport of each measure."""
        found = []
        for canonical, measure in self.selection.measures.items():
            if canonical in self._tallies or canonical in self._scores:
                reporting = Reporting(measure, stated_period(self.period, measure), self.patient_ids)
                groups, scores = self._tallies.get(canonical, ()), self._scores.get(canonical, ())
                found.append(report_of_tallies(reporting, groups, {}, scores))
        return found

    @cached_property
    def _tallies(self) -> dict[str, tuple[GroupTally, ...]]:
        """By canonical, of the measures that could be evaluated."""
        canonicals = {measure.name: canonical for canonical, measure in self.selection.measures.items()}
        return {canonicals[each.name]: tuple(group.tally() for group in each.groups) for each in self.measures}

    @cached_property
    def _scores(self) -> dict[str, CompositeScores]:
        """By canonical, of the measures that are composed of others."""
        found = {}
        for measure in self.selection.composites:
            if measure.name not in self.not_run:
                parts = [
                    [composite.tally for composite in each.composites]
                    for batch in self.batches
                    for each in batch.composed
                    if each.measure is measure
                ]
                found[measure.canonical] = composite_scores(measure, parts, self._tallies)
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
