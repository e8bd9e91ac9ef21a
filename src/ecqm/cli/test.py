"""`ecqm test`: run a deck's cases and compare them with what they expect."""

from __future__ import annotations

import sys

import click

from ecqm.cli.examples import examples
from ecqm.cli.parameters import takes
from ecqm.cli.terminal import write
from ecqm.cli.testing.request import DeckRequest

# Commands import what they need when they run, to keep --help fast.


@click.command(
    "test",
    epilog=examples(
        "ecqm test CONTENT",
        "ecqm test CONTENT --measure CMS122 --html pages",
        "ecqm test MEASURE.zip --tests CASES.zip --format junit --output results.xml",
    ),
)
@takes(DeckRequest)
def command(request: DeckRequest) -> None:
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
    from ecqm.measures.decks.defects import DefectList
    from ecqm.reporting.html import DeckPages

    defects = DefectList.read(request.defects) if request.defects else DefectList()
    pages = DeckPages(request.html) if request.html else None
    run = run_packages if package_files(request.content.path) else run_measures
    runs, report = run(request, defects, pages)
    if pages is not None:
        pages.write(runs)
    write(report, request.output)
    agrees = all(result.passes for each in runs for result in each.results)
    if not agrees and pages is None and request.format == "table":
        click.echo("ecqm: --html FOLDER shows why: a page for each case that differs", err=True)
    sys.exit(0 if agrees else 1)
