"""`ecqm load`: FHIR data into a cohort store."""

from __future__ import annotations

import json

import click

from ecqm.cli.examples import examples
from ecqm.cli.failures import resumable
from ecqm.cli.loading.request import LoadRequest
from ecqm.cli.parameters import takes

# Commands import what they need when they run, to keep --help fast.


@click.command(
    "load",
    epilog=examples(
        "ecqm load EXPORT --output STORE --content CONTENT",
        "ecqm load NIGHT/manifest.json --output STORE --append",
    ),
)
@takes(LoadRequest)
def command(request: LoadRequest) -> None:
    """Load DATA (bulk exports, bundles, folders of resources; plain, .gz, .zst or in a .zip) into a cohort store.

    A bulk export is a folder of NDJSON files, or the manifest that the server returned for it (JSON with
    transactionTime and output) with all files that it names beside it. With --append, resources that it lists as
    deleted are removed. Errors that it lists are reported. The report of an update says by how much the store has
    grown: "1,250 Encounter (+12)".

    Every element of every resource is kept; what the measures of --content need is also prepared as columns. A load
    that was interrupted continues when it is started again. Exits with 2 if it could not run.
    """
    from ecqm.cli.loading.measures import LoadedMeasures
    from ecqm.cli.loading.report import report_text
    from ecqm.cli.progress import load_progress
    from ecqm.data import EVERYTHING
    from ecqm.data.loading.load import load
    from ecqm.data.store.store import is_store, open_store

    updates = request.append or request.replace_patient
    before = open_store(request.output).report if updates and is_store(request.output) else None
    measures = None
    if request.content is not None:
        measures = LoadedMeasures(request.content, request.measures, request.libraries, request.valuesets)
    with load_progress() as watcher, resumable("the store"):
        manifest = load(
            request.data,
            request.output,
            EVERYTHING if measures is None else measures.demand,
            default_offset=request.offset,
            jobs=request.processes,
            append=request.append,
            replace_patients=request.replace_patient,
            watcher=watcher,
        )
    report = manifest.report
    if measures is not None:
        report |= measures.unknown_codes(request.output)
    click.echo(json.dumps(report, indent=2) if request.format == "json" else report_text(report, before))
