"""The arguments of `ecqm test`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ecqm.bundles.evaluation.planning import LibraryForm
from ecqm.engine.profiles import ProfileRule


@dataclass(frozen=True)
class DeckRequest:
    """The options of `ecqm test` by their names on the command line; `source` is --from, `form` is --format."""

    content: Path
    measures: tuple[str, ...]
    tests: Path | None
    libraries: tuple[Path, ...]
    valuesets: tuple[Path, ...]
    manifest: str | None
    source: LibraryForm
    profiles: ProfileRule
    relax_versions: bool
    defects: Path | None
    form: str
    output: Path | None
    html: Path | None
