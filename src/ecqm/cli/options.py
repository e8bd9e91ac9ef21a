"""Options that several commands have, as fields of their requests (`ecqm.cli.parameters`)."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ecqm.cli.parameters import argument, option

if TYPE_CHECKING:
    from ecqm.bundles.evaluation.batches import Stated

EXISTING = click.Path(path_type=Path, exists=True)
EXISTING_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
FILE = click.Path(path_type=Path, dir_okay=False)
FOLDER = click.Path(path_type=Path, file_okay=False)

content_argument = partial(argument, metavar="CONTENT", type=EXISTING)
measure_option = partial(option, "--measure", required=True, metavar="NAME", help="Measure by name, URL or CMS id.")
measures_option = partial(
    option,
    "--measure",
    multiple=True,
    metavar="NAME",
    help="Measure by name, URL or CMS id (may be repeated); all by default.",
)
libraries_option = partial(
    option,
    "--libraries",
    multiple=True,
    type=EXISTING,
    help="More libraries: a folder, file or archive (may be repeated).",
)
valuesets_option = partial(
    option,
    "--valuesets",
    multiple=True,
    type=EXISTING,
    help="More value sets: a folder, file or archive (may be repeated).",
)
tests_option = partial(
    option, "--tests", type=EXISTING, help="Folder, zip archive or bundle of the cases, if they are not in CONTENT."
)
data_option = partial(
    option,
    "--data",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Patients: file, folder or store (may be repeated).",
)
relax_versions_option = partial(
    option, "--relax-versions", is_flag=True, help="Use the nearest version of a library that is missing."
)
profiles_option = partial(
    option,
    "--profiles",
    type=click.Choice(["declared", "inferred", "both"]),
    default="both",
    show_default=True,
    help="Which resources match a profile: those that declare it, those that conform to it, or (both) what is "
    "declared, and otherwise what conforms.",
)
output_option = partial(option, "--output", type=FILE, help="File to write to instead of printing.")


def format_option(*forms: str, of: str) -> Any:
    """--format, with the first form as default; `of` says in the help what has the form."""
    return option("--format", type=click.Choice(forms), default=forms[0], show_default=True, help=f"Form of the {of}.")


def _stated(context: click.Context, parameter: click.Parameter, period: str | None) -> Stated:
    from ecqm.measures.definition import MeasureError
    from ecqm.measures.definition.period import parse_period

    try:
        return parse_period(period) if period else (None, None)
    except MeasureError as error:
        raise click.BadParameter(str(error), context, parameter) from error


period_option = partial(
    option,
    "--period",
    metavar="START/END",
    callback=_stated,
    help="Measurement period, such as 2026-01-01/2026-12-31, or a year; by default each measure's effective period.",
)
