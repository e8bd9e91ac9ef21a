"""`ecqm convert`: QDM patients from JSON to QRDA Category I and back."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import click

from ecqm.cli.examples import examples
from ecqm.cli.options import EXISTING, period_option
from ecqm.cli.parameters import argument, option, takes

# Commands import what they need when they run, to keep --help fast.

_SHOWN_OF_NOTHING = 5


@dataclass(frozen=True)
class ConvertRequest:
    """The arguments of `ecqm convert`; `form` is --to."""

    source: Path = argument(type=EXISTING)
    form: str = option("--to", type=click.Choice(["qrda1", "json"]), required=True, help="Form to write.")
    output: Path | None = option(
        "--output", type=click.Path(path_type=Path), help="File to write, or folder if there are several patients."
    )
    period: tuple[str, str] | tuple[None, None] = period_option(help="Reporting period to write into QRDA documents.")
    measures: tuple[UUID, ...] = option(
        "--measure",
        metavar="UUID",
        type=click.UUID,
        multiple=True,
        help="Measure that QRDA documents are for, by its version-specific identifier (may be repeated).",
    )


@click.command(
    "convert",
    epilog=examples(
        "ecqm convert PATIENTS --to qrda1 --period 2026 --output documents",
        "ecqm convert documents.zip --to json --output patients",
    ),
)
@takes(ConvertRequest)
def command(request: ConvertRequest) -> None:
    """Convert the QDM patients of SOURCE, a file, a folder or a zip archive of JSON or QRDA I documents.

    Standard error lists what was not understood, what the other form cannot express, and what does not read back
    equal. Exits with 0 if nothing is lost, with 1 if something is, and with 2 if there are no patients.
    """
    from ecqm.cli.converting import Conversion
    from ecqm.data import DataError

    conversion = Conversion(request)
    conversion.run()
    findings = conversion.findings
    for finding in findings if conversion.converted else findings[:_SHOWN_OF_NOTHING]:
        click.echo(finding, err=True)
    if not conversion.converted:
        raise DataError(f"{request.source} has no QDM patients")
    _write(conversion.converted, request.output)
    sys.exit(1 if findings else 0)


def _write(converted: Mapping[str, bytes], output: Path | None) -> None:
    """Write documents by the names of their files: one to a file or standard output, several to a folder."""
    (alone, *others) = converted.values()
    if output is None:
        if others:
            raise click.ClickException(f"there are {len(converted)} patients: name a folder with --output")
        click.echo(alone.decode())
    elif not others and not output.is_dir():
        output.write_bytes(alone)
    else:
        for name, document in converted.items():
            (output / name).parent.mkdir(parents=True, exist_ok=True)
            (output / name).write_bytes(document)
