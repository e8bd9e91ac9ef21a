"""`ecqm bundle list` and `ecqm bundle show`: what is in the store."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ecqm.cli.bundle.store import open_store, store_option, stored_measure_option, version_option, year_option
from ecqm.cli.options import format_option
from ecqm.cli.parameters import argument, takes

if TYPE_CHECKING:
    from ecqm.bundles.specifications.specification import Specification


@dataclass(frozen=True)
class ListRequest:
    """The arguments of `ecqm bundle list`."""

    measure: str | None = stored_measure_option()
    year: int | None = year_option()
    store: Path | None = store_option()
    format: str = format_option("table", "json", of="list")


@dataclass(frozen=True)
class ShowRequest:
    """The arguments of `ecqm bundle show`."""

    measure: str = argument()
    year: int | None = year_option()
    version: str | None = version_option()
    store: Path | None = store_option()
    format: str = format_option("table", "json", of="list")


@click.command("list")
@takes(ListRequest)
def list_specifications(request: ListRequest) -> None:
    """List the specifications in the store."""
    store = open_store(request.store)
    found = store.matching(request.measure, request.year)
    if request.format == "json":
        click.echo(json.dumps(list(map(_summary, found)), indent=2))
    elif found:
        click.echo(_table(found))
    else:
        which = "no such specification" if request.measure or request.year else "no specifications yet"
        click.echo(f"ecqm: {store.root} has {which}; `ecqm bundle add` adds them", err=True)


@click.command("show")
@takes(ShowRequest)
def show(request: ShowRequest) -> None:
    """Show one specification with its parts."""
    found = open_store(request.store).find(request.measure, request.year, request.version)
    if request.format == "json":
        parts = [{"part": str(part), "sha256": part.sha256, "size": part.size} for part in found.parts]
        click.echo(json.dumps(_summary(found) | {"parts": parts}, indent=2))
        return
    click.echo(f"{found}\n  {found.url}\n  hash  {found.content_hash}\n  added {found.added} from {found.origin}")
    for part in found.parts:
        click.echo(f"  {part.sha256[:12]}  {part.size:>9}  {part}")
    for missing in found.missing:
        click.echo(f"  missing: {missing}")


def _table(specifications: Sequence[Specification]) -> str:
    rows = [("year", "measure", "version", "hash", "added")]
    rows += [(str(of.year), of.measure, of.version, of.content_hash[:12], of.added) for of in specifications]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)


def _summary(specification: Specification) -> dict[str, Any]:
    return {
        "year": specification.year,
        "measure": specification.measure,
        "version": specification.version,
        "url": specification.url,
        "hash": specification.content_hash,
        "added": specification.added,
        "origin": specification.origin,
        "missing": list(specification.missing),
    }
