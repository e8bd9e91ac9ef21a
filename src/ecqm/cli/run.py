"""`ecqm run`: evaluate measures on patients."""

from __future__ import annotations

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
@period_option
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
def command(**options: Any) -> None:
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
    from ecqm.bundles.packages.content import package_files
    from ecqm.cli.running.measures import run_measures
    from ecqm.cli.running.packages import run_packages
    from ecqm.cli.running.request import RunRequest

    request = RunRequest(**options)
    sys.exit(run_packages(request) if package_files(request.content) else run_measures(request))
