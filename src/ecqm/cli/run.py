"""`ecqm run`: evaluate measures on patients."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

import click

from ecqm.cli.contents import (
    libraries_option,
    manifest_option,
    period_option,
    profiles_option,
    relax_versions_option,
    valuesets_option,
)
from ecqm.cli.examples import examples

# Commands import what they need when they run, to keep --help fast.


class PathOrUrl(click.Path):
    """A local path, or the URL of a file or folder elsewhere (a string)."""

    def convert(self, value: Any, param: click.Parameter | None, context: click.Context | None) -> Any:
        return value if isinstance(value, str) and "://" in value else super().convert(value, param, context)


def _finite(context: click.Context, option: click.Parameter, value: float) -> float:
    if not math.isfinite(value):
        raise click.BadParameter(f"{value} is no amount", context, option)
    return value


@click.command(
    "run",
    epilog=examples(
        "ecqm run CONTENT --data EXPORT --output out",
        "ecqm run CONTENT --measure CMS122 --measure CMS125 --data STORE --output out",
        "ecqm run CONTENT --measure CMS122 --data EXPORT --period 2026 --output out",
    ),
)
@click.argument("content", type=click.Path(path_type=Path, exists=True))
@click.option(
    "--measure",
    "measures",
    multiple=True,
    metavar="NAME",
    help="Measure by name, URL or CMS id (may be repeated); all by default.",
)
@click.option(
    "--data",
    multiple=True,
    required=True,
    type=PathOrUrl(path_type=Path),
    help="Patients: file, folder or store (may be repeated).",
)
@libraries_option
@valuesets_option
@manifest_option
@period_option
@click.option("--individual", is_flag=True, help="Also write a MeasureReport per patient, with supplemental data.")
@click.option("--subject-list", is_flag=True, help="Also write reports that list the members of every population.")
@click.option(
    "--supplemental-data", is_flag=True, help="Also count sex, race, ethnicity and payer in every population."
)
@click.option("--csv", is_flag=True, help="Also write populations.csv, the rows of populations.parquet.")
@profiles_option
@relax_versions_option
@click.option("--allow-missing", is_flag=True, help="Run without value sets that are missing or incomplete.")
@click.option("--jobs", type=click.IntRange(1), help="Number of processes; by default the number of cores.")
@click.option(
    "--memory",
    type=click.FloatRange(0.25),
    callback=_finite,
    default=4.0,
    show_default=True,
    help="Memory for all processes together, in GiB.",
)
@click.option(
    "--spark",
    metavar="MASTER",
    help="Run on Spark, such as spark://host:7077; stores and results may then be at URLs (hdfs://…, s3a://…).",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="What to print: a table, or run.json.",
)
@click.option("--output", required=True, type=PathOrUrl(path_type=Path, file_okay=False), help="Folder for results.")
def command(**options: Any) -> None:
    """Evaluate measures of CONTENT on patients.

    CONTENT holds FHIR measures as they are published, or QDM measure packages. Patients are FHIR bundles, folders of
    resources (JSON or XML), NDJSON by type (plain, .gz or .zst), the manifest of a bulk export, a zip archive of these,
    or a cohort store; for QDM measures, JSON or QRDA Category I.

    The output folder gets summary.json (MeasureReports), scores.csv (counts and scores per group and stratum),
    populations.parquet (a row per patient or episode), counts.json (for `ecqm submission`), errors.json and run.json;
    populations.csv, individual.ndjson and subject-list.json on request. Results of an earlier run there are replaced.

    What is printed has a line per group of a measure: the size of its initial population (IPP), denominator (DENOM),
    exclusions (DENEX), numerator (NUMER) and its exclusions (NUMEX), exceptions (DENEXCEP), or measure population
    (MSRPOPL) and its exclusions (MSRPOPLEX), and its score.

    Large data are evaluated in batches, in several processes. A run that was interrupted, even by a full disk,
    continues when it is started again.

    Exits with 0 if every measure ran; a patient whose evaluation raised an error is in no population, but in
    errors.json. Exits with 2 if a measure or one of its groups could not run (the others are completed), if a file of a
    store is damaged (started again, the run evaluates what that file held), or if there are no patients.
    """
    from ecqm.bundles.packages.content import package_files
    from ecqm.cli.running.measures import run_measures
    from ecqm.cli.running.packages import run_packages
    from ecqm.cli.running.request import RunRequest

    request = RunRequest(**options)
    sys.exit(run_packages(request) if package_files(request.content) else run_measures(request))
