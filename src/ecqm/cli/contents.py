"""Opening measure content for a command."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from ecqm.bundles.content import Content

_PROBLEMS_SHOWN = 20


manifest_option = click.option(
    "--manifest", metavar="NAME", help="Which versions of value sets count: a manifest of CONTENT, or a file of one."
)


def open_content(
    path: Path, libraries: Sequence[Path] = (), valuesets: Sequence[Path] = (), manifest: str | None = None
) -> Content:
    """The content at a path; what of it cannot be used is told on standard error. Raises ContentError."""
    from ecqm.bundles.content import Content

    content = Content.open(path, libraries, valuesets)
    if manifest is not None:
        content.pin(manifest)
    for problem in content.problems[:_PROBLEMS_SHOWN]:
        click.echo(f"ecqm: warning: {problem}", err=True)
    if len(content.problems) > _PROBLEMS_SHOWN:
        click.echo(f"ecqm: warning: … {len(content.problems) - _PROBLEMS_SHOWN} more such problems", err=True)
    return content
