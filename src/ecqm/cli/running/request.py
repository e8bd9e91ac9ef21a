"""The arguments of `ecqm run`."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

import click

from ecqm.bundles.evaluation.batches import Stated
from ecqm.engine.profiles import ProfileRule
from ecqm.reporting.results.recording import ResultOptions


@dataclass(frozen=True)
class RunRequest:
    """The options of `ecqm run` by their names on the command line; `stated` is --period, `form` is --format.

    `data` and `output` are local paths, or URLs (strings) on file systems that Spark knows.
    """

    content: Path
    measures: tuple[str, ...]
    data: tuple[Path | str, ...]
    libraries: tuple[Path, ...]
    valuesets: tuple[Path, ...]
    manifest: str | None
    stated: Stated
    individual: bool
    subject_list: bool
    supplemental_data: bool
    csv: bool
    profiles: ProfileRule
    relax_versions: bool
    allow_missing: bool
    jobs: int | None
    memory: float
    spark: str | None
    form: str
    output: Path | str

    def __post_init__(self) -> None:
        """Raises UsageError for a URL without Spark."""
        urls = (place for place in (*self.data, self.output) if isinstance(place, str))
        if self.spark is None and (url := next(urls, None)) is not None:
            raise click.UsageError(f"{url}: URLs can be used with --spark only")

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the measures; empty for all."""
        return () if "all" in self.measures else self.measures

    @property
    def results(self) -> ResultOptions:
        """The results that are written only on request."""
        return ResultOptions(self.individual, self.subject_list, self.supplemental_data, self.csv)

    @property
    def processes(self) -> int:
        """How many processes evaluate at once."""
        return self.jobs or os.cpu_count() or 1

    @property
    def share(self) -> int:
        """The memory of each process, in bytes."""
        return int(self.memory * 2**30) // self.processes

    @property
    def paths(self) -> tuple[Path, ...]:
        """The data at local paths."""
        return tuple(place for place in self.data if isinstance(place, Path))

    @property
    def urls(self) -> tuple[str, ...]:
        """The data at URLs."""
        return tuple(place for place in self.data if isinstance(place, str))

    def with_absolute_paths(self) -> RunRequest:
        """The same request for machines whose working directory is another."""
        return replace(self, data=tuple(map(_absolute, self.data)), output=_absolute(self.output))


def _absolute(place: Path | str) -> Path | str:
    return place.absolute() if isinstance(place, Path) else place
