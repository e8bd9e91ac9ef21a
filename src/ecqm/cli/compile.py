"""`ecqm compile`: CQL to ELM."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from ecqm.cli.examples import examples
from ecqm.cli.options import EXISTING, FOLDER, format_option
from ecqm.cli.parameters import argument, option, takes

# Commands import what they need when they run, to keep --help fast.


@dataclass(frozen=True)
class CompileRequest:
    """The arguments of `ecqm compile`."""

    paths: tuple[Path, ...] = argument(nargs=-1, required=True, type=EXISTING)
    content: tuple[Path, ...] = option(
        "--libraries",
        "--content",
        multiple=True,
        type=EXISTING,
        help="Where to look for included libraries, besides the folders of PATHS (may be repeated).",
    )
    output: Path | None = option("--output", type=FOLDER, help="Folder to write ELM files to.")
    format: str = format_option("json", "xml", of="ELM")
    annotations: bool = option(
        "--annotations", is_flag=True, help="Add the source text of each definition, linked to its nodes."
    )
    locators: bool = option("--locators", is_flag=True, help="Add the source location of each node.")
    result_types: bool = option("--result-types", is_flag=True, help="Add the type of each node.")
    signatures: str = option(
        "--signatures",
        type=click.Choice(["none", "differing", "overloads", "all"], case_sensitive=False),
        default="overloads",
        show_default=True,
        help="Which calls record the operand types of their overload.",
    )
    cache: Path | None = option("--cache", type=FOLDER, help="Folder to cache compiled libraries in.")


@click.command(
    "compile",
    epilog=examples(
        "ecqm compile input/cql --output elm --libraries CONTENT",
        "ecqm compile MyMeasure.cql --annotations --format xml > MyMeasure.xml",
    ),
)
@takes(CompileRequest)
def command(request: CompileRequest) -> None:
    """Compile CQL files, or all CQL files in folders, to ELM.

    One file without --output is written to standard output. Errors and warnings go to standard error, as
    FILE:LINE:COLUMN; exits 1 if there are errors, 2 if a file cannot be read.
    """
    from ecqm.cli.compiling import FileCompiler, Outcome
    from ecqm.cli.progress import progress

    files = _files(request)
    compiler = FileCompiler(request)
    outcomes = []
    with progress("compiling", len(files)) as advance:
        for file in files:
            outcomes.append(compiler.compile(file))
            advance(1, file.name)
    if len(files) > 1:
        click.echo(f"{outcomes.count(Outcome.COMPILED)} of {len(files)} libraries compiled", err=True)
    sys.exit(2 if Outcome.UNREADABLE in outcomes else int(Outcome.ERRORS in outcomes))


def _files(request: CompileRequest) -> Sequence[Path]:
    """The files to compile. Raises UsageError if there are none, or if it is unclear where to write their ELM."""
    from ecqm.language.sources import cql_files

    files = [file for path in request.paths for file in cql_files(path)]
    if not files:
        raise click.UsageError("there is no .cql file in " + ", ".join(map(str, request.paths)))
    if request.output is None and len(files) > 1:
        raise click.UsageError("more than one file: say with --output where to write their ELM")
    written: dict[str, Path] = {}
    for file in files:
        if (other := written.setdefault(file.stem, file)) != file:
            raise click.UsageError(
                f"{other} and {file} have the same name, and so would their ELM: compile one at a time"
            )
    return files
