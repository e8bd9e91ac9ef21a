"""`ecqm run` of QDM measure packages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ecqm.bundles.evaluation.batches import Batch
from ecqm.bundles.packages.content import PackageContent, PackageSelection, evaluate_packages, select_packages
from ecqm.cli.progress import progress
from ecqm.cli.running.about import ENGINE, Clock
from ecqm.cli.running.outcome import require_complete, show
from ecqm.cli.running.request import RunRequest
from ecqm.operators.message import telling
from ecqm.reporting.results.run import RunOutput


def run_packages(request: RunRequest) -> int:
    """Evaluate QDM measures and write the same results as for FHIR measures. Returns the exit code."""
    if request.spark is not None:
        raise click.UsageError("QDM measures do not run on Spark")
    assert isinstance(request.output, Path)
    clock = Clock()
    content = PackageContent.open(request.content.path, request.content.valuesets)
    with progress("planning", len(content.select(request.names))) as advance:
        selection = select_packages(content, request.names, lambda measure: advance(1, measure.name))
    selection = selection.in_period(request.period)
    require_complete(selection, request.allow_missing)
    clock.took("plan")
    with RunOutput(request.output, selection, request.period, request.results) as output:
        with progress("evaluating", len(selection.plans)) as advance, telling(output.tell):
            batch = evaluate_packages(
                selection,
                request.paths,
                request.period,
                request.individual,
                lambda measure: advance(1, measure.name),
                request.supplemental_data,
            )
        clock.took("evaluate")
        output.add(batch, 0)
        clock.took("write")
        outcomes = output.finish(_about(selection, request) | {"seconds": _seconds(clock, batch)})
    show(output, outcomes, (), request.format)
    return 2 if output.total.not_run else 0


def _about(selection: PackageSelection, request: RunRequest) -> dict[str, Any]:
    """The part of run.json about the program and its input."""
    return {
        "engine": ENGINE,
        "content": str(request.content.path),
        "data": [str(path) for path in request.paths],
        "content_problems": selection.content.problems,
        "model": f"QDM {selection.version}",
        "hashes": dict(selection.content.hashes()),
    }


def _seconds(clock: Clock, batch: Batch) -> dict[str, float]:
    """The seconds of the steps of the run; patients are loaded in that of evaluation."""
    load = round(batch.load_seconds, 3)
    return clock.seconds | {"load": load, "evaluate": round(clock.seconds["evaluate"] - load, 3)}
