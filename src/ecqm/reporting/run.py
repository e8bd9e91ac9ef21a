"""What a run leaves behind: measure reports, a table of the populations, what went wrong, and what was run on what.

DIR/summary.json         a Bundle of summary MeasureReports, one per measure
DIR/subject-list.json    the same with the members of every population (when asked for)
DIR/individual.ndjson    a MeasureReport per patient and measure, one per line (when asked for)
DIR/populations.parquet  one row per patient or episode and group, see `ecqm.measures.table`
DIR/errors.json          {"patients": run-time errors, "measures": those that could not run, "data": problems}
DIR/run.json             versions, hashes, period, warnings, timings
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any
from uuid import NAMESPACE_URL, uuid5

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet

from ecqm.bundles.evaluation import Batch, Stated
from ecqm.bundles.selection import Selection
from ecqm.data import Cohort
from ecqm.engine import RowError
from ecqm.measures.batch import MeasureResult
from ecqm.measures.evaluation import GroupResult
from ecqm.measures.merging import key_offsets, merged_groups
from ecqm.measures.planning import MeasurePlan
from ecqm.measures.report import Json, Reporting, Supplement, individual_reports, subject_list_report, summary_report
from ecqm.measures.table import population_table
from ecqm.operators.message import Told
from ecqm.plan.lowering.core import Place

_PROBLEMS_LISTED = 10_000


@dataclass
class _Gathered:
    """The results of one measure from all batches so far."""

    groups: list[tuple[GroupResult, ...]] = field(default_factory=list)
    supplements: dict[str, list[list[Supplement]]] = field(default_factory=dict)
    names: list[list[dict[int, str]]] = field(default_factory=list)
    failed: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class MeasureOutcome:
    """What a measure came to over all patients; `errors` counts the patients whose evaluation failed."""

    plan: MeasurePlan
    groups: tuple[GroupResult, ...]
    errors: int
    seconds: float


class RunOutput:
    """Writes the results of a run into a folder as they come.

    with RunOutput(folder, selection, stated) as output:
        for batch in evaluate(selection, data, stated):
            output.add(batch)
        outcomes = output.finish(about)
    """

    def __init__(
        self,
        folder: Path,
        selection: Selection,
        stated: Stated,
        individual: bool = False,
        subject_list: bool = False,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.selection = selection
        self.stated = stated
        self.date = datetime.now(UTC).isoformat(timespec="seconds")
        self.patient_ids: list[str] = []
        self.errors: list[Json] = []
        self.problems: list[Json] = []
        self.n_problems = 0
        self.not_run = dict(selection.not_planned)
        self.lifted: dict[str, int] = {}
        self.messages: Counter[tuple[str, str | None, str | None]] = Counter()
        self._plans = {plan.measure.canonical: plan for plan in selection.plans}
        self._gathered = {canonical: _Gathered() for canonical in self._plans}
        self._subject_list = subject_list
        self._stack = ExitStack()
        self._individual: IO[bytes] | None = None
        if individual:
            self._individual = self._stack.enter_context((folder / "individual.ndjson").open("wb"))
        self._table = _Table(folder / "populations.parquet", selection.plans)
        self._stack.callback(self._table.close)

    def __enter__(self) -> RunOutput:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def tell(self, told: Told) -> None:
        """Note a message that logic gave off."""
        self.messages[told.severity.value, told.code, told.text] += 1

    def add(self, batch: Batch) -> None:
        """Write and gather what came of one batch of patients."""
        cohort = batch.cohort
        self.patient_ids += cohort.ids
        self.not_run |= batch.failed
        for name, times in batch.lifted.items():
            self.lifted[name] = self.lifted.get(name, 0) + times
        name_episodes = episode_names(cohort)
        for result in batch.results:
            plan = self._plans[result.measure.canonical]
            self._table.add(population_table(result.measure, result.groups, cohort.ids, name_episodes, result.failed))
            self.errors += error_entries(plan, cohort, result)
            if self._individual is not None:
                reporting = self._reporting(plan, cohort.ids, result.supplements)
                for report in individual_reports(reporting, result.groups, result.failed):
                    self._individual.write(msgspec.json.encode(report) + b"\n")
            self._gather(result, name_episodes)
        self.n_problems += len(cohort.problems)
        room = max(_PROBLEMS_LISTED - len(self.problems), 0)
        self.problems += [asdict(problem) for problem in cohort.problems[:room]]

    def finish(self, about: Mapping[str, Any]) -> list[MeasureOutcome]:
        """Write what sums up the run; `about` is put into run.json beside what is known here."""
        outcomes, reports, lists = [], [], []
        for canonical, gathered in self._gathered.items():
            plan = self._plans[canonical]
            if plan.measure.name in self.not_run or not gathered.groups:
                continue
            groups = merged_groups(gathered.groups)
            outcomes.append(MeasureOutcome(plan, groups, gathered.failed, gathered.seconds))
            reporting = self._reporting(plan, self.patient_ids, gathered.supplements)
            reports.append(summary_report(reporting, groups))
            if self._subject_list:
                named = self._reporting(plan, self.patient_ids, gathered.supplements, _references(gathered))
                lists.append(subject_list_report(named, groups))
        self._write("summary.json", _bundle(reports))
        if self._subject_list:
            self._write("subject-list.json", _bundle(lists))
        self._write("errors.json", self._errors())
        self._write("run.json", {**about, **self._about(outcomes)})
        return outcomes

    def _gather(self, result: MeasureResult, name_episodes: EpisodeNames) -> None:
        gathered = self._gathered[result.measure.canonical]
        gathered.groups.append(result.groups)
        gathered.failed += int(np.count_nonzero(result.failed))
        gathered.seconds += result.seconds
        for supplement, values in result.supplements.items():
            gathered.supplements.setdefault(supplement, []).extend(values)
        if self._subject_list:
            gathered.names.append([_names(group, name_episodes) for group in result.groups])

    def _reporting(
        self,
        plan: MeasurePlan,
        ids: Sequence[str],
        supplements: Mapping[str, Sequence[Sequence[Supplement]]],
        episode_reference: Callable[[str, int], str] | None = None,
    ) -> Reporting:
        start, end = (own or effective for own, effective in zip(self.stated, plan.measure.period, strict=True))
        period = (str(start), str(end))
        return Reporting(
            plan.measure, period, ids, self.date, supplements=supplements, episode_reference=episode_reference
        )

    def _errors(self) -> Json:
        return {
            "patients": self.errors,
            "measures": [{"measure": name, "message": message} for name, message in self.not_run.items()],
            "data": self.problems,
            "data_problems": self.n_problems,
        }

    def _about(self, outcomes: Sequence[MeasureOutcome]) -> Json:
        return {
            "patients": len(self.patient_ids),
            "measures": [self._about_measure(outcome) for outcome in outcomes],
            "not_run": self.not_run,
            "missing_value_sets": [str(missing) for missing in self.selection.missing],
            "data_problems": self.n_problems,
            "messages": [
                {"severity": severity, "code": code, "text": text, "times": times}
                for (severity, code, text), times in self.messages.items()
            ],
            "lifted_calls": dict(sorted(self.lifted.items())),
        }

    def _about_measure(self, outcome: MeasureOutcome) -> Json:
        measure = outcome.plan.measure
        start, end = (own or effective for own, effective in zip(self.stated, measure.period, strict=True))
        return {
            "name": measure.name,
            "version": measure.version,
            "url": measure.url,
            "period": {"start": start, "end": end},
            "libraries": [str(library.identifier) for library in outcome.plan.libraries.libraries],
            "errors": outcome.errors,
            "processor_seconds": round(outcome.seconds, 4),
            "warnings": self.selection.warnings(outcome.plan),
        }

    def _write(self, name: str, content: Any) -> None:
        (self.folder / name).write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", "utf-8")


# -- episodes and errors ----------------------------------------------------------------------------------------------

EpisodeNames = Callable[[str, np.ndarray[Any, np.dtype[np.int64]]], Sequence[str]]


def episode_names(cohort: Cohort) -> EpisodeNames:
    """Names of episodes by their basis and keys: `Encounter/17` of resources, the key itself of anything else."""

    def names(basis: str, keys: np.ndarray[Any, np.dtype[np.int64]]) -> Sequence[str]:
        table = cohort.tables.get(basis)
        if table is None or (len(keys) and int(keys.max()) >= len(table)):
            return [str(key) for key in keys.tolist()]
        return [f"{basis}/{identifier}" for identifier in table.ids.take(keys).texts()]

    return names


def _names(group: GroupResult, name_episodes: EpisodeNames) -> dict[int, str]:
    keys = group.units.key
    return {} if keys is None else dict(zip(keys.tolist(), name_episodes(group.group.basis, keys), strict=True))


def _references(gathered: _Gathered) -> Callable[[str, int], str]:
    """The names of episodes by basis and by the key that they have when batches are merged."""
    found: dict[tuple[str, int], str] = {}
    for place, group in enumerate(gathered.groups[0]):
        offsets = key_offsets([batch[place].units for batch in gathered.groups])
        for names, offset in zip(gathered.names, offsets, strict=True):
            found |= {(group.group.basis, key + offset): name for key, name in names[place].items()}
    return lambda basis, key: found[basis, key]


def error_entries(plan: MeasurePlan, cohort: Cohort, result: MeasureResult) -> list[Json]:
    """The run-time errors of a measure's result, each once."""
    distinct = {(error.patient, error.origin, error.message): error for error in result.errors}
    return [error_entry(plan, cohort, error) for error in distinct.values()]


def error_entry(plan: MeasurePlan, cohort: Cohort, error: RowError) -> Json:
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


def place_of(plan: MeasurePlan, error: RowError) -> Place | None:
    """The innermost place in the source that an error can be traced to."""
    places = plan.lowering.lowered.places
    return next((places[node] for node in reversed(error.path) if node in places), None)


# -- files ------------------------------------------------------------------------------------------------------------


def _bundle(reports: Sequence[Json]) -> Json:
    """Reports as one FHIR resource."""
    entries = [
        {"fullUrl": f"urn:uuid:{uuid5(NAMESPACE_URL, json.dumps(report, sort_keys=True))}", "resource": report}
        for report in reports
    ]
    return {"resourceType": "Bundle", "type": "collection", **({"entry": entries} if entries else {})}


class _Table:
    """A Parquet file of population tables: all have as many columns of observations as the measure with most."""

    def __init__(self, path: Path, plans: Sequence[MeasurePlan]) -> None:
        self._path = path
        groups = [group for plan in plans for group in plan.measure.groups]
        self._observations = max((len(group.observations) for group in groups), default=0)
        self._writer: Any = None

    def add(self, table: Any) -> None:
        for number in range(1, self._observations + 1):
            if f"observation_{number}" not in table.column_names:
                nulls = pa.nulls(table.num_rows, pa.float64())
                table = table.add_column(table.num_columns - 1, f"observation_{number}", nulls)
        if self._writer is None:
            self._writer = pyarrow.parquet.ParquetWriter(self._path, table.schema)
        self._writer.write_table(table)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()


def outcome_rows(outcomes: Sequence[MeasureOutcome]) -> Iterator[tuple[str, str, str, float | None]]:
    """What a reader wants first: (measure, group, populations with their counts, score) of every group."""
    for outcome in outcomes:
        for group in outcome.groups:
            counts = ", ".join(f"{p.code.value} {group.total(p.id)}" for p in group.group.criteria)
            yield outcome.plan.measure.name, group.group.id, counts, group.score()
