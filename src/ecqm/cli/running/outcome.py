"""The output of `ecqm run` for the user: reasons not to start, the table of results, and remarks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

from ecqm.bundles.evaluation.selection import PlannedMeasures
from ecqm.cli.terminal import table_width
from ecqm.data import DataProblem
from ecqm.reporting.results.outcomes import outcome_rows, outcome_table
from ecqm.reporting.results.parts import Part
from ecqm.reporting.results.run import MeasureOutcome, RunOutput

_FILES_SHOWN = 5
_DECISIONS_SHOWN = 10


def require_complete(selection: PlannedMeasures, allow_missing: bool) -> None:
    """Raises ClickException if no measure could be planned or, unless allowed, if value sets are missing."""
    if not selection.plans:
        reasons = [f"{name}: {reason}" for name, reason in selection.not_planned.items()]
        raise click.ClickException("\n".join(reasons) or "there is no measure in the content")
    if selection.missing and not allow_missing:
        lines = [f"  {missing}" for missing in selection.missing]
        raise click.ClickException(
            f"{'1 value set is' if len(lines) == 1 else f'{len(lines)} value sets are'} missing or incomplete; add "
            "complete expansions with --valuesets, or run without them with --allow-missing:\n" + "\n".join(lines)
        )


def show(output: RunOutput, outcomes: Sequence[MeasureOutcome], refused: Sequence[str], form: str) -> None:
    """Print the results as a table or as run.json, and remarks on standard error.

    `refused` says which data could not be evaluated at all, and why.
    """
    click.echo((output.folder / "run.json").read_text("utf-8").rstrip() if form == "json" else _table(outcomes))
    for line in (*_decisions(outcomes), *_remarks(output, refused)):
        click.echo(f"ecqm: {line}", err=True)


def _table(outcomes: Sequence[MeasureOutcome]) -> str:
    rows = (row for each in outcomes for row in outcome_rows(each.measure.name, each.groups, each.scores))
    return outcome_table(rows, table_width())


def _decisions(outcomes: Sequence[MeasureOutcome]) -> Iterator[str]:
    """What the measures leave open, and how it was taken."""
    told = [decision for each in outcomes if each.plan is not None for decision in each.plan.decisions]
    yield from (f"warning: {decision}" for decision in told[:_DECISIONS_SHOWN])
    if len(told) > _DECISIONS_SHOWN:
        yield f"warning: and {len(told) - _DECISIONS_SHOWN:,} more about the measures, see run.json"


def _remarks(output: RunOutput, refused: Sequence[str]) -> Iterator[str]:
    total = output.total
    errors = f"{output.name}/errors.json"
    for name, reason in total.not_run.items():
        yield f"measure {name} was not run: {reason}"
    yield from refused
    if refused:
        yield (
            "restore damaged files, or load the data again; then start the same run again to evaluate only what could "
            "not be read"
        )
    for notice in output.selection.notices:
        yield f"warning: {notice}"
    for missing in output.selection.missing:
        yield f"warning: value set {missing}"
    if total.n_failed:
        yield f"{total.n_failed:,} evaluations of patients failed, see {errors}"
    yield from _of_files(total)
    if total.n_problems:
        are = "is 1 problem" if total.n_problems == 1 else f"are {total.n_problems:,} problems"
        yield f"there {are} with the data, see {errors}"
    if not total.patients and not refused:
        yield "there are no patients in the data (QDM patients can only be used with QDM measures)"


def _of_files(total: Part) -> Iterator[str]:
    """Problems of whole files: most of the other problems may come of these."""
    told = [str(problem) for each in total.problems if (problem := DataProblem(**each)).of_file]
    yield from told[:_FILES_SHOWN]
    if len(told) > _FILES_SHOWN:
        yield f"and {len(told) - _FILES_SHOWN:,} more files"
