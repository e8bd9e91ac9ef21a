"""`ecqm run` of FHIR measures."""

from __future__ import annotations

import gc
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ecqm.bundles.content import Content
from ecqm.bundles.evaluation.batches import Evaluation
from ecqm.bundles.evaluation.selection import Selection, select
from ecqm.bundles.specifications.specification import content_hashes
from ecqm.cli.failures import resumable
from ecqm.cli.progress import progress
from ecqm.cli.running.about import ENGINE, Clock
from ecqm.cli.running.outcome import require_complete, show
from ecqm.cli.running.request import RunRequest
from ecqm.cluster.run import run_units
from ecqm.cluster.units import Unit, good_unit_size, json_size, units_of
from ecqm.data import DataError
from ecqm.data.source import PatientData
from ecqm.engine import FhirProfiles
from ecqm.reporting.results.run import RunOutput
from ecqm.values import EvaluationContext

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def run_measures(request: RunRequest) -> int:
    """Evaluate FHIR measures and write their results. Returns the exit code."""
    clock = Clock()
    session = None
    if request.spark is not None:
        from ecqm.cluster.spark import session_on

        session = session_on(request.spark)
        request = request.with_absolute_paths()
        clock.took("spark")
    patients = _patients(request)
    content = request.content.open()
    clock.took("open")
    selection = _planned(content, request)
    clock.took("plan")
    require_complete(selection, request.allow_missing)
    about = _about(selection, request)
    with _output(request, selection, about, patients) as output, resumable("results"):
        units = _units(patients, output, request)
        clock.took("sort")
        refused = _evaluate(selection, units, output, request, session)
        clock.took("run")
        outcomes = output.finish(about | {"units": len(units), "seconds": clock.seconds}, refused)
        show(output, outcomes, refused, request.format)
    return 2 if output.total.not_run or refused or not output.total.patients else 0


def _patients(request: RunRequest) -> PatientData:
    if not request.urls:
        return PatientData(request.paths)
    from ecqm.cluster.spark.hadoop import HadoopPath

    return PatientData(request.paths, stores_elsewhere=map(HadoopPath, request.urls))


def _planned(content: Content, request: RunRequest) -> Selection:
    chosen = content.select(request.names)
    with progress("planning", len(chosen)) as advance:
        selection = select(content, chosen, request.relax_versions, lambda measure: advance(1, measure.name))
    # Plans live as long as the process: the garbage collector need not traverse them again and again.
    gc.freeze()
    return selection.in_period(request.period)


def _output(request: RunRequest, selection: Selection, about: Mapping[str, Any], patients: PatientData) -> RunOutput:
    """The output folder, which an interrupted run with the same fingerprint has already filled in part."""
    size = _unit_size(patients, request)
    fingerprint = [about["engine"], about["hashes"], request.period, request.profiles, size, patients.state()]
    if isinstance(request.output, Path):
        return RunOutput(request.output, selection, request.period, request.results, fingerprint)
    if patients.files:
        raise DataError(f"{patients.files[0]}: results at a URL need patients in stores (ecqm load)")
    from ecqm.cluster.spark.hadoop import HadoopPath
    from ecqm.cluster.spark.output import HadoopOutput

    return HadoopOutput(HadoopPath(request.output), selection, request.period, request.results, fingerprint)


def _units(patients: PatientData, output: RunOutput, request: RunRequest) -> list[Unit]:
    size = _unit_size(patients, request)
    with progress("sorting", json_size(patients.files)) as advance, output.processes(request.processes) as processes:
        return units_of(patients, output.work, size, lambda done: advance(done, "sorting"), processes)


def _unit_size(patients: PatientData, request: RunRequest) -> int:
    return good_unit_size(json_size(patients.files), request.share, request.processes)


def _evaluate(
    selection: Selection, units: list[Unit], output: RunOutput, request: RunRequest, session: SparkSession | None
) -> list[str]:
    """Evaluate the units that the output lacks; returns the reasons why units could not be evaluated."""
    evaluation = Evaluation(
        selection.plans,
        selection.content.value_sets,
        request.period,
        supplements=request.individual,
        profiles=FhirProfiles(request.profiles),
        context=EvaluationContext.of_moment(output.started),
        composites=selection.composites,
        patient_codes=request.supplemental_data,
    )
    with progress("evaluating", len(selection.plans) * len(units)) as advance:
        refused = run_units(evaluation, output, units, request.processes, request.share, advance, session)
    return list(refused.values())


def _about(selection: Selection, request: RunRequest) -> dict[str, Any]:
    """The part of run.json about the program and its input."""
    return {
        "engine": ENGINE,
        "content": str(request.content.path),
        "data": [str(place) for place in request.data],
        "content_problems": selection.content.problems,
        "notices": list(selection.notices),
        "profiles": request.profiles,
        "hashes": content_hashes(selection.content, selection.measures.values()),
    }
