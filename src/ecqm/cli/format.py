"""`ecqm format`: CQL in one layout."""

from __future__ import annotations

import difflib
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import click

from ecqm.cli.examples import examples
from ecqm.cli.failures import in_words
from ecqm.cli.options import EXISTING
from ecqm.cli.parameters import argument, option, takes

# Commands import what they need when they run, to keep --help fast.


@dataclass(frozen=True)
class FormatRequest:
    """The arguments of `ecqm format`."""

    paths: tuple[Path, ...] = argument(nargs=-1, required=True, type=EXISTING)
    check: bool = option(
        "--check", is_flag=True, help="Only list the files that would change; exit 1 if there are any."
    )
    diff: bool = option("--diff", is_flag=True, help="Show what would change.")
    in_place: bool = option("--in-place", "-i", is_flag=True, help="Write the files back instead of printing.")


@click.command(
    "format",
    epilog=examples(
        "ecqm format MyMeasure.cql",
        "ecqm format --in-place input/cql",
        "ecqm format --check input/cql",
    ),
)
@takes(FormatRequest)
def command(request: FormatRequest) -> None:
    """Lay out CQL files in one canonical way; comments are kept, only white space changes.

    One file is printed to standard output, unless --in-place. Exits 1 if there are syntax errors, 2 if a file cannot be
    read.
    """
    from ecqm.language.formatting import FormatError, format_source
    from ecqm.language.sources import cql_files, read_source

    files = [file for path in request.paths for file in cql_files(path)]
    if len(files) > 1 and not (request.check or request.diff or request.in_place):
        raise click.UsageError("more than one file: say --in-place, --check or --diff")
    failed = unreadable = False
    for file in files:
        try:
            text = read_source(file, exact=True)
            formatted = format_source(text)
        except FormatError as error:
            failed = True
            for found in error.errors:
                click.echo(found.render(str(file)), err=True)
        except OSError as error:
            unreadable = True
            click.echo(f"ecqm: {in_words(error)}", err=True)
        else:
            failed |= request.check and formatted != text
            _answer(request, file, text, formatted)
    sys.exit(2 if unreadable else int(failed))


def _answer(request: FormatRequest, file: Path, text: str, formatted: str) -> None:
    """Tell or make the change of a file, as the request asks."""
    if not (request.check or request.diff or request.in_place):
        click.echo(formatted, nl=False)
    elif formatted == text:
        return
    elif request.diff:
        click.echo(_difference(file, text, formatted))
    elif request.check:
        click.echo(f"would format {file}")
    else:
        _write_back(file, formatted)


def _write_back(file: Path, formatted: str) -> None:
    """Replace a file in one step: on a full disk it stays as it was."""
    from ecqm.data.writing import replacing

    # A link stays a link.
    file = file.resolve()
    with replacing(file) as fresh:
        fresh.write_text(formatted, encoding="utf-8")
        shutil.copymode(file, fresh)


def _difference(file: Path, text: str, formatted: str) -> str:
    name = str(file)
    lines = difflib.unified_diff(
        text.splitlines(keepends=True), formatted.splitlines(keepends=True), name, f"{name} (formatted)"
    )
    return "".join(lines)
