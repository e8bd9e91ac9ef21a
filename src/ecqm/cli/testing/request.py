"""The arguments of `ecqm test`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ecqm.cli.contents import ContentOptions
from ecqm.cli.options import (
    EXISTING_FILE,
    FOLDER,
    format_option,
    measures_option,
    output_option,
    profiles_option,
    relax_versions_option,
    tests_option,
)
from ecqm.cli.parameters import group, option

if TYPE_CHECKING:
    from ecqm.bundles.evaluation.planning import LibraryForm
    from ecqm.engine.profiles import ProfileRule


@dataclass(frozen=True)
class DeckRequest:
    """The arguments of `ecqm test`; `source` is --from."""

    measures: tuple[str, ...] = measures_option()
    tests: Path | None = tests_option()
    content: ContentOptions = group(ContentOptions)
    source: LibraryForm = option(
        "--from",
        type=click.Choice(["elm", "cql"]),
        default="elm",
        show_default=True,
        help="Evaluate the published ELM, or compile the CQL.",
    )
    profiles: ProfileRule = profiles_option()
    relax_versions: bool = relax_versions_option()
    defects: Path | None = option(
        "--defects", type=EXISTING_FILE, help="TOML list of expectations that are known to be wrong."
    )
    format: str = format_option("table", "json", "junit", of="results; junit for build servers")
    output: Path | None = output_option()
    html: Path | None = option("--html", type=FOLDER, help="Folder to write web pages to.")
