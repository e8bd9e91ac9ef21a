"""`ecqm bundle add`."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import click

from ecqm.cli.bundle.store import open_store, store_option, year_option
from ecqm.cli.options import content_argument, libraries_option, measures_option, valuesets_option
from ecqm.cli.parameters import option, takes


@dataclass(frozen=True)
class AddRequest:
    """The arguments of `ecqm bundle add`."""

    content: Path = content_argument()
    measures: tuple[str, ...] = measures_option()
    libraries: tuple[Path, ...] = libraries_option()
    valuesets: tuple[Path, ...] = valuesets_option()
    year: int | None = year_option()
    store: Path | None = store_option()
    replace: bool = option("--replace", is_flag=True, help="Replace a specification that is stored with other content.")
    allow_missing: bool = option(
        "--allow-missing",
        is_flag=True,
        help="Add measures even if libraries or value sets are missing, and list these.",
    )


@click.command("add", short_help="Add the measures of CONTENT.")
@takes(AddRequest)
def add(request: AddRequest) -> None:
    """Add the measures of CONTENT (a content repository, FHIR Bundle, zip or folder) to the store.

    Exits with 0 if all were added, with 1 if not.
    """
    from ecqm.cli.contents import measures_of, open_content

    store = open_store(request.store)
    content = open_content(request.content, request.libraries, request.valuesets)
    failed = False
    for measure in measures_of(content, request.measures):
        try:
            added = store.add(content, measure, request.year, request.replace, request.allow_missing)
        except (ValueError, LookupError) as error:
            failed = True
            click.echo(f"ecqm: {error}", err=True)
            continue
        click.echo(f"{added}  {added.content_hash[:12]}  {len(added.parts)} parts")
        for missing in added.missing:
            click.echo(f"  missing: {missing}", err=True)
    sys.exit(1 if failed else 0)
