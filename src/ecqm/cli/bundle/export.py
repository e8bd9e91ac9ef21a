"""`ecqm bundle export`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click

from ecqm.cli.bundle.store import open_store, store_option, version_option, year_option
from ecqm.cli.options import FOLDER, measures_option
from ecqm.cli.parameters import argument, takes


@dataclass(frozen=True)
class ExportRequest:
    """The arguments of `ecqm bundle export`."""

    output: Path = argument(type=FOLDER)
    measures: tuple[str, ...] = measures_option()
    year: int | None = year_option()
    version: str | None = version_option()
    store: Path | None = store_option()


@click.command("export")
@takes(ExportRequest)
def export(request: ExportRequest) -> None:
    """Write specifications to the folder OUTPUT, which can then be used as CONTENT of other commands."""
    store, output = open_store(request.store), request.output
    chosen = [store.find(name, request.year, request.version) for name in request.measures]
    chosen = chosen or store.matching(None, request.year, request.version)
    if not chosen:
        raise click.ClickException(f"{store.root} has no such specification; add measures with ecqm bundle add")
    if output.is_dir() and any(output.iterdir()):
        raise click.ClickException(f"{output} is not empty")
    parts = store.export(chosen, output)
    click.echo(f"{output}: {', '.join(map(str, chosen))}; {parts} files")
