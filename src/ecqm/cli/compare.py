"""`ecqm compare`: what differs between the results of two runs."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path

import click

from ecqm.cli.examples import examples
from ecqm.cli.options import FILE, format_option
from ecqm.cli.parameters import argument, option, takes
from ecqm.cli.terminal import table_width

# Commands import what they need when they run, to keep --help fast.

_RESULTS = click.Path(path_type=Path, exists=True, file_okay=False)


@dataclass(frozen=True)
class CompareRequest:
    """The arguments of `ecqm compare`."""

    before: Path = argument(type=_RESULTS)
    after: Path = argument(type=_RESULTS)
    format: str = format_option("table", "json", of="comparison")
    changes: Path | None = option(
        "--changes",
        type=FILE,
        help="CSV file to write, with a row for each patient or episode and population or observation that differs.",
    )


@click.command(
    "compare",
    epilog=examples(
        "ecqm compare out-2025 out-2026",
        "ecqm compare out-2025 out-2026 --changes changes.csv",
    ),
)
@takes(CompareRequest)
def command(request: CompareRequest) -> None:
    """Show what differs between the results of two runs, which are the output folders of `ecqm run`.

    For each population, how many patients (or episodes) it had before and after, how many came and went, and the ids of
    some: `ecqm explain` says why. For observations also how many have another value. Then the scores, and the measures,
    groups and patients that only one run has. Measures are matched by name, or by CMS id if their names differ.

    Exits with 0 if nothing differs, with 1 if something does, and with 2 if it could not run.
    """
    import pyarrow.csv

    from ecqm.reporting.results.comparison import RunRows, compare
    from ecqm.reporting.results.comparison_rendering import comparison_json, comparison_text

    found = compare(RunRows.read(request.before), RunRows.read(request.after))
    if request.format == "json":
        click.echo(json.dumps(comparison_json(found), indent=2))
    else:
        click.echo(comparison_text(found, table_width()))
    if request.changes is not None:
        pyarrow.csv.write_csv(found.changes, request.changes)
    sys.exit(0 if found.equal else 1)
