"""`ecqm run`: evaluate measures on patients."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import click

from ecqm.cli.contents import (
    libraries_option,
    manifest_option,
    open_content,
    profiles_option,
    relax_versions_option,
    valuesets_option,
)

if TYPE_CHECKING:
    from ecqm.bundles.evaluation.selection import Selection
    from ecqm.engine.profiles import ProfileRule
    from ecqm.reporting.run import MeasureOutcome, RunOutput

# Commands import what they need when they run: help has to come up at once.


@click.command("run")
@click.argument("content", type=click.Path(path_type=Path, exists=True))
@click.option("--measure", "measures", multiple=True, metavar="NAME", help="The measure (may be repeated), or all.")
@click.option(
    "--data", multiple=True, required=True, type=click.Path(path_type=Path), help="Patients (may be repeated)."
)
@libraries_option
@valuesets_option
@manifest_option
@click.option("--period", metavar="START/END", help="Measurement period, instead of each measure's effective period.")
@click.option("--individual", is_flag=True, help="Also a report per patient, with supplemental data.")
@click.option("--subject-list", is_flag=True, help="Also reports that list the members of every population.")
@click.option(
    "--supplemental-data", is_flag=True, help="Also count sex, race, ethnicity and payer in every population."
)
@profiles_option
@relax_versions_option
@click.option("--allow-missing", is_flag=True, help="Go on without value sets that are not at hand, or not as whole.")
@click.option("--jobs", type=click.IntRange(1), help="Processes; as many as there are cores unless told.")
@click.option("--memory", type=click.FloatRange(0.25), default=4.0, show_default=True, help="For all of them, in GiB.")
@click.option("--spark", metavar="MASTER", help="On Spark, such as spark://host:7077; it has to see the same paths.")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
@click.option("--output", required=True, type=click.Path(path_type=Path, file_okay=False), help="Folder for results.")
def command(
    content: Path,
    measures: tuple[str, ...],
    data: tuple[Path, ...],
    libraries: tuple[Path, ...],
    valuesets: tuple[Path, ...],
    manifest: str | None,
    period: str | None,
    individual: bool,
    subject_list: bool,
    supplemental_data: bool,
    profiles: ProfileRule,
    relax_versions: bool,
    allow_missing: bool,
    jobs: int | None,
    memory: float,
    spark: str | None,
    form: str,
    output: Path,
) -> None:
    """Evaluate measures of CONTENT on patients.

    CONTENT are FHIR measures as published, or QDM measure packages. Patients are FHIR bundles, folders of resources
    (JSON or XML), NDJSON by type (plain, .gz or .zst), the manifest of a bulk export, or a cohort store; for QDM
    measures JSON or QRDA Category I.
    The output folder gets summary.json (MeasureReports), counts.json (what `ecqm submission` needs),
    populations.parquet, errors.json and run.json; individual.ndjson and subject-list.json when asked for.

    Exits with 0 if every measure ran; a patient whose evaluation raised an error is in no population, and in
    errors.json. Large data are evaluated in batches, in several processes; a run that was interrupted, by a full disk
    too, goes on when it is started again. Exits with 2 if a measure could not run (the others are completed), or a
    file of a store is damaged (the patients of others are evaluated, and its own when the run is started again), or
    there are no patients, or nothing could run.
    """
    from ecqm.bundles.evaluation.batches import Evaluation
    from ecqm.bundles.evaluation.selection import select
    from ecqm.bundles.packages.content import package_files
    from ecqm.cli.failures import resumable
    from ecqm.cli.packages import run_packages
    from ecqm.cli.progress import progress
    from ecqm.cluster.run import run_units
    from ecqm.cluster.units import json_size, largest_unit, units_of
    from ecqm.data.source import PatientData
    from ecqm.measures.definition.period import parse_period
    from ecqm.reporting.run import RunOutput
    from ecqm.values import EvaluationContext

    seconds: dict[str, float] = {}
    clock = _Clock(seconds)
    stated = parse_period(period) if period else (None, None)
    names = () if "all" in measures else measures
    if package_files(content):
        asked = (individual, subject_list, supplemental_data)
        run_packages(content, valuesets, names, data, stated, asked, allow_missing, form, output)
    if spark is not None:
        # Other machines have other folders to stand in.
        data, output = tuple(path.absolute() for path in data), output.absolute()
    patients = PatientData(data)
    opened = open_content(content, libraries, valuesets, manifest)
    chosen = opened.select(names)
    clock.took("open")
    with progress("planning", len(chosen)) as advance:
        selection = select(opened, chosen, relax_versions, lambda measure: advance(1, measure.name)).in_period(stated)
    # Plans stay until the end: the cycle collector need not walk over them again and again.
    gc.freeze()
    clock.took("plan")
    check(selection, allow_missing)
    about = _about(selection, content, data, profiles)
    processes = jobs or os.cpu_count() or 1
    share = int(memory * 2**30) // processes
    unit_size = largest_unit(share)
    fingerprint = [about["engine"], about["hashes"], stated, profiles, unit_size, patients.state()]
    writer = RunOutput(output, selection, stated, individual, subject_list, fingerprint, supplemental_data)
    with writer, resumable("results"):
        with progress("sorting", json_size(patients.files)) as advance:
            units = units_of(patients, writer.work, unit_size, lambda size: advance(size, "sorting"))
        clock.took("sort")
        moment = EvaluationContext.of_moment(writer.started)
        evaluation = Evaluation(
            selection.plans,
            opened.value_sets,
            stated,
            individual,
            profiles,
            moment,
            selection.composites,
            supplemental_data,
        )
        with progress("evaluating", len(selection.plans) * len(units)) as advance:
            refused = run_units(evaluation, writer, units, processes, share, advance, spark)
        clock.took("run")
        outcomes = writer.finish(about | {"units": len(units), "seconds": seconds}, list(refused.values()))
    click.echo((output / "run.json").read_text("utf-8").rstrip() if form == "json" else table_of(outcomes))
    tell(writer, list(refused.values()))
    if not writer.total.patients:
        click.echo("ecqm: there is no patient in the data (patients of QDM are for measures of QDM)", err=True)
    sys.exit(2 if writer.total.not_run or refused or not writer.total.patients else 0)


class _Clock:
    """Seconds that the steps of a run take."""

    def __init__(self, seconds: dict[str, float]) -> None:
        self._seconds = seconds
        self._since = perf_counter()

    def took(self, step: str) -> None:
        now = perf_counter()
        self._seconds[step] = round(now - self._since, 3)
        self._since = now


def check(selection: Selection, allow_missing: bool) -> None:
    """Ends a run that cannot give right results before it starts."""
    if not selection.plans:
        reasons = [f"{name}: {reason}" for name, reason in selection.not_planned.items()]
        raise click.ClickException("\n".join(reasons) or "the content holds no measure")
    if selection.missing and not allow_missing:
        lines = [f"  {missing}" for missing in selection.missing]
        raise click.ClickException(
            f"{len(lines)} value sets are not at hand as whole; add their expansions with --valuesets, or go on "
            "without them with --allow-missing:\n" + "\n".join(lines)
        )


def _about(selection: Selection, content: Path, data: Sequence[Path], profiles: str) -> dict[str, Any]:
    """What run.json says of the program and its input."""
    import platform

    import numpy as np

    from ecqm import __version__
    from ecqm.bundles.specifications.specification import content_hashes

    return {
        "engine": {
            "name": "ecqm",
            "version": __version__,
            "python": platform.python_version(),
            "numpy": np.__version__,
        },
        "content": str(content),
        "data": [str(path) for path in data],
        "content_problems": selection.content.problems,
        "notices": list(selection.notices),
        "profiles": profiles,
        "hashes": content_hashes(selection.content, selection.measures.values()),
    }


def table_of(outcomes: Sequence[MeasureOutcome]) -> str:
    """A line per group: counts of its populations, and the score."""
    from io import StringIO

    from rich.console import Console
    from rich.table import Table

    from ecqm.cli.terminal import table_width
    from ecqm.reporting.run import outcome_rows

    table = Table(box=None, pad_edge=False)
    for heading in ("measure", "group", "populations"):
        table.add_column(heading, overflow="fold")
    table.add_column("score", justify="right", no_wrap=True)
    for measure, group, counts, score in outcome_rows(outcomes):
        table.add_row(measure, group, counts, "" if score is None else f"{score:.4f}")
    out = StringIO()
    Console(file=out, width=table_width()).print(table)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


def tell(writer: RunOutput, refused: Sequence[str]) -> None:
    """What the user has to know beside the results, on standard error."""
    for name, reason in writer.total.not_run.items():
        click.echo(f"ecqm: measure {name} was not run: {reason}", err=True)
    for error in refused:
        click.echo(f"ecqm: {error}", err=True)
    if refused:
        click.echo("ecqm: started again, the run evaluates what could not be read, and nothing else", err=True)
    for notice in writer.selection.notices:
        click.echo(f"ecqm: warning: {notice}", err=True)
    for missing in writer.selection.missing:
        click.echo(f"ecqm: warning: value set {missing}", err=True)
    if failed := writer.total.n_failed:
        click.echo(f"ecqm: {failed} evaluations of patients failed, see {writer.folder / 'errors.json'}", err=True)
    if writer.total.n_problems:
        are = "is 1 problem" if writer.total.n_problems == 1 else f"are {writer.total.n_problems} problems"
        click.echo(f"ecqm: there {are} with the data, see {writer.folder / 'errors.json'}", err=True)
