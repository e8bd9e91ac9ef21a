"""`ecqm bundle`: the store of annual measure specifications. Each of its commands is a module of this package."""

from __future__ import annotations

import click

from ecqm.cli.bundle.add import add
from ecqm.cli.bundle.export import export
from ecqm.cli.bundle.releases import list_releases
from ecqm.cli.bundle.specifications import list_specifications, show
from ecqm.cli.bundle.verify import verify


@click.group("bundle")
def command() -> None:
    """Store measure specifications by reporting year, measure and version."""


for each in (add, list_specifications, list_releases, show, export, verify):
    command.add_command(each)
