"""Run the published test deck: count the cases that agree, and check that all others are explained.

    python conformance/deck.py CONTENT --libraries DIR --valuesets DIR [--measure NAME]… [--tests DIR] [--defects FILE]
        [--profiles declared|inferred|both] [--json FILE]

Prints one line of figures, then a line for each unexplained case: one that disagrees (in populations, strata or
observations) and is not listed in deck_defects.toml, or one that is listed there but agrees. Exits with 1 if there are
any.
"""

from __future__ import annotations

import sys
from pathlib import Path
from time import perf_counter
from typing import Any

from content_arguments import content_parser, opened
from reports import write_results

from ecqm.bundles.decks.matching import match_deck
from ecqm.bundles.decks.runner import DeckRunner
from ecqm.measures.decks.agreement import MeasureRun, deck_report
from ecqm.measures.decks.defects import DefectList

DEFECTS = Path(__file__).parent / "deck_defects.toml"


def main() -> int:
    parser = content_parser(__doc__)
    parser.add_argument("--measure", action="append", default=[])
    parser.add_argument("--tests", type=Path)
    parser.add_argument("--profiles", choices=("declared", "inferred", "both"), default="both")
    parser.add_argument("--defects", type=Path, default=DEFECTS)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    started = perf_counter()
    content = opened(options)
    runner = DeckRunner(content, DefectList.read(options.defects), profiles=options.profiles)
    deck = match_deck(content, options.tests, options.measure)
    runs = [runner.run(part.measure, part.cases) for part in deck.measures]
    report = deck_report({"source": "elm"}, runs)
    seconds = perf_counter() - started
    figures = figures_of(report["totals"]) | {"seconds": round(seconds, 1)}
    print(", ".join(f"{name} {value}" for name, value in figures.items()))
    for line in unexplained(runs):
        print(line)
    write_results(options.json, {"figures": figures, **report})
    return 1 if figures["unexplained"] else 0


def figures_of(totals: dict[str, Any]) -> dict[str, Any]:
    """The figures of a deck, by name."""
    figures = {
        "measures": totals["measures"],
        "cases": totals["cases"],
        "agree": totals["agree"],
        "listed defects": totals["defects"],
        "errors": totals["errors"],
    }
    for part in ("stratifiers", "observations", "scores"):
        figures[part] = f"{totals[part]['agree']}/{totals[part]['cases']} ({totals[part]['defects']} listed)"
    return figures | {"unexplained": totals["unexplained"]}


def unexplained(runs: list[MeasureRun]) -> list[str]:
    """One line for each unexplained case."""
    return [
        f"{run.measure} {result.case.name} ({result.case.title}): {', '.join(sorted(result.unexplained))}"
        f" {'disagree' if result.wrong else 'agree, but are listed'}" + (f": {result.error}" if result.error else "")
        for run in runs
        for result in run.results
        if result.unexplained
    ]


if __name__ == "__main__":
    sys.exit(main())
