"""`ecqm run`: evaluate measures on patients."""

from __future__ import annotations

import sys

import click

from ecqm.cli.examples import examples
from ecqm.cli.parameters import takes
from ecqm.cli.running.request import RunRequest

# Commands import what they need when they run, to keep --help fast.


@click.command(
    "run",
    epilog=examples(
        "ecqm run CONTENT --data EXPORT --output out",
        "ecqm run CONTENT --measure CMS122 --measure CMS125 --data STORE --output out",
        "ecqm run CONTENT --measure CMS122 --data EXPORT --period 2026 --output out",
    ),
)
@takes(RunRequest)
def command(request: RunRequest) -> None:
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

    sys.exit(run_packages(request) if package_files(request.content.path) else run_measures(request))
