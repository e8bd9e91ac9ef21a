"""What came of a part of the patients, without these: parts add up, are written as JSON, and made anywhere.

A part that is done leaves NNNNN.json, written last, beside NNNNN.parquet (a row per patient or episode and group) and
NNNNN.ndjson (a MeasureReport per patient and measure, when asked for).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from time import process_time
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet

from ecqm.bundles.evaluation import Batch, Stated
from ecqm.data import Cohort
from ecqm.data.writing import replace_file, replacing
from ecqm.engine import RowError
from ecqm.measures.batch import ComposedResult, MeasureResult
from ecqm.measures.composite import CompositeScores, CompositeTally, composite_scores
from ecqm.measures.definition import Measure
from ecqm.measures.planning import EvaluationPlan
from ecqm.measures.report import (
    Json,
    Reporting,
    individual_reports,
    members_of_populations,
    report_of_tallies,
    tallied_supplements,
)
from ecqm.measures.supplements import Counted, count_supplements
from ecqm.measures.table import composite_table, population_table
from ecqm.measures.tally import GroupTally, merged_tallies
from ecqm.operators.message import Told
from ecqm.plan.lowering.core import Place

PROBLEMS_LISTED = 10_000
POPULATIONS, INDIVIDUAL = ".parquet", ".ndjson"

EpisodeNames = Callable[[str, np.ndarray[Any, np.dtype[np.int64]]], Sequence[str]]
Message = tuple[str, str | None, str | None]
"""Severity, code and text of what logic gave off."""


@dataclass
class MeasurePart:
    """A measure's results: tallies of its groups, patients whose evaluation failed, tallied supplements, seconds of
    processor time, the members of all populations and the supplemental data `within` these if they were asked for, and
    the tallies of its composites."""

    groups: tuple[GroupTally, ...]
    failed: int
    seconds: float
    supplements: dict[str, Counter[str]] = field(default_factory=dict)
    members: list[list[list[str]]] = field(default_factory=list)
    composites: tuple[CompositeTally, ...] = ()
    within: list[Counter[Counted]] = field(default_factory=list)


@dataclass
class Part:
    """The results for some patients. `measures` by canonical; `not_run` has by name why one could not be evaluated;
    `seconds` of processor time to load the data, evaluate and write the results."""

    patients: int = 0
    measures: dict[str, MeasurePart] = field(default_factory=dict)
    not_run: dict[str, str] = field(default_factory=dict)
    errors: list[Json] = field(default_factory=list)
    problems: list[Json] = field(default_factory=list)
    n_problems: int = 0
    lifted: Counter[str] = field(default_factory=Counter)
    messages: Counter[Message] = field(default_factory=Counter)
    seconds: dict[str, float] = field(default_factory=dict)

    def add(self, other: Part) -> None:
        """The results for more patients, who come after these."""
        self.patients += other.patients
        self.not_run |= other.not_run
        self.errors += other.errors
        self.problems += other.problems[: max(PROBLEMS_LISTED - len(self.problems), 0)]
        self.n_problems += other.n_problems
        self.lifted.update(other.lifted)
        self.messages.update(other.messages)
        self.seconds = {
            step: self.seconds.get(step, 0.0) + other.seconds.get(step, 0.0)
            for step in dict.fromkeys((*self.seconds, *other.seconds))
        }
        for canonical, more in other.measures.items():
            known = self.measures.get(canonical)
            self.measures[canonical] = more if known is None else _sum(known, more)

    def scores(self, measure: Measure) -> CompositeScores:
        """The scores of a measure's composites, all of whose components have results."""
        groups = {canonical: part.groups for canonical, part in self.measures.items()}
        return composite_scores(measure, [self.measures[measure.canonical].composites], groups)

    def to_json(self) -> bytes:
        """The part as JSON, from which `from_json` makes it again."""
        content = {name: value for name, value in vars(self).items() if name not in ("measures", "messages")}
        content["messages"] = list(self.messages.items())
        content["measures"] = {
            canonical: vars(part)
            | {
                "groups": [group.to_json() for group in part.groups],
                "composites": [asdict(composite) for composite in part.composites],
                "within": [list(of_group.items()) for of_group in part.within],
            }
            for canonical, part in self.measures.items()
        }
        return json.dumps(content, ensure_ascii=False).encode()

    @classmethod
    def from_json(cls, content: bytes, measures: Mapping[str, Measure]) -> Part:
        """A part, given the measures by canonical."""
        fields = json.loads(content)
        fields["lifted"] = Counter(fields["lifted"])
        fields["messages"] = Counter({tuple(message): times for message, times in fields["messages"]})
        fields["measures"] = {
            canonical: _measure_part(measures[canonical], part) for canonical, part in fields["measures"].items()
        }
        return cls(**fields)


def _measure_part(measure: Measure, fields: Json) -> MeasurePart:
    tallies = zip(measure.groups, fields.pop("groups"), strict=True)
    groups = tuple(GroupTally.from_json(group, tally) for group, tally in tallies)
    supplements = {name: Counter(values) for name, values in fields.pop("supplements").items()}
    composites = tuple(CompositeTally(**tally) for tally in fields.pop("composites"))
    within = [Counter({(p, e, codes): n for (p, e, codes), n in of_group}) for of_group in fields.pop("within")]
    return MeasurePart(groups, supplements=supplements, composites=composites, within=within, **fields)


def _sum(first: MeasurePart, second: MeasurePart) -> MeasurePart:
    names = dict.fromkeys((*first.supplements, *second.supplements))
    return MeasurePart(
        merged_tallies((first.groups, second.groups)),
        first.failed + second.failed,
        first.seconds + second.seconds,
        {name: first.supplements.get(name, Counter()) + second.supplements.get(name, Counter()) for name in names},
        [
            [one + other for one, other in zip(*of_groups, strict=True)]
            for of_groups in zip(first.members, second.members, strict=True)
        ],
        tuple(one + other for one, other in zip(first.composites, second.composites, strict=True)),
        [one + other for one, other in zip(first.within, second.within, strict=True)],
    )


@dataclass
class PartRecorder:
    """Makes parts of the results of batches; it can be sent to another process.

    `date` is that of the reports; with `individual` there is one for each patient, with `members` the members of all
    populations are noted, with `within` the supplemental data within these are counted. `observations` is how many
    columns of them the tables have.
    """

    stated: Stated
    date: str
    individual: bool = False
    members: bool = False
    observations: int = 0
    within: bool = False

    @classmethod
    def of(
        cls,
        measures: Collection[Measure],
        stated: Stated,
        moment: datetime,
        individual: bool,
        members: bool,
        within: bool = False,
    ) -> PartRecorder:
        """A recorder of the results of some measures, evaluated at a moment."""
        # The score of a patient by a composite stands where observations do.
        numbers = [len(group.observations) for measure in measures for group in measure.groups]
        numbers += [1 for measure in measures for _ in measure.composites]
        observations = max(numbers, default=0)
        return cls(stated, moment.isoformat(timespec="seconds"), individual, members, observations, within)

    def part(self, batch: Batch, plans: Mapping[str, EvaluationPlan], messages: Counter[Message]) -> Part:
        """The results of a batch; `plans` by the canonical of their measures."""
        cohort = batch.cohort
        part = Part(cohort.n, not_run=dict(batch.failed))
        part.lifted.update(batch.lifted)
        part.messages.update(messages)
        part.n_problems = len(cohort.problems)
        part.problems = [asdict(problem) for problem in cohort.problems[:PROBLEMS_LISTED]]
        for result in batch.results:
            plan = plans[result.measure.canonical]
            part.errors += error_entries(plan, cohort, result)
            reporting = self._reporting(result, cohort)
            part.measures[result.measure.canonical] = MeasurePart(
                tuple(group.tally() for group in result.groups),
                int(np.count_nonzero(result.failed)),
                result.seconds,
                tallied_supplements(reporting),
                members_of_populations(reporting, result.groups) if self.members else [],
                within=count_supplements(result.groups, result.patient_codes) if self.within else [],
            )
        for composed in batch.composed:
            canonical = composed.measure.canonical
            if canonical not in part.measures:
                tallied = tallied_supplements(self._reporting(composed, cohort))
                part.measures[canonical] = MeasurePart((), int(np.count_nonzero(composed.failed)), 0.0, tallied)
            part.measures[canonical].composites = tuple(each.tally for each in composed.composites)
        return part

    def table(self, batch: Batch) -> Any:
        """A pyarrow.Table of the populations of a batch; every batch has the same columns."""
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
        if self.individual:
            with replacing(path.with_suffix(INDIVIDUAL)) as fresh, fresh.open("wb") as file:
                for report in self._individual(batch):
                    file.write(msgspec.json.encode(report) + b"\n")
        part.seconds["write"] = process_time() - started
        replace_file(path.with_suffix(".json"), part.to_json())

    def _individual(self, batch: Batch) -> Iterator[Json]:
        composed = {each.measure.canonical: each for each in batch.composed}
        for result in batch.results:
            own = composed.pop(result.measure.canonical, None)
            reporting = self._reporting(result, batch.cohort)
            yield from individual_reports(
                reporting, result.groups, result.failed, () if own is None else own.composites
            )
        for only in composed.values():
            yield from individual_reports(self._reporting(only, batch.cohort), (), only.failed, only.composites)

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

    def _with_observations(self, table: Any) -> Any:
        for number in range(1, self.observations + 1):
            if f"observation_{number}" not in table.column_names:
                nulls = pa.nulls(table.num_rows, pa.float64())
                table = table.add_column(table.num_columns - 1, f"observation_{number}", nulls)
        return table


def stated_period(stated: Stated, measure: Measure) -> tuple[str, str]:
    """The measurement period of a measure in a run, as reports say it."""
    start, end = (own or effective for own, effective in zip(stated, measure.period, strict=True))
    return str(start), str(end)


def summary_reports(measures: Mapping[str, Measure], total: Part, recorder: PartRecorder) -> list[Json]:
    """A summary MeasureReport of each measure that could be evaluated, of the measures by canonical."""
    found = []
    for canonical, measure in measures.items():
        part = total.measures.get(canonical)
        if part is not None and measure.name not in total.not_run:
            reporting = Reporting(measure, stated_period(recorder.stated, measure), (), recorder.date)
            found.append(report_of_tallies(reporting, part.groups, part.supplements, total.scores(measure)))
    return found


def message_of(told: Told) -> Message:
    """What is counted of a message; not its source, which may be data of a patient."""
    return told.severity.value, told.code, told.text


# -- episodes and errors ----------------------------------------------------------------------------------------------


def episode_names(cohort: Cohort) -> EpisodeNames:
    """Names of episodes by their basis and keys: `Encounter/17` of resources, the key itself of anything else."""

    def names(basis: str, keys: np.ndarray[Any, np.dtype[np.int64]]) -> Sequence[str]:
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
    """A run-time error of one patient with the define that asked, and where in which library's source it came up."""
    entry: Json = {
        "patient": cohort.ids[error.patient],
        "measure": plan.measure.name,
        "define": error.origin.strip('"'),
        "message": error.message,
    }
    place = place_of(plan, error)
    if place is not None:
        entry |= {"library": str(place.library), "locator": place.locator, "path": list(place.path)}
    return entry


def place_of(plan: EvaluationPlan, error: RowError) -> Place | None:
    """The innermost place in the source that an error can be traced to."""
    return next((plan.places[node] for node in reversed(error.path) if node in plan.places), None)
