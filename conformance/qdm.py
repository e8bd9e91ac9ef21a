"""Compare QDM packages with the published results of a reference engine, and read QRDA I sample documents.

    python conformance/qdm.py CONTENT          # CONTENT has qdm/ (measures, patients, reference-results.json) and qrda/

Prints how many runs agree in populations, episodes, observations and statements; all differences that are not listed in
qdm_defects.toml; and how many entries of each sample document are understood. Exits with 1 if an entry is not
understood, or if a run differs and is not listed.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from content_arguments import runner_parser

from ecqm.bundles.packages.comparison import PackageCaseResult, package_report
from ecqm.bundles.packages.deck import PackageDeck, run_deck
from ecqm.data.qdm import QdmCohortBuilder
from ecqm.data.qdm.qrda.reader import add_document
from ecqm.measures.decks.agreement import MeasureRun
from ecqm.measures.decks.defects import DefectList

DEFECTS = Path(__file__).with_name("qdm_defects.toml")


def runs_of(content: Path) -> list[MeasureRun]:
    """The runs in a folder for which there are reference results, for all sets of packages and patients."""
    found: list[MeasureRun] = []
    for folder in sorted(path for path in content.iterdir() if path.is_dir()):
        found += run_deck(PackageDeck.open(folder), defects=DefectList.read(DEFECTS))
    return found


def main() -> int:
    parser = runner_parser(__doc__)
    parser.add_argument("content", type=Path)
    content: Path = parser.parse_args().content
    if not (content / "qdm").is_dir():
        parser.error(f"there is no folder qdm in {content}")
    runs = runs_of(content / "qdm")
    _show_agreement(runs)
    differences = list(_differences(runs))
    for difference in differences:
        print(difference)
    for run in runs:
        for result in run.results:
            for statement in result.differing if isinstance(result, PackageCaseResult) else ():
                print(f"statement of {run.measure} {result.case.name}: {statement}")
    has_unknown_entries = _samples(content / "qrda" / "cat1")
    return 1 if differences or has_unknown_entries else 0


def _show_agreement(runs: list[MeasureRun]) -> None:
    totals = package_report({}, runs)["totals"]
    compared = _compared(runs)
    differing = sum(bool(result.differing) for result in compared)
    statements, observations, authored = totals["statements"], totals["observations"], totals["expectedValues"]
    print(f"runs with a reference       {len(compared)}")
    print(f"populations agree           {sum(result.agree for result in compared)}")
    print(f"  listed as reference error {sum(result.excused for result in compared)}")
    print(f"episodes agree              {totals['episodes']['agree']} of {totals['episodes']['cases']}")
    print(f"observations agree          {observations['agree']} of {observations['cases']}")
    print(f"statements agree            {statements['agree']} of {statements['compared']}, all of them in "
          f"{len(compared) - differing} runs")  # fmt: skip
    print(f"authors' expected values    met in {authored['agree']} of {authored['cases']} patients, by the reference "
          f"in {authored['referenceAgrees']}")  # fmt: skip


def _compared(runs: list[MeasureRun]) -> list[PackageCaseResult]:
    """The results for which there are statements of the reference."""
    return [r for run in runs for r in run.results if isinstance(r, PackageCaseResult) and r.statements]


def _differences(runs: list[MeasureRun]) -> Iterator[str]:
    for run in runs:
        for result in run.results:
            if not result.passes:
                found = [p for group in result.groups for p in group.populations if not p.agree]
                told = "; ".join(f"{p.id} {p.expected:g}/{p.actual}" for p in found)
                yield f"DIFFERS {run.measure} {result.case.name}: {result.error or told}"


def _samples(folder: Path) -> bool:
    """Read the sample documents. Returns whether there are entries that are not understood."""
    lost = False
    for path in sorted(folder.glob("*.xml")):
        builder = QdmCohortBuilder()
        accounts = add_document(builder, path.read_bytes(), path.name)
        understood = sum(account.understood for account in accounts)
        templates = len({account.template for account in accounts})
        lost |= understood < len(accounts) or not accounts
        print(f"{path.name}: {understood} of {len(accounts)} entries understood, of {templates} templates")
        for problem in builder.problems:
            print(f"  {problem}")
    return lost


if __name__ == "__main__":
    sys.exit(main())
