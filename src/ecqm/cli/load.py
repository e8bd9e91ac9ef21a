"""`ecqm load`: FHIR data into a cohort store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ecqm.cli.contents import libraries_option, valuesets_option
from ecqm.cli.examples import examples
from ecqm.cli.formats import format_option

if TYPE_CHECKING:
    from ecqm.data import Demand
    from ecqm.data.loading.load import Watcher

# Commands import what they need when they run, to keep --help fast.

_PROBLEMS_SHOWN = 20


@click.command(
    "load",
    epilog=examples(
        "ecqm load EXPORT --output STORE --content CONTENT",
        "ecqm load NIGHT/manifest.json --output STORE --append",
    ),
)
@click.argument("data", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
@click.option(
    "--output", required=True, type=click.Path(path_type=Path, file_okay=False), help="Folder of the cohort store."
)
@click.option(
    "--content",
    type=click.Path(path_type=Path, exists=True),
    help="Measures to prepare columns for; by default, every element gets one.",
)
@click.option(
    "--measure", "measures", multiple=True, metavar="NAME", help="Only this measure of --content (may be repeated)."
)
@libraries_option
@valuesets_option
@click.option("--append", is_flag=True, help="Update a store: add new, replace changed and remove deleted resources.")
@click.option("--replace-patient", is_flag=True, help="Update a store, replacing all data of the patients in DATA.")
@click.option(
    "--offset", metavar="OFFSET", default="+00:00", show_default=True, help="UTC offset of date-times that have none."
)
@click.option("--jobs", type=click.IntRange(1), help="Number of processes; by default the number of cores.")
@format_option("table", "json", of="report")
def command(
    data: tuple[Path, ...],
    output: Path,
    content: Path | None,
    measures: tuple[str, ...],
    libraries: tuple[Path, ...],
    valuesets: tuple[Path, ...],
    append: bool,
    replace_patient: bool,
    offset: str,
    jobs: int | None,
    form: str,
) -> None:
    """Load DATA (bulk exports, bundles, folders of resources; plain, .gz, .zst or in a .zip) into a cohort store.

    A bulk export is a folder of NDJSON files, or the manifest that the server returned for it (JSON with
    transactionTime and output) with all files that it names beside it. With --append, resources that it lists as
    deleted are removed. Errors that it lists are reported.

    Every element of every resource is kept; what the measures of --content need is also prepared as columns. A load
    that was interrupted continues when it is started again. Exits with 2 if it could not run.
    """
    import json
    import os

    from ecqm.cli.failures import resumable
    from ecqm.data import EVERYTHING
    from ecqm.data.loading.load import load
    from ecqm.data.store.store import is_store

    if measures and content is None:
        raise click.UsageError("--measure needs --content")
    if stores := [path for path in data if is_store(path)]:
        raise click.ClickException(f"{stores[0]} is a cohort store already; `ecqm run` takes it as --data")
    opened = None if content is None else _Installed(content, measures, libraries, valuesets)
    demand = EVERYTHING if opened is None else opened.demand()
    with _watching() as watcher, resumable("the store"):
        manifest = load(
            data,
            output,
            demand,
            default_offset=_minutes(offset),
            jobs=jobs or os.cpu_count() or 1,
            append=append,
            replace_patients=replace_patient,
            watcher=watcher,
        )
    report = manifest.report
    if opened is not None:
        report |= opened.unknown_codes(output)
    click.echo(json.dumps(report, indent=2) if form == "json" else _table(report))


class _Installed:
    """The measures that a store is loaded for."""

    def __init__(
        self, content: Path, measures: tuple[str, ...], libraries: tuple[Path, ...], valuesets: tuple[Path, ...]
    ) -> None:
        from ecqm.bundles.specifications.specification import with_logic
        from ecqm.cli.contents import measures_of, open_content

        self.content = open_content(content, libraries, valuesets)
        self.measures = with_logic(self.content, measures_of(self.content, measures))

    def demand(self) -> Demand:
        """The elements that the measures use, in resources of any type; a measure that cannot be planned is reported
        and left out."""
        from ecqm.bundles.evaluation.planning import Planner
        from ecqm.bundles.evaluation.selection import CannotPlan
        from ecqm.data import Demand

        planner = Planner(self.content)
        demand = Demand.of(None, ())
        for measure in list(self.measures):
            try:
                demand |= planner.plan(measure).demand
            except CannotPlan as error:
                self.measures.remove(measure)
                click.echo(f"ecqm: warning: no columns for {measure.name}: {error}", err=True)
        return demand

    def unknown_codes(self, store: Path) -> dict[str, int]:
        """How many codes the store has, and how many of them are in no value set of the measures."""
        from ecqm.data.store.store import open_store

        value_sets = {name for measure in self.measures for name in self.content.closure(measure).value_sets()}
        known = {
            code
            for name in value_sets
            if (found := self.content.value_sets.find(name)) is not None
            for code in found.codes
        }
        codes = {code for shard in open_store(store).shards for code in shard.codes()}
        return {"codes": len(codes), "codes_outside_value_sets": len(codes - known)}


def _minutes(offset: str) -> int:
    """`-05:00` as minutes east of UTC."""
    import re

    from ecqm.values.temporal import LARGEST_OFFSET

    found = re.fullmatch(r"([+-])(\d\d):(\d\d)", offset)
    minutes = int(found[2]) * 60 + int(found[3]) if found is not None else None
    if found is None or minutes is None or minutes > LARGEST_OFFSET or int(found[3]) > 59:
        raise click.UsageError(f"--offset is written ±hh:mm, up to 14:00, not {offset!r}")
    return -minutes if found[1] == "-" else minutes


@contextmanager
def _watching() -> Iterator[Watcher]:
    """A progress bar, only on a terminal: how much of the input is sorted, then how many shards are built."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        yield _Bar(bar)


class _Bar:
    """Shows the two halves of a load; the bytes that are built are estimated by the number of shards."""

    def __init__(self, bar: Any) -> None:
        self._bar = bar
        self._sorting = bar.add_task("reading", total=None)
        self._building = bar.add_task("building", total=None, visible=False)
        self._size = 0

    def sorted(self, size: int, total: int) -> None:
        self._size += size
        self._bar.update(self._sorting, advance=size, total=max(total, self._size))

    def built(self, shards: int) -> None:
        self._bar.update(self._sorting, total=self._size, completed=self._size)
        self._bar.update(self._building, visible=True, total=self._size, advance=self._size / shards)


def _table(report: dict[str, Any]) -> str:
    from ecqm.data import DataProblem

    lines = [f"{report['patients']:>12,} patients, {report['patients_without_birth_date']:,} without birth date"]
    lines += [f"{count:>12,} {name}" for name, count in report["resources"].items()]
    if report["resources_without_patient"]:
        shared = ", ".join(f"{count:,} {name}" for name, count in report["resources_without_patient"].items())
        lines.append(f"{'':>12} without a patient: {shared} (those that patients refer to are counted above for each)")
    lines.append(f"{report['bytes'] / 1e6:>12,.1f} MB of JSON in {report['files']:,} files")
    lines += [f"{'':>12} export of {each['transactionTime']} ({each['manifest']})" for each in report["exports"]]
    lines += [
        f"{count:>12,} references of {name} that lead nowhere" for name, count in report["dangling_references"].items()
    ]
    if "codes" in report:
        unknown = report["codes_outside_value_sets"]
        lines.append(f"{report['codes']:>12,} codes, {unknown:,} of them in no value set of the measures")
    lines.append(f"{report['problems']:>12,} problems")
    problems = [DataProblem(**problem) for problem in report["listed"]]
    shown = sorted(problems, key=lambda problem: not problem.of_file)[:_PROBLEMS_SHOWN]
    lines += [f"  {problem}" for problem in shown]
    if report["problems"] > _PROBLEMS_SHOWN:
        lines.append("  … all of them with --format json")
    return "\n".join(lines)
