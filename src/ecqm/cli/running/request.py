"""The arguments of `ecqm run`."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ecqm.cli.contents import ContentOptions
from ecqm.cli.options import (
    data_option,
    format_option,
    measures_option,
    period_option,
    profiles_option,
    relax_versions_option,
)
from ecqm.cli.parameters import group, option

if TYPE_CHECKING:
    from ecqm.bundles.evaluation.batches import Stated
    from ecqm.engine.profiles import ProfileRule
    from ecqm.reporting.results.recording import ResultOptions


class PathOrUrl(click.Path):
    """A local path, or the URL of a file or folder elsewhere (a string)."""

    def convert(self, value: Any, param: click.Parameter | None, context: click.Context | None) -> Any:
        return value if isinstance(value, str) and "://" in value else super().convert(value, param, context)


def _finite(context: click.Context, parameter: click.Parameter, value: float) -> float:
    if not math.isfinite(value):
        raise click.BadParameter(f"{value} is no amount", context, parameter)
    return value


@dataclass(frozen=True)
class RunRequest:
    """The arguments of `ecqm run`. `data` and `output` are local paths, or URLs (strings) on file systems that Spark
    knows."""

    measures: tuple[str, ...] = measures_option()
    data: tuple[Path | str, ...] = data_option(required=True, type=PathOrUrl(path_type=Path))
    content: ContentOptions = group(ContentOptions)
    period: Stated = period_option()
    individual: bool = option(
        "--individual", is_flag=True, help="Also write a MeasureReport per patient, with supplemental data."
    )
    subject_list: bool = option(
        "--subject-list", is_flag=True, help="Also write reports that list the members of every population."
    )
    supplemental_data: bool = option(
        "--supplemental-data", is_flag=True, help="Also count sex, race, ethnicity and payer in every population."
    )
    csv: bool = option("--csv", is_flag=True, help="Also write populations.csv, the rows of populations.parquet.")
    profiles: ProfileRule = profiles_option()
    relax_versions: bool = relax_versions_option()
    allow_missing: bool = option(
        "--allow-missing", is_flag=True, help="Run without value sets that are missing or incomplete."
    )
    jobs: int | None = option(
        "--jobs", type=click.IntRange(1), help="Number of processes; by default the number of cores."
    )
    memory: float = option(
        "--memory",
        type=click.FloatRange(0.25),
        callback=_finite,
        default=4.0,
        show_default=True,
        help="Memory for all processes together, in GiB.",
    )
    spark: str | None = option(
        "--spark",
        metavar="MASTER",
        help="Run on Spark, such as spark://host:7077; stores and results may then be at URLs (hdfs://…, s3a://…).",
    )
    format: str = format_option("table", "json", of="results that are printed; json is run.json")
    output: Path | str = option(
        "--output", required=True, type=PathOrUrl(path_type=Path, file_okay=False), help="Folder for results."
    )

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
        from ecqm.reporting.results.recording import ResultOptions

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
