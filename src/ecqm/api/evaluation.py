"""Evaluating measures on patients."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import get_args

from ecqm.api.result import Result
from ecqm.bundles.evaluation.batches import Evaluation, Stated
from ecqm.bundles.evaluation.selection import Selection
from ecqm.bundles.packages.content import PackageSelection, evaluate_packages
from ecqm.cluster.run import run_units
from ecqm.cluster.units import good_unit_size, json_size, units_of
from ecqm.data.source import PatientData
from ecqm.engine.profiles import FhirProfiles, ProfileRule
from ecqm.measures.definition import MeasureError
from ecqm.measures.definition.period import parse_period
from ecqm.operators.message import telling
from ecqm.reporting.results.recording import POPULATIONS
from ecqm.reporting.results.run import RunOutput
from ecqm.values import EvaluationContext


class MissingValueSets(LookupError):
    """Measures need value sets that are missing or incomplete. The message names them and their libraries."""


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
    require_arguments(measures, patients, profiles)
    if memory <= 0 or (jobs is not None and jobs < 1):
        raise ValueError(f"jobs and memory are more than nothing, not {jobs} and {memory}")
    if measures.missing and not allow_missing:
        raise MissingValueSets("; ".join(map(str, measures.missing)))
    stated = stated_period(period)
    measures = measures.in_period(stated)
    if not measures.plans:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in measures.not_planned.items())
        raise MeasureError(f"there is no measure to evaluate: {reasons or 'none was selected'}")
    folder = TemporaryDirectory(prefix="ecqm-")
    with RunOutput(Path(folder.name), measures, stated) as output:
        if isinstance(measures, PackageSelection):
            refused = _evaluate_packages(measures, patients, output, supplements)
        else:
            evaluation = _evaluation(measures, output, supplements, FhirProfiles(profiles))
            refused = _evaluate_units(evaluation, patients, output, jobs or os.cpu_count() or 1, memory)
        parts = tuple(output.files(POPULATIONS))
        return Result(measures, output.recorder, output.total, refused, parts, folder)


def require_arguments(measures: object, patients: object, profiles: object) -> None:
    """Raises TypeError and ValueError for what is not of `select`, of `load`, and a rule for profiles."""
    if not isinstance(measures, Selection | PackageSelection):
        raise TypeError(f"measures are what ecqm.select gives, not {type(measures).__name__}")
    if not isinstance(patients, PatientData):
        raise TypeError(f"patients are what ecqm.load gives, not {type(patients).__name__}")
    if profiles not in get_args(ProfileRule):
        raise ValueError(f"profiles are {', '.join(get_args(ProfileRule))}, not {profiles!r}")


def _evaluation(measures: Selection, output: RunOutput, supplements: bool, profiles: FhirProfiles) -> Evaluation:
    return Evaluation(
        measures.plans,
        measures.content.value_sets,
        output.stated,
        supplements,
        profiles,
        EvaluationContext.of_moment(output.started),
        measures.composites,
    )


def _evaluate_units(
    evaluation: Evaluation, patients: PatientData, output: RunOutput, n_processes: int, memory: float
) -> tuple[str, ...]:
    """Evaluate FHIR measures in `n_processes` with `memory` GiB together; returns why data were not evaluated."""
    share = int(memory * 2**30) // n_processes
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


def stated_period(period: str | int | tuple[str, str] | None) -> Stated:
    """The start and end of a period as it is given to `evaluate`. Raises MeasureError."""
    if period is None:
        return None, None
    return parse_period("/".join(map(str, period)) if isinstance(period, tuple | list) else str(period))
