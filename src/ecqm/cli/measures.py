"""`ecqm measures`: the measures of a content."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import click

from ecqm.cli.examples import examples
from ecqm.cli.options import content_argument, format_option, measures_option, tests_option
from ecqm.cli.parameters import takes

# Commands import what they need when they run, to keep --help fast.


@dataclass(frozen=True)
class MeasuresRequest:
    """The arguments of `ecqm measures`."""

    content: Path = content_argument()
    measures: tuple[str, ...] = measures_option()
    tests: Path | None = tests_option()
    format: str = format_option("table", "json", of="list")


@click.command(
    "measures",
    epilog=examples(
        "ecqm measures CONTENT",
        "ecqm measures CONTENT --measure CMS122 --format json",
        "ecqm measures MEASURE.zip --tests CASES.zip",
    ),
)
@takes(MeasuresRequest)
def command(request: MeasuresRequest) -> None:
    """List the measures of CONTENT.

    For each measure: its CMS id, name and version, any of which --measure of other commands takes; how it is scored;
    what it counts (patients, or the type of its episodes); the number of its test cases; and its title. A narrow
    terminal has fewer columns; JSON has all, and also the URL, the effective period and the groups.
    """
    from ecqm.bundles.packages.content import package_files
    from ecqm.cli.listing import content_measures, package_measures, table_of_measures
    from ecqm.cli.terminal import table_width

    listed = (package_measures if package_files(request.content) else content_measures)(
        request.content, request.tests, request.measures
    )
    if request.format == "json":
        click.echo(json.dumps([each.to_json() for each in listed], indent=2))
    else:
        click.echo(table_of_measures(listed, table_width()))
