"""`ecqm test`: run a deck's cases and compare them with what they expect."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from ecqm.cli.contents import (
    libraries_option,
    manifest_option,
    profiles_option,
    relax_versions_option,
    valuesets_option,
)
from ecqm.cli.decks import tests_option
from ecqm.cli.examples import examples
from ecqm.cli.formats import format_option

# Commands import what they need when they run, to keep --help fast.


@click.command(
    "test",
    epilog=examples(
        "ecqm test CONTENT",
        "ecqm test CONTENT --measure CMS122 --html pages",
        "ecqm test MEASURE.zip --tests CASES.zip --format junit --output results.xml",
    ),
)
@click.argument("content", type=click.Path(path_type=Path, exists=True))
@click.option("--measure", "measures", multiple=True, metavar="NAME", help="Only this measure (may be repeated).")
@tests_option
@libraries_option
@valuesets_option
@manifest_option
@click.option(
    "--from",
    "source",
    type=click.Choice(["elm", "cql"]),
    default="elm",
    show_default=True,
    help="Evaluate the published ELM, or compile the CQL.",
)
@profiles_option
@relax_versions_option
@click.option(
    "--defects",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="TOML list of expectations that are known to be wrong.",
)
@format_option("table", "json", "junit", of="results; junit for build servers")
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File to write the results to instead of printing them.",
)
@click.option("--html", "html", type=click.Path(path_type=Path, file_okay=False), help="Folder to write web pages to.")
def command(**options: Any) -> None:
    """Run the test cases of CONTENT and compare the populations with those expected.

    CONTENT is a content repository, a folder, bundle or exported archive of a measure, or a folder of these. The cases
    are in it, or where --tests says.

    With --html it also writes web pages: for each measure the clauses of the logic that its cases cover, and for each
    case that differs why, clause by clause.

    Exits with 0 if all cases agree (except for those that --defects lists), with 1 if not, and with 2 if it could not
    run.
    """
    from ecqm.bundles.packages.content import package_files
    from ecqm.cli.testing.measures import run_measures
    from ecqm.cli.testing.packages import run_packages
    from ecqm.cli.testing.request import DeckRequest
    from ecqm.measures.decks.defects import DefectList
    from ecqm.reporting.html import DeckPages

    request = DeckRequest(**options)
    defects = DefectList.read(request.defects) if request.defects else DefectList()
    pages = DeckPages(request.html) if request.html else None
    run = run_packages if package_files(request.content) else run_measures
    runs, report = run(request, defects, pages)
    if pages is not None:
        pages.write(runs)
    if request.output is not None:
        request.output.write_text(report, "utf-8")
    else:
        click.echo(report)
    sys.exit(0 if all(result.passes for each in runs for result in each.results) else 1)
