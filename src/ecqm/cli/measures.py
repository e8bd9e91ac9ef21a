"""`ecqm measures`: the measures of a content."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ecqm.cli.decks import matched, tests_option, unarchived
from ecqm.cli.examples import examples
from ecqm.cli.formats import format_option

if TYPE_CHECKING:
    from ecqm.measures.definition import Measure

# Commands import what they need when they run, to keep --help fast.

# Widths of columns.
_NARROWEST_NAME, _SHORTEST_NAME, _SHORTEST_TITLE, _WIDEST_VERSION = 12, 36, 20, 12
_GAP = 2


@click.command(
    "measures",
    epilog=examples(
        "ecqm measures CONTENT",
        "ecqm measures CONTENT --measure CMS122 --format json",
        "ecqm measures MEASURE.zip --tests CASES.zip",
    ),
)
@click.argument("content", type=click.Path(path_type=Path, exists=True))
@click.option("--measure", "names", multiple=True, metavar="NAME", help="Only this measure (may be repeated).")
@tests_option
@format_option("table", "json", of="list")
def command(content: Path, names: tuple[str, ...], tests: Path | None, form: str) -> None:
    """List the measures of CONTENT.

    For each measure: its CMS id, name and version, any of which --measure of other commands takes; how it is scored;
    what it counts (patients, or the type of its episodes); the number of its test cases; and its title. A narrow
    terminal has fewer columns; JSON has all, and also the URL, the effective period and the groups.
    """
    from ecqm.bundles.packages.content import package_files
    from ecqm.cli.terminal import table_width
    from ecqm.measures.definition.naming import in_order_of_numbers

    with ExitStack() as files:
        if package_files(content):
            listed = _of_packages(content, tests, names)
        else:
            unpacked, apart = files.enter_context(unarchived(content, tests))
            listed = _of_content(unpacked, content, apart, names)
    listed.sort(key=lambda each: in_order_of_numbers(_cms_id(each[0]) or each[0].name))
    if form == "json":
        click.echo(json.dumps([_json(*each) for each in listed], indent=2))
    else:
        click.echo(_table([_row(*each) for each in listed], table_width()))


def _of_content(path: Path, called: Path, tests: Path | None, names: Sequence[str]) -> list[tuple[Measure, int]]:
    """The measures with the number of their cases."""
    from ecqm.bundles.content.documents import ContentError
    from ecqm.cli.contents import measures_of, open_content

    opened = open_content(path, called=called)
    measures = measures_of(opened, names)
    cases: Counter[str] = Counter()
    try:
        with matched(opened, path, tests, names) as deck:
            for part in deck.measures:
                cases[part.measure.canonical] += len(part.cases)
    except ContentError:
        if tests is not None:
            raise
    return [(measure, cases[measure.canonical]) for measure in measures]


def _of_packages(path: Path, tests: Path | None, names: Sequence[str]) -> list[tuple[Measure, int]]:
    """The measures of QDM packages with the number of their patients."""
    from ecqm.bundles.packages.content import PackageContent
    from ecqm.bundles.packages.deck import PackageDeck, is_package_deck

    packages = PackageContent.open(path).select(names)
    cases: Counter[str] = Counter()
    if tests is not None or is_package_deck(path):
        for _, package, patients in PackageDeck.open(path, tests).cases():
            cases[package.origin] += len(patients)
    return [(package.measure, cases[package.origin]) for package in packages]


def _cms_id(measure: Measure) -> str | None:
    from ecqm.measures.definition.naming import cms_id

    return next(filter(None, map(cms_id, (measure.name, *measure.short_names))), None)


def _scored(measure: Measure) -> list[tuple[str, str, str]]:
    """Id, scoring and basis of each group or composite of a measure."""
    groups = [(each.id, str(each.scoring), each.basis) for each in measure.groups]
    return groups + [(each.id, str(each.scoring), each.basis) for each in measure.composites]


def _row(measure: Measure, cases: int) -> dict[str, str]:
    from ecqm.measures.definition import PATIENT_BASIS

    scored = _scored(measure)
    basis = dict.fromkeys("patients" if basis == PATIENT_BASIS else basis for _, _, basis in scored)
    return {
        "CMS id": _cms_id(measure) or "",
        "name": measure.name,
        "version": measure.version or "",
        "scoring": ", ".join(dict.fromkeys(scoring for _, scoring, _ in scored)),
        "basis": ", ".join(basis),
        "cases": str(cases),
        "title": " ".join((measure.title or "").split()),
    }


def _table(rows: Sequence[Mapping[str, str]], width: int) -> str:
    """The measures with as many columns as there is room for; without the least important, names are folded."""
    from io import StringIO

    from rich.console import Console
    from rich.table import Table

    widest = {heading: max(len(heading), *(len(row[heading]) for row in rows)) for heading in rows[0]}
    widths = widest | {
        "version": min(widest["version"], _WIDEST_VERSION),
        "name": min(widest["name"], _SHORTEST_NAME),
        "title": min(widest["title"], _SHORTEST_TITLE),
    }
    for dispensable in ("title", "basis", "scoring"):
        if _total(widths) > width:
            del widths[dispensable]
    for elastic in ("name", "title") if "title" in widths else ("name",):
        fitting = min(widths[elastic] + width - _total(widths), widest[elastic])
        widths[elastic] = max(fitting, _NARROWEST_NAME)
    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0))
    for heading, each in widths.items():
        is_title = heading == "title"
        table.add_column(
            heading,
            width=each,
            no_wrap=is_title,
            overflow="ellipsis" if is_title else "fold",
            justify="right" if heading == "cases" else "left",
        )
    for row in rows:
        table.add_row(*(row[heading] for heading in widths))
    out = StringIO()
    Console(file=out, width=width).print(table)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


def _total(widths: Mapping[str, int]) -> int:
    return sum(widths.values()) + _GAP * len(widths)


def _json(measure: Measure, cases: int) -> Mapping[str, Any]:
    return {
        "cms": _cms_id(measure),
        "name": measure.name,
        "version": measure.version,
        "title": measure.title,
        "url": measure.url,
        "effectivePeriod": dict(zip(("start", "end"), measure.period, strict=True)),
        "groups": [{"id": id_, "scoring": scoring, "basis": basis} for id_, scoring, basis in _scored(measure)],
        "cases": cases,
    }
