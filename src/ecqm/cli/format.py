"""`ecqm format`: CQL in one layout."""

from __future__ import annotations

import difflib
import sys
from pathlib import Path

import click

from ecqm.cli.examples import examples

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

    One file is printed to standard output, unless --in-place. Exits 1 if there are syntax errors.
    """
    from ecqm.language.formatting import FormatError, format_source
    from ecqm.language.sources import cql_files, read_source

    files = [file for path in paths for file in cql_files(path)]
    if len(files) > 1 and not (check or diff or in_place):
        raise click.UsageError("more than one file: say --in-place, --check or --diff")
    failed = False
    for file in files:
        text = read_source(file)
        try:
            formatted = format_source(text)
        except FormatError as error:
            failed = True
            for found in error.errors:
                click.echo(found.render(str(file)), err=True)
            continue
        if check or diff:
            failed = failed or (check and formatted != text)
            if formatted != text:
                click.echo(_difference(file, text, formatted) if diff else f"would format {file}")
        elif in_place:
            if formatted != text:
                file.write_text(formatted, encoding="utf-8")
        else:
            click.echo(formatted, nl=False)
    sys.exit(1 if failed else 0)


def _difference(file: Path, text: str, formatted: str) -> str:
    name = str(file)
    lines = difflib.unified_diff(
        text.splitlines(keepends=True), formatted.splitlines(keepends=True), name, f"{name} (formatted)"
    )
    return "".join(lines)
