"""QDM measure packages in the commands that take content of either kind."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, NoReturn

import click

if TYPE_CHECKING:
    from ecqm.measures.definition import Measure


def run_packages(
    content: Path,
    valuesets: Sequence[Path],
    names: Sequence[str],
    data: Sequence[Path],
    stated: tuple[str | None, str | None],
    asked: tuple[bool, bool, bool],
    allow_missing: bool,
    form: str,
    output: Path,
) -> NoReturn:
    """`ecqm run` of QDM measures: what is written, told and exited with is as of FHIR measures.

    `asked` is for individual reports, subject lists and supplemental data within populations.
    """
    from ecqm import __version__
    from ecqm.bundles.packages.content import PackageContent, evaluate_packages, select_packages
    from ecqm.cli.progress import progress
    from ecqm.cli.run import check, table_of, tell
    from ecqm.operators.message import telling
    from ecqm.reporting.run import RunOutput

    started = perf_counter()
    individual, subject_list, supplemental_data = asked
    opened = PackageContent.open(content, valuesets)
    with progress("planning", len(opened.select(names))) as advance:
        selection: Any = select_packages(opened, names, lambda measure: advance(1, measure.name))
    check(selection, allow_missing)
    planned = perf_counter()
    with RunOutput(output, selection, stated, individual, subject_list, None, supplemental_data) as writer:
        with progress("evaluating", len(selection.plans)) as advance, telling(writer.tell):

            def watch(measure: Measure) -> None:
                advance(1, measure.name)

            batch = evaluate_packages(selection, data, stated, individual, watch, supplemental_data)
        evaluated = perf_counter()
        writer.add(batch)
        seconds = {
            "plan": planned - started,
            "load": batch.load_seconds,
            "evaluate": evaluated - planned - batch.load_seconds,
            "write": perf_counter() - evaluated,
        }
        outcomes = writer.finish(
            {
                "engine": {"name": "ecqm", "version": __version__},
                "content": str(content),
                "data": [str(path) for path in data],
                "content_problems": opened.problems,
                "model": f"QDM {selection.version}",
                "hashes": dict(selection.content.hashes()),
                "seconds": {step: round(taken, 3) for step, taken in seconds.items()},
            }
        )
    click.echo((output / "run.json").read_text("utf-8").rstrip() if form == "json" else table_of(outcomes))
    tell(writer, ())
    sys.exit(2 if writer.total.not_run else 0)
