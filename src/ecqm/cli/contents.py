"""Options of commands for measure content, and opening it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from ecqm.bundles.content import Content
    from ecqm.bundles.evaluation.batches import Stated
    from ecqm.measures.definition import Measure

_PROBLEMS_SHOWN = 20

libraries_option = click.option(
    "--libraries",
    multiple=True,
    type=click.Path(path_type=Path, exists=True),
    help="More libraries: a folder, file or archive (may be repeated).",
)
valuesets_option = click.option(
    "--valuesets",
    multiple=True,
    type=click.Path(path_type=Path, exists=True),
    help="More value sets: a folder, file or archive (may be repeated).",
)
manifest_option = click.option(
    "--manifest", metavar="NAME", help="Versions of value sets to use: a manifest in CONTENT, or a file."
)


def _stated(context: click.Context, parameter: click.Parameter, period: str | None) -> Stated:
    """The value of --period. Raises MeasureError."""
    from ecqm.measures.definition.period import parse_period

    return parse_period(period) if period else (None, None)


period_option = click.option(
    "--period",
    "stated",
    metavar="START/END",
    callback=_stated,
    help="Measurement period, such as 2026-01-01/2026-12-31, or a year; by default each measure's effective period.",
)
relax_versions_option = click.option(
    "--relax-versions", is_flag=True, help="Use the nearest version of a library that is missing."
)
profiles_option = click.option(
    "--profiles",
    type=click.Choice(["declared", "inferred", "both"]),
    default="both",
    show_default=True,
    help="Which resources match a profile: those that declare it, those that conform to it, or (both) what is "
    "declared, and otherwise what conforms.",
)


def open_content(
    path: Path,
    libraries: Sequence[Path] = (),
    valuesets: Sequence[Path] = (),
    manifest: str | None = None,
    called: Path | None = None,
) -> Content:
    """The content at a path, which messages call as `Content.open` says; problems are written to standard error.

    Raises ContentError, ClickException if there are no measures.
    """
    from ecqm.bundles.content import Content

    content = Content.open(path, libraries, valuesets, called)
    instead = "" if len(content.measures) else _instead_of_measures(path)
    if instead:
        raise click.ClickException(f"{called or path} has no measures: {instead}")
    if manifest is not None:
        content.pin(manifest)
    for problem in content.problems[:_PROBLEMS_SHOWN]:
        click.echo(f"ecqm: warning: {problem}", err=True)
    if len(content.problems) > _PROBLEMS_SHOWN:
        click.echo(f"ecqm: warning: … {len(content.problems) - _PROBLEMS_SHOWN} more such problems", err=True)
    if not len(content.measures):
        raise click.ClickException(f"{called or path} has no measures")
    return content


def _instead_of_measures(path: Path) -> str:
    """What there is at a path without measures, if it is something that users confuse with content."""
    from ecqm.bundles.packages.content import package_files
    from ecqm.data.store.store import is_store

    if is_store(path):
        return "it is a cohort store, which holds patients (--data)"
    below = sorted(each for each in path.iterdir() if each.is_dir()) if path.is_dir() else []
    decks = [str(each) for each in below if package_files(each)]
    return f"name one of its folders with QDM packages ({', '.join(decks)})" if decks else ""


def measures_of(content: Content, names: Sequence[str]) -> list[Measure]:
    """The measures named, or all; notices on versions are written to standard error. Raises MeasureNotFound."""
    chosen = content.select(names)
    for notice in content.notices:
        click.echo(f"ecqm: warning: {notice}", err=True)
    return chosen
