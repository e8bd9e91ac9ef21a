"""`ecqm test`: run a deck's cases and compare them with what they expect."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from ecqm import __version__
from ecqm.cli.contents import (
    libraries_option,
    manifest_option,
    open_content,
    profiles_option,
    relax_versions_option,
    valuesets_option,
)
from ecqm.cli.decks import matched, tests_option, unarchived, warn
from ecqm.cli.examples import examples
from ecqm.cli.formats import format_option

if TYPE_CHECKING:
    from ecqm.bundles.decks.runner import DeckRunner
    from ecqm.bundles.evaluation.planning import LibraryForm
    from ecqm.engine.profiles import ProfileRule
    from ecqm.measures.decks.agreement import MeasureRun
    from ecqm.reporting.html import DeckPages

_PROBLEMS_SHOWN = 5

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
def command(
    content: Path,
    measures: tuple[str, ...],
    tests: Path | None,
    libraries: tuple[Path, ...],
    valuesets: tuple[Path, ...],
    manifest: str | None,
    source: str,
    profiles: ProfileRule,
    relax_versions: bool,
    defects: Path | None,
    form: str,
    output: Path | None,
    html: Path | None,
) -> None:
    """Run the test cases of CONTENT and compare the populations with those expected.

    CONTENT is a content repository, a folder, bundle or exported archive of a measure, or a folder of these. The cases
    are in it, or where --tests says.

    With --html it also writes web pages: for each measure the clauses of the logic that its cases cover, and for each
    case that differs why, clause by clause.

    Exits with 0 if all cases agree (except for those that --defects lists), with 1 if not, and with 2 if it could not
    run.
    """
    from ecqm.bundles.decks.runner import DeckRunner
    from ecqm.bundles.packages.comparison import package_report
    from ecqm.bundles.packages.content import package_files
    from ecqm.bundles.packages.deck import PackageDeck, is_package_deck, run_deck
    from ecqm.cli.progress import progress
    from ecqm.cli.terminal import table_width
    from ecqm.measures.decks.agreement import deck_report
    from ecqm.measures.decks.defects import DefectList
    from ecqm.reporting.decks.packages import render_package_deck
    from ecqm.reporting.decks.rendering import render_deck

    listed = DefectList.read(defects) if defects else DefectList()
    pages = None
    if html is not None:
        from ecqm.reporting.html import DeckPages

        pages = DeckPages(html)
    if package_files(content):
        if tests is None and not is_package_deck(content):
            raise click.ClickException(f"{content} has no patients beside its packages; name them with --tests")
        with unarchived(content, tests) as (_, patients):
            runs = run_deck(PackageDeck.open(content, patients), measures, listed, pages)
        if not runs:
            raise click.ClickException("there are no patients of the measures asked for")
        text = render_package_deck(package_report({"source": source}, runs), runs, form, table_width())
        _finish(text, output, runs, pages)
    with ExitStack() as files:
        unpacked, cases = files.enter_context(unarchived(content, tests))
        opened = open_content(unpacked, libraries, valuesets, manifest, content)
        deck = files.enter_context(matched(opened, unpacked, cases, measures))
        if not deck.measures:
            raise click.ClickException("there are no cases of the measures asked for")
        form_of_libraries: LibraryForm = "cql" if source == "cql" else "elm"
        runner = DeckRunner(opened, listed, relax_versions, profiles, form_of_libraries, inspector=pages)
        runs = []
        with progress("cases", sum(len(part.cases) for part in deck.measures)) as advance:
            for part in deck.measures:
                runs.append(runner.run(part.measure, part.cases))
                advance(len(part.cases), part.measure.name)
        _tell(runner)
        report = deck_report({"name": "ecqm", "version": __version__, "source": source}, runs)
        text = render_deck(report, runs, form, table_width())
        _finish(text, output, runs, pages)


def _tell(runner: DeckRunner) -> None:
    """Write remarks on the results to standard error."""
    for told, library in runner.planner.warnings.items():
        warn(f"{told} (library {library})")
    for decision in runner.decisions:
        warn(decision)
    for missing in runner.missing.values():
        warn(f"value set {missing}")
    for problem in runner.problems[:_PROBLEMS_SHOWN]:
        warn(str(problem))
    if (more := len(runner.problems) - _PROBLEMS_SHOWN) > 0:
        warn(f"and {more} more problems with the data")
    for (name, severity, code, told_by_logic), times in sorted(runner.messages.items(), key=str):
        click.echo(f"{name}: {severity} {code or ''}: {told_by_logic} ({times} times)", err=True)


def _finish(text: str, output: Path | None, runs: Sequence[MeasureRun], pages: DeckPages | None) -> NoReturn:
    """Write the report, and exit with 0 if all cases pass, otherwise with 1."""
    if pages is not None:
        pages.write(runs)
    if output is not None:
        output.write_text(text, "utf-8")
    else:
        click.echo(text)
    sys.exit(0 if all(result.passes for run in runs for result in run.results) else 1)
