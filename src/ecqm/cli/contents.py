"""Opening measure content for a command."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ecqm.cli.options import content_argument, libraries_option, valuesets_option
from ecqm.cli.parameters import option
from ecqm.cli.terminal import warn, warn_of_some

if TYPE_CHECKING:
    from ecqm.bundles.content import Content
    from ecqm.measures.definition import Measure

_PROBLEMS_SHOWN = 20


@dataclass(frozen=True)
class ContentOptions:
    """CONTENT, and what is added to it or chosen in it."""

    path: Path = content_argument()
    libraries: tuple[Path, ...] = libraries_option()
    valuesets: tuple[Path, ...] = valuesets_option()
    manifest: str | None = option(
        "--manifest", metavar="NAME", help="Versions of value sets to use: a manifest in CONTENT, or a file."
    )

    def open(self, unpacked: Path | None = None) -> Content:
        """The content, see `open_content`; `unpacked` is the folder that it was unpacked into, if it is an archive."""
        content = open_content(unpacked or self.path, self.libraries, self.valuesets, self.path)
        if self.manifest is not None:
            content.pin(self.manifest)
        return content


def open_content(
    path: Path, libraries: Sequence[Path] = (), valuesets: Sequence[Path] = (), called: Path | None = None
) -> Content:
    """The content at a path, which messages call as `Content.open` says; problems are written to standard error.

    Raises ContentError, ClickException if there are no measures.
    """
    from ecqm.bundles.content import Content

    content = Content.open(path, libraries, valuesets, called)
    instead = "" if len(content.measures) else _instead_of_measures(path)
    if instead:
        raise click.ClickException(f"{called or path} has no measures: {instead}")
    warn_of_some(content.problems, _PROBLEMS_SHOWN, "such problems")
    if not len(content.measures):
        raise click.ClickException(f"{called or path} has no measures")
    return content


def _instead_of_measures(path: Path) -> str:
    """What there is at a path without measures, if it is something that users confuse with content."""
    from ecqm.bundles.packages.content import package_files
    from ecqm.data.store.store import is_store

    if is_store(path):
        return "it is a cohort store, which holds patients (--data)"
    below = sorted(each for each in path.iterdir() if each.is_dir()) if path.is_dir() else []
    decks = [str(each) for each in below if package_files(each)]
    return f"name one of its folders with QDM packages ({', '.join(decks)})" if decks else ""


def measures_of(content: Content, names: Sequence[str]) -> list[Measure]:
    """The measures named, or all; notices on versions are written to standard error. Raises MeasureNotFound."""
    chosen = content.select(names)
    for notice in content.notices:
        warn(notice)
    return chosen
