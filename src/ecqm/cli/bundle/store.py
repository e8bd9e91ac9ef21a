"""Options for the store of specifications, and for choosing among its specifications."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ecqm.cli.options import FOLDER
from ecqm.cli.parameters import option

if TYPE_CHECKING:
    from ecqm.bundles.specifications.store import SpecificationStore

store_option = partial(
    option,
    "--store",
    type=FOLDER,
    help="Folder of the store; by default $ECQM_STORE, or the folder for data of users.",
)
year_option = partial(option, "--year", type=click.IntRange(2000, 2999), metavar="YEAR", help="Reporting year.")
version_option = partial(option, "--version", metavar="VERSION", help="Version of the measure.")
stored_measure_option = partial(option, "--measure", metavar="NAME", help="Only this measure, by CMS id or name.")


def open_store(store: Path | None) -> SpecificationStore:
    """The store in a folder, or the default one."""
    from ecqm.bundles.specifications.store import SpecificationStore, default_store

    return SpecificationStore(store or default_store())
