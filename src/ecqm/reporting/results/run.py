"""The output folder of a run: measure reports, tables of scores and populations, errors, and what was run.

DIR/summary.json         a Bundle of summary MeasureReports, one per measure
DIR/subject-list.json    the same with the members of every population (when asked for)
DIR/individual.ndjson    a MeasureReport per patient and measure, one per line (when asked for)
DIR/scores.csv           counts and scores, a row per group and stratum, see `ecqm.measures.results.scores`
DIR/counts.json          all counts with the identifiers of what is counted, see `ecqm.reporting.results.counts`
DIR/populations.parquet  one row per patient or episode and group, see `ecqm.measures.results.table`; a folder of
                         such files where patients were evaluated in several batches
DIR/populations.csv      the same as one file (when asked for), with the strata of a row separated by `;`
DIR/errors.json          {"patients": run-time errors (the first 100,000), "measures": those that could not run,
                         "data": problems (the first 10,000), "not_read": files of a store that are damaged, and
                         how many there are}
DIR/run.json             versions, hashes, period, warnings, timings

During the run, DIR/.running holds the finished parts: the same run started again continues from there. Results replace
those of an earlier run when all of them are written. If some data could not be read, the parts are kept, so that the
same run started again evaluates only what is missing.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import pyarrow.csv

from ecqm.bundles.evaluation.batches import Batch, Stated
from ecqm.bundles.evaluation.selection import PlannedMeasures
from ecqm.data.loading.processes import Processes
from ecqm.data.writing import replace_file, sole_writer
from ecqm.measures.definition import Measure
from ecqm.measures.evaluation.planning import MeasurePlan
from ecqm.measures.results.fhir_elements import Json
from ecqm.measures.results.report import bundle_entry
from ecqm.measures.results.scores import score_rows, score_table
from ecqm.measures.scoring.composite import CompositeScores
from ecqm.measures.scoring.tally import GroupTally
from ecqm.operators.message import Told
from ecqm.reporting.results.counts import COUNTS, Counts, measure_count
from ecqm.reporting.results.failed_groups import FailedGroups
from ecqm.reporting.results.files import ERRORS, RUN, SCORES, SUMMARY, ResultFiles
from ecqm.reporting.results.parts import Message, Part, message_of, stated_period
from ecqm.reporting.results.recording import (
    NOTHING_MORE,
    PartRecorder,
    ResultOptions,
    subject_lists,
    summary_reports,
)
from ecqm.reporting.results.transport import unpack_part

RUNNING = ".running"


@dataclass(frozen=True)
class MeasureOutcome:
    """The results of a measure over all patients. `errors` counts the patients whose evaluation failed. `scores` are
    those of its composites; a measure that has only composites has no plan."""

    measure: Measure
    groups: tuple[GroupTally, ...]
    errors: int
    seconds: float
    scores: CompositeScores = ()
    plan: MeasurePlan | None = None


class RunOutput:
    """Writes the results of a run into a folder as they come, part by part.

    with RunOutput(folder, selection, stated) as output:
        for batch in evaluate(evaluation, data):
            output.add(batch)
        outcomes = output.finish(about)

    Parts may also be written by other processes: `recorder` makes them, `path_of` gives their paths, and `done` the
    numbers of those that exist. Parts that other machines made are received as archives. A run continues an interrupted
    one if both have the same `fingerprint`. Raises DataError if another process writes to the folder.
    """

    def __init__(
        self,
        folder: Path,
        selection: PlannedMeasures,
        stated: Stated,
        options: ResultOptions = NOTHING_MORE,
        fingerprint: Any = None,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._stack = ExitStack()
        self._stack.enter_context(sole_writer(folder))
        self.folder = folder
        self.selection = selection
        self.stated = stated
        self.options = options
        self._running = folder / RUNNING
        self.started = self._begin({**asdict(options), "of": fingerprint})
        self.recorder = PartRecorder.of(selection.measures.values(), stated, self.started, options)
        self.date = self.recorder.date
        self._plans = {plan.measure.canonical: plan for plan in selection.plans}
        self._messages: Counter[Message] = Counter()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def name(self) -> str:
        """The name of the folder in messages."""
        return str(self.folder)

    @property
    def work(self) -> Path:
        """A folder for temporary files of the run."""
        return self._running / "work"

    def processes(self, jobs: int) -> Processes:
        """Processes that prepare the run, and may write to `work`: a context, see `Processes`."""
        return Processes(jobs, self.folder)

    @property
    def _state(self) -> Path:
        """The file that identifies the run of the parts."""
        return self._running / "run"

    @property
    def done(self) -> frozenset[int]:
        """The numbers of the finished parts."""
        return frozenset(int(path.stem) for path in self._parts.glob("[0-9]*.json"))

    def path_of(self, number: int) -> Path:
        """The path of the files of a part, without suffix."""
        return self._parts / f"{number:05}"

    def files(self, suffix: str) -> list[Path]:
        """The files of one kind (such as `POPULATIONS`) of all parts, in order."""
        paths = (self.path_of(number).with_suffix(suffix) for number in sorted(self.done))
        return [path for path in paths if path.exists()]

    def tell(self, told: Told) -> None:
        """Record a message of the logic."""
        self._messages[message_of(told)] += 1

    def add(self, batch: Batch, number: int | None = None) -> None:
        """Write the results of one batch of patients as the part of that number, or as the next one."""
        part = self.recorder.part(batch, self._plans, self._messages)
        self._messages.clear()
        self.recorder.write(batch, part, self.path_of(len(self.done) if number is None else number))

    def receive(self, number: int, packed: bytes) -> None:
        """Write a part that another machine made (`ecqm.reporting.results.transport`). May be called in any thread."""
        unpack_part(packed, self.path_of(number))

    @cached_property
    def total(self) -> Part:
        """The sum of all parts in order, with the measures that could not be planned; only valid when all parts are
        written."""
        measures = self.selection.measures
        total = Part(not_run=dict(self.selection.not_planned))
        for number in sorted(self.done):
            total.add(Part.from_json(self.path_of(number).with_suffix(".json").read_bytes(), measures))
        return total

    def finish(self, about: Mapping[str, Any], refused: Sequence[str] = ()) -> list[MeasureOutcome]:
        """Write the summaries of the run. `about` is added to run.json; `refused` says which data could not be
        evaluated at all, and why."""
        outcomes, counts = [], []
        for measure, part in self.total.results_of(self.selection.measures):
            plan = self._plans.get(measure.canonical)
            scores = self.total.scores(measure)
            outcomes.append(MeasureOutcome(measure, part.groups, part.failed, part.seconds, scores, plan))
            period = stated_period(self.stated, measure)
            counts.append(measure_count(measure, period, part.groups, part.failed, part.within))
        files = ResultFiles(self.folder, self._running / "results")
        files.write_json(SUMMARY, _bundle(summary_reports(self.selection.measures, self.total, self.recorder)))
        Counts(self.date, counts).write(files.path(COUNTS))
        rows = (row for each in outcomes for row in score_rows(each.measure.name, each.groups, each.scores))
        pyarrow.csv.write_csv(score_table(rows), files.path(SCORES))
        files.write_json(ERRORS, self._errors(refused))
        own = self._about(outcomes)
        files.write_json(RUN, {**about, **own, "seconds": own["seconds"] | about.get("seconds", {})})
        self._gather(files)
        files.publish()
        if not refused:
            # First the file by which a run would continue, then the parts.
            self._state.unlink()
            shutil.rmtree(self._running)
        return outcomes

    def _gather(self, files: ResultFiles) -> None:
        """Write the patient-level results."""
        measures = self.selection.measures
        lists = subject_lists(measures, self.total, self.recorder)
        files.gather(self.files, self.options, lists, FailedGroups.of(self.total, measures))

    def _begin(self, run: Json) -> datetime:
        """When the run began: now, or when the interrupted run began."""
        fingerprint = hashlib.sha256(json.dumps(run, sort_keys=True).encode()).hexdigest()
        # A process of a killed run may still be writing; it writes to the folder of its own run.
        self._parts = self._running / f"parts-{fingerprint[:16]}"
        if self._state.exists():
            known = json.loads(self._state.read_bytes())
            if known["fingerprint"] == fingerprint:
                for unfinished in self._parts.glob("*.new"):
                    unfinished.unlink(missing_ok=True)
                return datetime.fromisoformat(known["started"])
        shutil.rmtree(self._running, ignore_errors=True)
        self._parts.mkdir(parents=True)
        now = datetime.now(UTC)
        replace_file(self._state, json.dumps({"fingerprint": fingerprint, "started": now.isoformat()}).encode())
        return now

    def _errors(self, refused: Sequence[str]) -> Json:
        return {
            "patients": self.total.errors,
            "patients_failed": self.total.n_failed,
            "measures": [{"measure": name, "message": message} for name, message in self.total.not_run.items()],
            "data": self.total.problems,
            "data_problems": self.total.n_problems,
            "not_read": list(refused),
        }

    def _about(self, outcomes: Sequence[MeasureOutcome]) -> Json:
        return {
            "patients": self.total.patients,
            "measures": [self._about_measure(outcome) for outcome in outcomes],
            "not_run": self.total.not_run,
            "missing_value_sets": [str(missing) for missing in self.selection.missing],
            "data_problems": self.total.n_problems,
            "messages": [
                {"severity": severity, "code": code, "text": text, "times": times}
                for (severity, code, text), times in self.total.messages.items()
            ],
            "seconds": {step: round(taken, 3) for step, taken in self.total.seconds.items()},
            "lifted_calls": dict(sorted(self.total.lifted.items())),
        }

    def _about_measure(self, outcome: MeasureOutcome) -> Json:
        measure = outcome.measure
        start, end = stated_period(self.stated, measure)
        libraries = outcome.plan.libraries.libraries if outcome.plan else ()
        components = {component.measure for composite in measure.composites for component in composite.components}
        return {
            "name": measure.name,
            "version": measure.version,
            "url": measure.url,
            "period": {"start": start, "end": end},
            "libraries": [str(library.identifier) for library in libraries],
            **({"composed_of": sorted(components)} if components else {}),
            "errors": outcome.errors,
            "processor_seconds": round(outcome.seconds, 4),
            "warnings": self.selection.warnings(outcome.plan) if outcome.plan else list(measure.problems),
        }


def _bundle(reports: Sequence[Json]) -> Json:
    """Reports as one FHIR resource."""
    entries = list(map(bundle_entry, reports))
    return {"resourceType": "Bundle", "type": "collection", **({"entry": entries} if entries else {})}
