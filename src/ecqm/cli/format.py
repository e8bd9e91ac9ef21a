"""`ecqm format`: CQL in one layout."""

from __future__ import annotations

import difflib
import shutil
import sys
from pathlib import Path

import click

from ecqm.cli.examples import examples
from ecqm.cli.failures import in_words

# Commands import what they need when they run, to keep --help fast.


@click.command(
    "format",
    epilog=examples(
        "ecqm format MyMeasure.cql",
        "ecqm format --in-place input/cql",
        "ecqm format --check input/cql",
    ),
)
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
@click.option("--check", is_flag=True, help="Only list the files that would change; exit 1 if there are any.")
@click.option("--diff", is_flag=True, help="Show what would change.")
@click.option("--in-place", "-i", is_flag=True, help="Write the files back instead of printing.")
def command(paths: tuple[Path, ...], check: bool, diff: bool, in_place: bool) -> None:
    """Lay out CQL files in one canonical way; comments are kept, only white space changes.

    One file is printed to standard output, unless --in-place. Exits 1 if there are syntax errors, 2 if a file cannot be
    read.
    """
    from ecqm.language.formatting import FormatError, format_source
    from ecqm.language.sources import cql_files, read_source

    files = [file for path in paths for file in cql_files(path)]
    if len(files) > 1 and not (check or diff or in_place):
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
            continue
        except OSError as error:
            unreadable = True
            click.echo(f"ecqm: {in_words(error)}", err=True)
            continue
        if check or diff:
            failed = failed or (check and formatted != text)
            if formatted != text:
                click.echo(_difference(file, text, formatted) if diff else f"would format {file}")
        elif in_place:
            if formatted != text:
                _write_back(file, formatted)
        else:
            click.echo(formatted, nl=False)
    sys.exit(2 if unreadable else int(failed))


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
