"""Results of a deck: as a table for people, as JSON, as JUnit XML for build servers."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from io import StringIO
from typing import Any
from xml.sax.saxutils import quoteattr

from ecqm.measures.decks.agreement import CaseResult, MeasureRun

Report = dict[str, Any]

_NOT_OF_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render_deck(report: Report, runs: Sequence[MeasureRun], form: str, width: int) -> str:
    """The report in one of the forms `table` (whose lines have `width` characters at most), `json` and `junit`."""
    if form == "table":
        return _table(report, runs, width)
    return json.dumps(report, indent=2) if form == "json" else _junit(report, runs)


def _table(report: Report, runs: Sequence[MeasureRun], width: int) -> str:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column("measure", overflow="fold")
    counts = ("cases", "agree", "errors", "listed", "strata", "observations", "scores")
    for heading in (*counts, "plan s", "load s", "run s"):
        table.add_column(heading, justify="right", no_wrap=True)
    for measure in report["measures"]:
        seconds = [f"{measure['seconds'].get(step, 0):.2f}" for step in ("plan", "load", "evaluate")]
        table.add_row(measure["measure"], *_counts(measure), *seconds)
    table.add_row("total", *_counts(report["totals"]), "", "", "", style="bold")
    out = StringIO()
    console = Console(file=out, width=width)
    console.print(table)
    for run in runs:
        for result in run.results:
            if not result.passes:
                console.print(_difference(run, result), highlight=False, markup=False, soft_wrap=True)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


def _counts(tally: Report) -> list[str]:
    beside = (tally[name] for name in ("stratifiers", "observations", "scores"))
    counts = [str(tally[name]) for name in ("cases", "agree", "errors", "defects")]
    return counts + [f"{each['agree']}/{each['cases']}" for each in beside]


def _difference(run: MeasureRun, result: CaseResult) -> str:
    where = f"{run.measure} {result.case.name} ({result.case.title or 'no title'})"
    if result.error is not None:
        return f"{where}: {result.error}"
    if result.agree:
        return f"{where}: agrees, but is listed as a defect of the deck; take it off the list"
    told = [
        f"{population.id or population.code} expected {population.expected:g}, is {_actual(population.actual)}"
        for group in result.groups
        for population in group.populations
        if not population.agree
    ]
    told += [
        f"score of {group.id} expected {_shown(group.score.expected)}, is {_shown(group.score.actual)}"
        for group in result.groups
        if not group.score.agree
    ]
    return f"{where}: " + "; ".join(told)


def _shown(score: float | None) -> str:
    return "none" if score is None else f"{score:g}"


def _actual(value: float | None) -> str:
    return "missing" if value is None else f"{value:g}"


def _junit(report: Report, runs: Sequence[MeasureRun]) -> str:
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', "<testsuites>"]
    for run in runs:
        failures = sum(not result.passes for result in run.results)
        errors = sum(result.error is not None for result in run.results)
        lines.append(
            f"  <testsuite name={_attribute(run.measure)} tests={_attribute(str(len(run.results)))}"
            f" failures={_attribute(str(failures - errors))} errors={_attribute(str(errors))}>"
        )
        for result in run.results:
            name = _attribute(result.case.title or result.case.name)
            lines.append(f"    <testcase classname={_attribute(run.measure)} name={name}>")
            if not result.passes:
                kind = "error" if result.error is not None else "failure"
                lines.append(f"      <{kind} message={_attribute(_difference(run, result))}/>")
            lines.append("    </testcase>")
        lines.append("  </testsuite>")
    lines.append("</testsuites>")
    return "\n".join(lines)


def _attribute(text: str) -> str:
    """A text as an attribute, without the characters that XML has not."""
    return quoteattr(_NOT_OF_XML.sub("\ufffd", text))
