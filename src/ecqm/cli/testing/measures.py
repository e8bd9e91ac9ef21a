"""`ecqm test` of FHIR measures."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack

import click

from ecqm import __version__
from ecqm.bundles.decks.runner import DeckRunner
from ecqm.cli.decks import matched, unarchived
from ecqm.cli.progress import progress
from ecqm.cli.terminal import table_width, warn
from ecqm.cli.testing.request import DeckRequest
from ecqm.measures.decks.agreement import MeasureRun, deck_report
from ecqm.measures.decks.defects import DefectList
from ecqm.reporting.decks.rendering import render_deck
from ecqm.reporting.html import DeckPages

_PROBLEMS_SHOWN = 5


def run_measures(request: DeckRequest, defects: DefectList, pages: DeckPages | None) -> tuple[list[MeasureRun], str]:
    """Run the cases of measures. Returns the results and the report; remarks are written to standard error."""
    with ExitStack() as files:
        unpacked, cases = files.enter_context(unarchived(request.content.path, request.tests))
        content = request.content.open(unpacked)
        deck = files.enter_context(matched(content, unpacked, cases, request.measures))
        if not deck.measures:
            place = request.tests or request.content.path
            wanted = ", ".join(request.measures) or "its measures"
            raise click.ClickException(f"{place} has no cases of {wanted}; --tests says where they are")
        runner = DeckRunner(content, defects, request.relax_versions, request.profiles, request.source, inspector=pages)
        runs = []
        with progress("cases", sum(len(part.cases) for part in deck.measures)) as advance:
            for part in deck.measures:
                runs.append(runner.run(part.measure, part.cases))
                advance(len(part.cases), part.measure.name)
    for remark in _remarks(runner):
        warn(remark)
    for (name, severity, code, text), times in sorted(runner.messages.items(), key=str):
        click.echo(f"{name}: {severity} {code or ''}: {text} ({times} times)", err=True)
    report = deck_report({"name": "ecqm", "version": __version__, "source": request.source}, runs)
    return runs, render_deck(report, runs, request.format, table_width())


def _remarks(runner: DeckRunner) -> Iterable[str]:
    """What a user should know of the content and the data."""
    for warning, library in runner.planner.warnings.items():
        yield f"{warning} (library {library})"
    yield from runner.decisions
    for missing in runner.missing.values():
        yield f"value set {missing}"
    yield from map(str, runner.problems[:_PROBLEMS_SHOWN])
    if (more := len(runner.problems) - _PROBLEMS_SHOWN) > 0:
        yield f"and {more} more problems with the data"
