"""ecqm from Python.

    import ecqm

    measures = ecqm.select("content", ["CMS122"], libraries=["more"], valuesets=["even more"])
    patients = ecqm.load("bulk-export")               # or a cohort store, bundles, a folder of resources
    result = ecqm.evaluate(measures, patients, "2026-01-01/2026-12-31")

    print(result)                                     # counts and scores; a notebook shows them as a table
    result.scores.to_pandas()                         # the same as data: a row per group and stratum
    result.table.to_pandas()                          # a row per patient or episode and group
    result.reports                                    # summary MeasureReports, as dictionaries
    result.measure("CMS122").groups[0].score()
    result.errors, result.problems                    # what went wrong with patients, and with the data

Patients are read when measures are evaluated, and only the data that these need. Stores and large files are evaluated
shard by shard in several processes. The data of small files are kept in memory for the next evaluation.

Packages of QDM measures are selected and evaluated in the same way, on patients in JSON or QRDA Category I.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, get_args

import pyarrow as pa
import pyarrow.parquet

from ecqm.bundles.content import Content
from ecqm.bundles.content.documents import ContentError
from ecqm.bundles.evaluation.batches import Evaluation, Stated
from ecqm.bundles.evaluation.selection import Selection
from ecqm.bundles.evaluation.selection import select as select_measures
from ecqm.bundles.packages.content import (
    PackageContent,
    PackageSelection,
    evaluate_packages,
    package_files,
    select_packages,
)
from ecqm.cluster.run import run_units
from ecqm.cluster.units import good_unit_size, json_size, units_of
from ecqm.data import DataError, DataProblem
from ecqm.data.source import PatientData
from ecqm.engine.profiles import FhirProfiles, ProfileRule
from ecqm.measures.definition import MeasureError
from ecqm.measures.definition.naming import MeasureNotFound, named, names_of, not_found
from ecqm.measures.definition.period import parse_period
from ecqm.measures.results.report import Json
from ecqm.measures.results.scores import score_rows, score_table
from ecqm.measures.results.table import table_schema
from ecqm.measures.scoring.composite import CompositeScores
from ecqm.measures.scoring.tally import GroupTally
from ecqm.operators.message import telling
from ecqm.reporting.results.outcomes import HEADINGS, Row, outcome_rows, outcome_table
from ecqm.reporting.results.parts import Part
from ecqm.reporting.results.recording import POPULATIONS, PartRecorder, summary_reports
from ecqm.reporting.results.run import RunOutput
from ecqm.values import EvaluationContext

__all__ = [
    "ContentError",
    "DataError",
    "MeasureError",
    "MeasureNotFound",
    "MissingValueSets",
    "PackageSelection",
    "PatientData",
    "Result",
    "Selection",
    "evaluate",
    "load",
    "select",
]

PathLike = str | Path

# The largest offset from UTC in the world, in minutes.
_LARGEST_OFFSET = 14 * 60


class MissingValueSets(LookupError):
    """Measures need value sets that are missing or incomplete. The message names them and their libraries."""


def select(
    content: PathLike,
    names: str | Iterable[str] = (),
    *,
    libraries: PathLike | Iterable[PathLike] = (),
    valuesets: PathLike | Iterable[PathLike] = (),
    relax_versions: bool = False,
) -> Selection | PackageSelection:
    """Measures of published content, planned to run together: all of them, or those named (name, URL or CMS id).

    `libraries` and `valuesets` are folders or archives with what the content lacks; `relax_versions` uses the nearest
    version of a library that is missing. Packages of QDM measures have their own libraries; they take `valuesets` only.
    Measures and groups that cannot be planned are in `not_planned`, with the reason. Raises ContentError and
    MeasureNotFound.
    """
    wanted = [names] if isinstance(names, str) else names
    if package_files(Path(content)):
        return select_packages(PackageContent.open(Path(content), _paths(valuesets)), wanted)
    opened = Content.open(Path(content), _paths(libraries), _paths(valuesets))
    return select_measures(opened, opened.select(wanted), relax_versions)


def load(*paths: PathLike, default_offset: int = 0) -> PatientData:
    """Patients from files: a cohort store, FHIR bundles, folders of resources, NDJSON, a bulk export, a zip archive of
    these; for QDM measures, JSON or QRDA Category I.

    `default_offset` is the UTC offset of date-times that have none, in minutes east of UTC. Raises DataError for a path
    that does not exist, ValueError for an impossible offset.
    """
    if not paths:
        raise TypeError("load takes the paths of data")
    if abs(default_offset) > _LARGEST_OFFSET:
        raise ValueError(f"an offset is {_LARGEST_OFFSET} minutes at most, not {default_offset}")
    return PatientData(map(Path, paths), default_offset)


def _paths(given: PathLike | Iterable[PathLike]) -> list[Path]:
    return [Path(given)] if isinstance(given, str | Path) else [Path(path) for path in given]


def evaluate(
    measures: Selection | PackageSelection,
    patients: PatientData,
    period: str | int | tuple[str, str] | None = None,
    *,
    supplements: bool = False,
    profiles: ProfileRule = "both",
    allow_missing: bool = False,
    jobs: int | None = None,
    memory: float = 4.0,
) -> Result:
    """Evaluate measures on patients.

    `period` is the measurement period: a year, `"2026-01-01/2026-12-31"`, or a pair of such dates; by default each
    measure has its effective period. `supplements` evaluates supplemental data and risk-adjustment variables as well.
    `profiles` says which resources match a profile: those that declare it (`"declared"`), those that conform to it
    (`"inferred"`), or what is declared, and otherwise what conforms (`"both"`). Large data are evaluated in `jobs`
    processes (by default as many as there are cores) that use `memory` GiB together; results are kept in the system's
    folder for temporary files. QDM measures are evaluated in this process; `profiles`, `jobs` and `memory` are not
    about them.

    Raises MissingValueSets (unless `allow_missing`), MeasureError for a wrong period and if no measure could be
    planned, DataError if there are no QDM patients for QDM measures, OSError if there is no space for results,
    TypeError and ValueError for wrong arguments.
    """
    _check_arguments(measures, patients, profiles, jobs, memory)
    if measures.missing and not allow_missing:
        raise MissingValueSets("; ".join(map(str, measures.missing)))
    stated = _stated(period)
    measures = measures.in_period(stated)
    if not measures.plans:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in measures.not_planned.items())
        raise MeasureError(f"there is no measure to evaluate: {reasons or 'none was selected'}")
    folder = TemporaryDirectory(prefix="ecqm-")
    with RunOutput(Path(folder.name), measures, stated) as output:
        if isinstance(measures, PackageSelection):
            refused = _evaluate_packages(measures, patients, output, supplements)
        else:
            n_processes = jobs or os.cpu_count() or 1
            share = int(memory * 2**30) // n_processes
            refused = _evaluate(measures, patients, output, supplements, profiles, n_processes, share)
        parts = tuple(output.files(POPULATIONS))
        return Result(measures, output.recorder, output.total, refused, parts, folder)


def _check_arguments(measures: object, patients: object, profiles: object, jobs: int | None, memory: float) -> None:
    if not isinstance(measures, Selection | PackageSelection):
        raise TypeError(f"measures are what ecqm.select gives, not {type(measures).__name__}")
    if not isinstance(patients, PatientData):
        raise TypeError(f"patients are what ecqm.load gives, not {type(patients).__name__}")
    if profiles not in get_args(ProfileRule):
        raise ValueError(f"profiles are {', '.join(get_args(ProfileRule))}, not {profiles!r}")
    if memory <= 0 or (jobs is not None and jobs < 1):
        raise ValueError(f"jobs and memory are more than nothing, not {jobs} and {memory}")


def _evaluate(
    measures: Selection,
    patients: PatientData,
    output: RunOutput,
    supplements: bool,
    profiles: ProfileRule,
    n_processes: int,
    share: int,
) -> tuple[str, ...]:
    """Evaluate FHIR measures, `share` bytes of memory for each process; returns why data could not be evaluated."""
    evaluation = Evaluation(
        measures.plans,
        measures.content.value_sets,
        output.stated,
        supplements,
        FhirProfiles(profiles),
        EvaluationContext.of_moment(output.started),
        measures.composites,
    )
    size = good_unit_size(json_size(patients.files), share, n_processes)
    with output.processes(n_processes) as processes:
        units = units_of(patients, output.work, size, processes=processes)
    return tuple(run_units(evaluation, output, units, n_processes, share, codes=patients.codes).values())


def _evaluate_packages(
    measures: PackageSelection, patients: PatientData, output: RunOutput, supplements: bool
) -> tuple[str, ...]:
    with telling(output.tell):
        batch = evaluate_packages(
            measures, patients.paths, output.stated, supplements, default_offset=patients.default_offset
        )
    output.add(batch, 0)
    return ()


def _stated(period: str | int | tuple[str, str] | None) -> Stated:
    if period is None:
        return None, None
    return parse_period("/".join(map(str, period)) if isinstance(period, tuple | list) else str(period))


@dataclass(frozen=True)
class MeasureGroups:
    """The results of one measure over all patients: a tally per group, and the scores of its composites."""

    name: str
    groups: tuple[GroupTally, ...]
    scores: CompositeScores = ()

    def __repr__(self) -> str:
        rows = outcome_rows(self.name, self.groups, self.scores)
        return f"<{self.name}: {'; '.join(' '.join(row[1:]).rstrip() for row in rows)}>"


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
        """The measures that could not be planned or evaluated, by name, with the reason."""
        return self.part.not_run

    @cached_property
    def scores(self) -> Any:
        """A pyarrow.Table of counts and scores, a row per group and stratum; see `ecqm.measures.results.scores`."""
        return score_table(row for each in self.measures for row in score_rows(each.name, each.groups, each.scores))

    def __str__(self) -> str:
        return outcome_table(self._rows, width=120)

    def __repr__(self) -> str:
        failed = f", {self.part.n_failed} evaluations failed" if self.part.n_failed else ""
        measures = f"{len(self.measures)} {'measure' if len(self.measures) == 1 else 'measures'}"
        return f"<Result of {measures} over {self.patients:,} patients{failed}>"

    def _repr_html_(self) -> str:
        """The counts and scores as a table of a notebook."""
        cells = [HEADINGS, *self._rows]
        rows = ("".join(f"<td>{escape(str(cell))}</td>" for cell in row) for row in cells)
        return f"<p>{escape(repr(self))}</p><table>{''.join(f'<tr>{row}</tr>' for row in rows)}</table>"

    @property
    def _rows(self) -> list[Row]:
        return [row for each in self.measures for row in outcome_rows(each.name, each.groups, each.scores)]

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
        """Run-time errors (the first 100,000): patient, measure, definition, place in the source, and message."""
        return self.part.errors

    @cached_property
    def problems(self) -> list[DataProblem]:
        """Problems of the data (the first 10,000)."""
        return [DataProblem(**problem) for problem in self.part.problems]
