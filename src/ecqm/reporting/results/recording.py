"""Making and writing parts from the results of batches.

A finished part consists of NNNNN.json, written last, NNNNN.parquet (a row per patient or episode and group) and, on
request, NNNNN.ndjson (a MeasureReport per patient and measure) and NNNNN.members (`ecqm.reporting.results.members`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from time import process_time

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet

from ecqm.bundles.evaluation.batches import Batch, Stated
from ecqm.data import Cohort
from ecqm.data.writing import replace_file, replacing
from ecqm.engine import RowError
from ecqm.kernels.arrays import Rows
from ecqm.measures.definition import Measure
from ecqm.measures.evaluation.batch import ComposedResult, MeasureResult
from ecqm.measures.evaluation.cms_supplements import count_supplements
from ecqm.measures.evaluation.planning import EvaluationPlan
from ecqm.measures.results.fhir_elements import Json
from ecqm.measures.results.report import (
    Reporting,
    individual_reports,
    members_of_populations,
    report_of_tallies,
    subject_list_report,
    tallied_supplements,
)
from ecqm.measures.results.table import EpisodeNames, composite_table, observation_columns, population_table
from ecqm.plan.lowering.core import Place
from ecqm.reporting.results.members import MEMBERS, write_members
from ecqm.reporting.results.parts import PROBLEMS_LISTED, MeasurePart, Message, Part, stated_period

POPULATIONS, INDIVIDUAL = ".parquet", ".ndjson"


@dataclass(frozen=True)
class ResultOptions:
    """Results that are written only on request: a report per patient (`individual`), the members of all populations
    (`subject_list`), counts of sex, race, ethnicity and payer in all populations, and the table of the populations as
    CSV."""

    individual: bool = False
    subject_list: bool = False
    supplemental_data: bool = False
    csv: bool = False


NOTHING_MORE = ResultOptions()


@dataclass
class PartRecorder:
    """Makes parts of the results of batches; it can be sent to another process.

    `date` is that of the reports; `observations` is how many columns of observations the tables have.
    """

    stated: Stated
    date: str
    options: ResultOptions = NOTHING_MORE
    observations: int = 0

    @classmethod
    def of(
        cls,
        measures: Collection[Measure],
        stated: Stated,
        moment: datetime,
        options: ResultOptions = NOTHING_MORE,
    ) -> PartRecorder:
        """A recorder of the results of some measures, evaluated at a moment."""
        # The score of a patient in a composite is in the first column of observations.
        numbers = [len(group.observations) for measure in measures for group in measure.groups]
        numbers += [1 for measure in measures for _ in measure.composites]
        return cls(stated, moment.isoformat(timespec="seconds"), options, max(numbers, default=0))

    def part(self, batch: Batch, plans: Mapping[str, EvaluationPlan], messages: Counter[Message]) -> Part:
        """The results of a batch; `plans` by the canonical of their measures."""
        cohort = batch.cohort
        part = Part(cohort.n, not_run=dict(batch.failed))
        part.lifted.update(batch.lifted)
        part.messages.update(messages)
        part.n_problems = len(cohort.problems)
        in_order = sorted(cohort.problems, key=lambda problem: not problem.of_file)
        part.problems = [asdict(problem) for problem in in_order[:PROBLEMS_LISTED]]
        for result in batch.results:
            plan = plans[result.measure.canonical]
            part.errors += error_entries(plan, cohort, result)
            reporting = self._reporting(result, cohort)
            part.measures[result.measure.canonical] = MeasurePart(
                tuple(group.tally() for group in result.groups),
                int(np.count_nonzero(result.failed)),
                result.seconds,
                tallied_supplements(reporting, result.failed),
                within=count_supplements(result.groups, result.patient_codes) if self.options.supplemental_data else {},
            )
        part.n_failed = len({(entry["patient"], entry["measure"]) for entry in part.errors})
        for composed in batch.composed:
            canonical = composed.measure.canonical
            if canonical not in part.measures:
                tallied = tallied_supplements(self._reporting(composed, cohort), composed.failed)
                part.measures[canonical] = MeasurePart((), int(np.count_nonzero(composed.failed)), 0.0, tallied)
            part.measures[canonical].composites = tuple(each.tally for each in composed.composites)
        return part

    def table(self, batch: Batch) -> pa.Table | None:
        """The table of the populations of a batch; every batch has the same columns."""
        names = episode_names(batch.cohort)
        tables = [
            population_table(result.measure, result.groups, batch.cohort.ids, names, result.failed)
            for result in batch.results
        ]
        tables += [
            composite_table(each.measure, each.composites, batch.cohort.ids, each.failed) for each in batch.composed
        ]
        return pa.concat_tables(map(self._with_observations, tables)) if tables else None

    def write(self, batch: Batch, part: Part, path: Path) -> None:
        """Write the files of a part: `path` with a suffix for each, the JSON last. Raises OSError."""
        started = process_time()
        table = self.table(batch)
        if table is not None:
            with replacing(path.with_suffix(POPULATIONS)) as fresh:
                pyarrow.parquet.write_table(table, fresh, compression="zstd")
        if self.options.individual:
            with replacing(path.with_suffix(INDIVIDUAL)) as fresh, fresh.open("wb") as file:
                for report in self.individual(batch):
                    file.write(msgspec.json.encode(report) + b"\n")
        if self.options.subject_list:
            write_members(self.members(batch), path.with_suffix(MEMBERS))
        part.seconds["write"] = process_time() - started
        replace_file(path.with_suffix(".json"), part.to_json())

    def individual(self, batch: Batch) -> Iterator[Json]:
        """The MeasureReport of each measure and patient of a batch."""
        composed = {each.measure.canonical: each for each in batch.composed}
        for result in batch.results:
            own = composed.pop(result.measure.canonical, None)
            reporting = self._reporting(result, batch.cohort)
            yield from individual_reports(
                reporting, result.groups, result.failed, () if own is None else own.composites
            )
        for only in composed.values():
            yield from individual_reports(self._reporting(only, batch.cohort), (), only.failed, only.composites)

    def members(self, batch: Batch) -> dict[str, dict[str, list[list[str]]]]:
        """References to the members of every population of a batch, by canonical and group of the measure."""
        return {
            result.measure.canonical: members_of_populations(self._reporting(result, batch.cohort), result.groups)
            for result in batch.results
        }

    def _reporting(self, result: MeasureResult | ComposedResult, cohort: Cohort) -> Reporting:
        names = episode_names(cohort)
        return Reporting(
            result.measure,
            stated_period(self.stated, result.measure),
            cohort.ids,
            self.date,
            supplements=result.supplements,
            episode_reference=lambda basis, key: names(basis, np.array([key]))[0],
        )

    def _with_observations(self, table: pa.Table) -> pa.Table:
        for number in range(1, self.observations + 1):
            for name, type_ in observation_columns(number):
                if name not in table.column_names:
                    table = table.add_column(table.num_columns - 1, name, pa.nulls(table.num_rows, type_))
        return table


def summary_reports(measures: Mapping[str, Measure], total: Part, recorder: PartRecorder) -> list[Json]:
    """A summary MeasureReport of each of the measures, by canonical, that has results."""
    found = []
    for measure, part in total.results_of(measures):
        reporting = Reporting(measure, stated_period(recorder.stated, measure), (), recorder.date)
        found.append(report_of_tallies(reporting, part.groups, part.supplements, total.scores(measure)))
    return found


def subject_lists(measures: Mapping[str, Measure], total: Part, recorder: PartRecorder) -> dict[str, Json]:
    """A MeasureReport of each of the measures that has groups with results, by canonical. Its lists are still without
    the members (`ecqm.reporting.results.members`)."""
    return {
        measure.canonical: subject_list_report(
            Reporting(measure, stated_period(recorder.stated, measure), (), recorder.date), part.groups
        )
        for measure, part in total.results_of(measures)
        if part.groups
    }


# -- episodes and errors ----------------------------------------------------------------------------------------------


def episode_names(cohort: Cohort) -> EpisodeNames:
    """Names of episodes by their basis and keys: `Encounter/17` for resources, otherwise the key itself."""

    def names(basis: str, keys: Rows) -> Sequence[str]:
        table = cohort.tables.get(basis)
        if table is None or (len(keys) and int(keys.max()) >= len(table)):
            return [str(key) for key in keys.tolist()]
        return [f"{basis}/{identifier}" for identifier in table.ids.take(keys).texts()]

    return names


def error_entries(plan: EvaluationPlan, cohort: Cohort, result: MeasureResult) -> list[Json]:
    """The run-time errors of a measure's result, each once."""
    distinct = {(error.patient, error.origin, error.message): error for error in result.errors}
    return [error_entry(plan, cohort, error) for error in distinct.values()]


def error_entry(plan: EvaluationPlan, cohort: Cohort, error: RowError) -> Json:
    """A run-time error of one patient, with the define that was evaluated and the place in the source of the
    library."""
    entry: Json = {
        "patient": cohort.ids[error.patient],
        "measure": plan.measure.name,
        "define": error.origin.strip('"'),
        "message": error.message,
    }
    place = place_of(plan, error)
    if place is not None:
        entry |= place.to_json()
    return entry


def place_of(plan: EvaluationPlan, error: RowError) -> Place | None:
    """The innermost place in the source to which an error can be traced."""
    return next((plan.places[node] for node in reversed(error.path) if node in plan.places), None)
