"""`ecqm run` of QDM measure packages."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter

import click

from ecqm import __version__
from ecqm.bundles.packages.content import PackageContent, evaluate_packages, select_packages
from ecqm.cli.progress import progress
from ecqm.cli.running.outcome import require_complete, show
from ecqm.cli.running.request import RunRequest
from ecqm.operators.message import telling
from ecqm.reporting.results.run import RunOutput


def run_packages(request: RunRequest) -> int:
    """Evaluate QDM measures and write the same results as for FHIR measures. Returns the exit code."""
    if request.spark is not None:
        raise click.UsageError("QDM measures do not run on Spark")
    assert isinstance(request.output, Path)
    started = perf_counter()
    content = PackageContent.open(request.content.path, request.content.valuesets)
    with progress("planning", len(content.select(request.names))) as advance:
        selection = select_packages(content, request.names, lambda measure: advance(1, measure.name))
    selection = selection.in_period(request.period)
    require_complete(selection, request.allow_missing)
    planned = perf_counter()
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
        evaluated = perf_counter()
        output.add(batch, 0)
        seconds = {
            "plan": planned - started,
            "load": batch.load_seconds,
            "evaluate": evaluated - planned - batch.load_seconds,
            "write": perf_counter() - evaluated,
        }
        outcomes = output.finish(
            {
                "engine": {"name": "ecqm", "version": __version__},
                "content": str(request.content.path),
                "data": [str(path) for path in request.paths],
                "content_problems": content.problems,
                "model": f"QDM {selection.version}",
                "hashes": dict(selection.content.hashes()),
                "seconds": {step: round(taken, 3) for step, taken in seconds.items()},
            }
        )
    show(output, outcomes, (), request.format)
    return 2 if output.total.not_run else 0
