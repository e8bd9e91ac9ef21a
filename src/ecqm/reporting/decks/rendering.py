"""Results of a deck: as a table for people, as JSON, as JUnit XML for build servers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from xml.sax.saxutils import quoteattr

from ecqm.measures.decks.agreement import MeasureRun
from ecqm.reporting.decks.differences import differences_beside, failure, failures
from ecqm.reporting.tables import table_text

Report = dict[str, Any]

# Columns of the table; those of the second line are left out if no measure has such cases.
_ALWAYS = ("cases", "agree", "errors")
_IF_ANY = ("defects", "stratifiers", "observations", "scores")
_HEADINGS = {"defects": "listed", "stratifiers": "strata", "observations": "observed"}
_NARROWEST_NAME = 12
_BESIDE = "Strata, observations and scores that differ (a case does not fail for these):"

_NOT_OF_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render_deck(report: Report, runs: Sequence[MeasureRun], form: str, width: int) -> str:
    """The report in one of the forms `table` (whose lines have `width` characters at most), `json` and `junit`."""
    if form == "table":
        return _table(report, runs, width)
    return json.dumps(report, indent=2) if form == "json" else _junit(report, runs)


def _table(report: Report, runs: Sequence[MeasureRun], width: int) -> str:
    """The differences case by case, then the table, so that the totals are at the end."""
    from rich.table import Table

    measures, totals = report["measures"], report["totals"]
    shown = [name for name in _ALWAYS if name in totals] + [name for name in _IF_ANY if _amount(totals[name])]
    headings = [_HEADINGS.get(name, name) for name in shown] + ["seconds"]
    seconds = [sum(measure["seconds"].values()) for measure in measures]
    rows = [
        [name, *(_count(tally[each]) for each in shown), f"{taken:.2f}"]
        for name, tally, taken in (
            *zip((measure["measure"] for measure in measures), measures, seconds, strict=True),
            ("total", totals, sum(seconds)),
        )
    ]
    while len(headings) > len(_ALWAYS) and _narrowest(headings, rows) > width:
        # The last are the least important.
        headings.pop()
    table = Table(box=None, pad_edge=False)
    table.add_column("measure", overflow="fold", min_width=_NARROWEST_NAME)
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(*row[: 1 + len(headings)])
    told = [*_section(line for run in runs for line in failures(run))]
    told += _section((line for run in runs for line in differences_beside(run)), _BESIDE)
    return "\n".join([*told, table_text(table, width), *_listed(totals)])


def _narrowest(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    """The width that the table needs at least."""
    columns = zip(headings, *(row[1:] for row in rows), strict=False)
    return _NARROWEST_NAME + sum(2 + max(map(len, column)) for column in columns)


def _section(lines: Iterable[str], heading: str | None = None) -> list[str]:
    """Lines below their heading, with an empty line after them; nothing if there are none."""
    told = list(lines)
    return [*([] if heading is None else [heading]), *told, ""] if told else []


def _listed(totals: Report) -> Iterator[str]:
    """How many of the strata, observations and scores that differ are listed as defects: the table does not show it,
    because its column of listed cases is about populations."""
    for name in ("stratifiers", "observations", "scores"):
        tally = totals.get(name)
        if isinstance(tally, dict) and (listed := tally["defects"]):
            differ = tally["cases"] - tally["agree"]
            yield f"{_HEADINGS.get(name, name)}: {differ} of {tally['cases']} cases differ, {listed} of them listed"


def _amount(tally: int | Report) -> int:
    """The number of cases that a column of the table is about."""
    return tally if isinstance(tally, int) else int(tally["cases"])


def _count(tally: int | Report) -> str:
    if isinstance(tally, int):
        return str(tally)
    return f"{tally['agree']}/{tally['cases']}" if tally["cases"] else "-"


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
                lines.append(f"      <{kind} message={_attribute(failure(run.measure, result))}/>")
            lines.append("    </testcase>")
        lines.append("  </testsuite>")
    lines.append("</testsuites>")
    return "\n".join(lines)


def _attribute(text: str) -> str:
    """A text as an attribute, without characters that XML does not allow."""
    return quoteattr(_NOT_OF_XML.sub("\ufffd", text))
