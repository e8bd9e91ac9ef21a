"""`ecqm bundle verify`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ecqm.cli.bundle.store import open_store, store_option, version_option, year_option
from ecqm.cli.options import EXISTING, libraries_option, valuesets_option
from ecqm.cli.parameters import argument, option, takes

if TYPE_CHECKING:
    from ecqm.bundles.content import Content
    from ecqm.bundles.specifications.specification import Specification
    from ecqm.bundles.specifications.store import SpecificationStore


@dataclass(frozen=True)
class VerifyRequest:
    """The arguments of `ecqm bundle verify`."""

    measure: str | None = argument(required=False)
    year: int | None = year_option()
    version: str | None = version_option()
    store: Path | None = store_option()
    content: Path | None = option("--content", type=EXISTING, help="Compare what is stored with this content.")
    libraries: tuple[Path, ...] = libraries_option()
    valuesets: tuple[Path, ...] = valuesets_option()


@click.command("verify", short_help="Check that specifications are unchanged.")
@takes(VerifyRequest)
def verify(request: VerifyRequest) -> None:
    """Check that specifications are as they were when added, and with --content that they equal what it holds.

    Exits with 0 if they are, with 1 if not.
    """
    from ecqm.bundles.content import Content

    store = open_store(request.store)
    chosen = store.matching(request.measure, request.year, request.version)
    if request.measure is not None and not chosen:
        store.find(request.measure, request.year, request.version)
    against = None
    if request.content is not None:
        against = Content.open(request.content, request.libraries, request.valuesets)
    drifted = False
    for specification in chosen:
        problems = _problems(store, specification, against)
        drifted |= bool(problems)
        click.echo(f"{specification}  {specification.content_hash[:12]}  {'differs' if problems else 'ok'}")
        for problem in problems:
            click.echo(f"  {problem}", err=True)
    sys.exit(1 if drifted else 0)


def _problems(store: SpecificationStore, specification: Specification, against: Content | None) -> Sequence[str]:
    """What changed in a specification; of one that did not change, how it differs from content."""
    problems = store.verify(specification).problems
    if problems or against is None:
        return problems
    try:
        return store.compare(specification, against).problems
    except LookupError as error:
        return (str(error),)
