"""ecqm from Python.

    import ecqm

    measures = ecqm.select("content", ["CMS122"], libraries=["more"], valuesets=["even more"])
    patients = ecqm.load("bulk-export")               # or a cohort store, bundles, a folder of resources
    result = ecqm.evaluate(measures, patients, "2026-01-01/2026-12-31")

    result.table                                      # pyarrow.Table: a row per patient or episode and group
    result.reports                                    # summary MeasureReports, as dictionaries
    result.measure("CMS122FHIR…").groups[0].score()
    result.errors, result.problems

Patients are read when measures are evaluated, and only what these need of them. A store, and files that hold much, are
evaluated shard by shard in several processes; what was read of a few files is kept for the next evaluation.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, get_args

import pyarrow as pa
import pyarrow.parquet

from ecqm.bundles.content import Content
from ecqm.bundles.evaluation.batches import Evaluation
from ecqm.bundles.evaluation.selection import Selection
from ecqm.bundles.evaluation.selection import select as select_measures
from ecqm.cluster.run import run_units
from ecqm.cluster.units import largest_unit, units_of
from ecqm.data import DataProblem
from ecqm.data.source import PatientData
from ecqm.engine.profiles import FhirProfiles, ProfileRule
from ecqm.measures.definition import MeasureError
from ecqm.measures.definition.period import parse_period
from ecqm.measures.results.report import Json
from ecqm.measures.results.table import table_schema
from ecqm.measures.scoring.composite import CompositeScores
from ecqm.measures.scoring.tally import GroupTally
from ecqm.reporting.parts import Part
from ecqm.reporting.recording import POPULATIONS, PartRecorder, summary_reports
from ecqm.reporting.run import RunOutput
from ecqm.values import EvaluationContext

__all__ = ["MissingValueSets", "PatientData", "Result", "Selection", "evaluate", "load", "select"]

PathLike = str | Path

# Minutes that a clock anywhere is ahead of, or behind, UTC.
_LARGEST_OFFSET = 14 * 60


class MissingValueSets(LookupError):
    """Measures need value sets that are not at hand as whole; the message names them with the libraries."""


def select(
    content: PathLike,
    names: str | Iterable[str] = (),
    *,
    libraries: PathLike | Iterable[PathLike] = (),
    valuesets: PathLike | Iterable[PathLike] = (),
    relax_versions: bool = False,
) -> Selection:
    """Measures of published content (all of it, unless named), planned to run together.

    `libraries` and `valuesets` are folders or archives of what the content lacks. A measure that cannot be planned is
    in `not_planned`, with the reason. Raises ContentError, MeasureNotFound.
    """
    opened = Content.open(Path(content), _paths(libraries), _paths(valuesets))
    return select_measures(opened, opened.select([names] if isinstance(names, str) else names), relax_versions)


def load(*paths: PathLike, default_offset: int = 0) -> PatientData:
    """Patients at some paths: a cohort store, bundles, folders of resources, NDJSON. Raises DataError.

    `default_offset` is that of date-times that have none, in minutes east of UTC. Raises ValueError for one that is
    none.
    """
    if not paths:
        raise TypeError("load takes the paths of the data")
    if abs(default_offset) > _LARGEST_OFFSET:
        raise ValueError(f"an offset is {_LARGEST_OFFSET} minutes at most, not {default_offset}")
    return PatientData(map(Path, paths), default_offset)


def _paths(given: PathLike | Iterable[PathLike]) -> list[Path]:
    return [Path(given)] if isinstance(given, str | Path) else [Path(path) for path in given]


def evaluate(
    measures: Selection,
    patients: PatientData,
    period: str | tuple[str, str] | None = None,
    *,
    supplements: bool = False,
    profiles: ProfileRule = "both",
    allow_missing: bool = False,
    jobs: int | None = None,
    memory: float = 4.0,
) -> Result:
    """Evaluate measures on patients.

    `period` is written `START/END`; without it each measure has its effective period. `supplements`: with
    supplemental data and risk-adjustment variables; `profiles`: by what a resource is of a profile (see
    `ecqm.engine.profiles`). More than a little is evaluated in `jobs` processes (as many as there are cores unless
    told) that hold `memory` GiB together, and results are kept in the system's folder for temporary files.

    Raises MissingValueSets unless told to go on without them, MeasureError for what is no period and if no measure
    could be planned, OSError where there is no room for results, TypeError and ValueError for arguments that are none.
    """
    if not isinstance(measures, Selection):
        raise TypeError(f"measures are what ecqm.select gives, not {type(measures).__name__}")
    if not isinstance(patients, PatientData):
        raise TypeError(f"patients are what ecqm.load gives, not {type(patients).__name__}")
    if profiles not in get_args(ProfileRule):
        raise ValueError(f"profiles are {', '.join(get_args(ProfileRule))}, not {profiles!r}")
    if memory <= 0 or (jobs is not None and jobs < 1):
        raise ValueError(f"jobs and memory are more than nothing, not {jobs} and {memory}")
    if measures.missing and not allow_missing:
        raise MissingValueSets("; ".join(map(str, measures.missing)))
    stated = (None, None) if period is None else parse_period(period if isinstance(period, str) else "/".join(period))
    measures = measures.in_period(stated)
    if not measures.plans:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in measures.not_planned.items())
        raise MeasureError(f"there is no measure to evaluate: {reasons or 'none was selected'}")
    n_processes = jobs or os.cpu_count() or 1
    share = int(memory * 2**30) // n_processes
    folder = TemporaryDirectory(prefix="ecqm-")
    with RunOutput(Path(folder.name), measures, stated) as output:
        moment = EvaluationContext.of_moment(output.started)
        value_sets = measures.content.value_sets
        evaluation = Evaluation(
            measures.plans, value_sets, stated, supplements, FhirProfiles(profiles), moment, measures.composites
        )
        with output.processes(n_processes) as processes:
            units = units_of(patients, output.work, largest_unit(share), processes=processes)
        refused = run_units(evaluation, output, units, n_processes, share, codes=patients.codes)
        parts = tuple(output.files(POPULATIONS))
        return Result(measures, output.recorder, output.total, tuple(refused.values()), parts, folder)


@dataclass(frozen=True)
class MeasureGroups:
    """The results of one measure over all patients: a tally per group, and the scores of its composites."""

    name: str
    groups: tuple[GroupTally, ...]
    scores: CompositeScores = ()


@dataclass(frozen=True)
class Result:
    """What measures came to. `not_read` says which data could not be evaluated at all, and why."""

    selection: Selection
    recorder: PartRecorder = field(repr=False)
    part: Part = field(repr=False)
    not_read: tuple[str, ...]
    populations: Sequence[Path] = field(repr=False)
    _folder: TemporaryDirectory[str] = field(repr=False)

    @property
    def patients(self) -> int:
        """How many patients there are."""
        return self.part.patients

    @cached_property
    def measures(self) -> tuple[MeasureGroups, ...]:
        """The results of each measure that could be evaluated."""
        return tuple(
            MeasureGroups(measure.name, part.groups, self.part.scores(measure))
            for measure, part in self.part.results_of(self.selection.measures)
        )

    def measure(self, name: str) -> MeasureGroups:
        """The results of the measure of that name. Raises KeyError."""
        for measure in self.measures:
            if measure.name == name:
                return measure
        raise KeyError(f"there are no results of a measure {name!r}")

    @property
    def not_run(self) -> dict[str, str]:
        """By name of the measure, why it could not be planned or evaluated."""
        return self.part.not_run

    @cached_property
    def table(self) -> Any:
        """A pyarrow.Table with a row per patient or episode and group; see `ecqm.measures.results.table`.

        `to_pandas` and `polars.from_arrow` take it further.
        """
        tables = [pyarrow.parquet.read_table(path) for path in self.populations]
        return pa.concat_tables(tables) if tables else table_schema(self.recorder.observations).empty_table()

    @cached_property
    def reports(self) -> list[Json]:
        """A summary MeasureReport of each measure."""
        return summary_reports(self.selection.measures, self.part, self.recorder)

    @property
    def errors(self) -> list[Json]:
        """Run-time errors of patients: who, in which measure and define, where in the source, and what went wrong; the
        first 100,000 of them."""
        return self.part.errors

    @cached_property
    def problems(self) -> list[DataProblem]:
        """What was found wrong with the data: the first 10,000 findings."""
        return [DataProblem(**problem) for problem in self.part.problems]
