"""`ecqm test` of QDM measure packages."""

from __future__ import annotations

import click

from ecqm.bundles.packages.comparison import package_report
from ecqm.bundles.packages.deck import PackageDeck, is_package_deck, run_deck
from ecqm.cli.decks import unarchived
from ecqm.cli.terminal import table_width
from ecqm.cli.testing.request import DeckRequest
from ecqm.measures.decks.agreement import MeasureRun
from ecqm.measures.decks.defects import DefectList
from ecqm.reporting.decks.packages import render_package_deck
from ecqm.reporting.html import DeckPages


def run_packages(request: DeckRequest, defects: DefectList, pages: DeckPages | None) -> tuple[list[MeasureRun], str]:
    """Run the patients of packages. Returns the results and the report."""
    path = request.content.path
    if request.tests is None and not is_package_deck(path):
        raise click.ClickException(f"{path} has no patients beside its packages; name them with --tests")
    with unarchived(path, request.tests) as (_, patients):
        runs = run_deck(PackageDeck.open(path, patients), request.measures, defects, pages)
    if not runs:
        raise click.ClickException(f"there are no patients of {', '.join(request.measures) or 'the measures'}")
    report = package_report({"source": request.source}, runs)
    return runs, render_package_deck(report, runs, request.format, table_width())
