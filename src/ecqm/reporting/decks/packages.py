"""Results of a deck of QDM packages: as those of FHIR decks, with statements of the logic in addition to
populations."""

from __future__ import annotations

from collections.abc import Sequence

from ecqm.measures.decks.agreement import MeasureRun
from ecqm.reporting.decks.rendering import Report, render_deck


def render_package_deck(report: Report, runs: Sequence[MeasureRun], form: str, width: int) -> str:
    """The report in one of the forms of `render_deck`."""
    text = render_deck(report, runs, form, width)
    return f"{text}\n{_summary(report)}" if form == "table" else text


def _summary(report: Report) -> str:
    """What was compared beside the populations; statements and episodes only where there is a reference for them."""
    totals = report["totals"]
    statements, episodes, authored = totals["statements"], totals["episodes"], totals["expectedValues"]
    lines = []
    if compared := statements["compared"]:
        lines.append(f"statements agree {statements['agree']} of {compared} ({statements['agree'] / compared:.2%})")
    if episodes["cases"]:
        lines.append(f"episodes agree in {episodes['agree']} of {episodes['cases']} patients")
    met = f"expected values of the authors are met in {authored['agree']} of {authored['cases']} patients"
    lines.append(met + (f", by the reference in {authored['referenceAgrees']}" if compared else ""))
    return "\n".join(lines)
