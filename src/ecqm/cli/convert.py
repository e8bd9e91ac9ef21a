"""`ecqm convert`: QDM patients from JSON to QRDA Category I and back."""

from __future__ import annotations

import re
import sys
from itertools import count
from pathlib import Path
from uuid import UUID

import click

from ecqm.cli.examples import examples

# Commands import what they need when they run, to keep --help fast.

_SHOWN_OF_NOTHING = 5


@click.command(
    "convert",
    epilog=examples(
        "ecqm convert PATIENTS --to qrda1 --period 2026 --output documents",
        "ecqm convert documents.zip --to json --output patients",
    ),
)
@click.argument("source", type=click.Path(path_type=Path, exists=True))
@click.option("--to", "form", type=click.Choice(["qrda1", "json"]), required=True, help="Form to write.")
@click.option(
    "--output", type=click.Path(path_type=Path), help="File to write, or folder if there are several patients."
)
@click.option("--period", metavar="START/END", help="Reporting period to write into QRDA documents.")
@click.option(
    "--measure",
    "measures",
    metavar="UUID",
    type=click.UUID,
    multiple=True,
    help="Measure that QRDA documents are for, by its version-specific identifier (may be repeated).",
)
def command(source: Path, form: str, output: Path | None, period: str | None, measures: tuple[UUID, ...]) -> None:
    """Convert the QDM patients of SOURCE, a file, a folder or a zip archive of JSON or QRDA I documents.

    Standard error lists what was not understood, what the other form cannot express, and what does not read back
    equal. Exits with 0 if nothing is lost, with 1 if something is, and with 2 if there are no patients.
    """
    from ecqm.data import DataError
    from ecqm.data.qdm.equality import differences
    from ecqm.data.qdm.patients import documents, read_whole, to_json
    from ecqm.measures.definition.period import parse_period
    from ecqm.reporting.submissions.category1 import MeasureReference, write_qrda1

    findings: list[str] = []
    names: set[str] = set()
    written: list[tuple[str, bytes]] = []
    parsed = parse_period(period) if period else None
    references = [MeasureReference(str(each)) for each in measures]

    def report(where: str, why: str) -> None:
        findings.append(f"{where}: {why}")

    for origin, data in documents(source, report):
        builder, patients = read_whole(data, origin)
        findings += map(str, builder.problems)
        for number, patient in enumerate(patients):
            stem = _stem(source, origin)
            name = stem if len(patients) == 1 else f"{stem}-{number + 1}"
            name = _unused(name, names)
            names.add(name)
            if form == "json":
                made = to_json(patient)
            else:
                document = write_qrda1(patient, references, parsed)
                made = document.xml
                findings += [f"{origin}: {problem}" for problem in document.problems]
            again = read_whole(made, f"{name}.{'json' if form == 'json' else 'xml'}")[1]
            told = differences(patient, again[0]) if len(again) == 1 else ["it does not read back"]
            findings += [f"{origin}: {difference}" for difference in told]
            written.append((name, made))
    for finding in findings if written else findings[:_SHOWN_OF_NOTHING]:
        click.echo(finding, err=True)
    if not written:
        raise DataError(f"{source} has no QDM patients")
    _write(written, ".json" if form == "json" else ".xml", output)
    sys.exit(1 if findings else 0)


def _stem(source: Path, origin: str) -> str:
    """The output name for a document: its path within the source, without the suffix."""
    from ecqm.data.problems import name_of

    within = origin.removeprefix(name_of(source)).lstrip("/:") or source.name
    stem = within.rpartition(".")[0] or within
    # Names in an archive may contain `..`; the output must stay below its folder.
    return "/".join(part for part in re.split(r"[/\\]", stem) if part not in ("", ".", "..")) or source.stem


def _unused(name: str, names: set[str]) -> str:
    """The name, or that name with a number, as no other document has it: a.json and a.xml may be of two patients."""
    numbered = (f"{name}-{number}" for number in count(2))
    return name if name not in names else next(each for each in numbered if each not in names)


def _write(written: list[tuple[str, bytes]], suffix: str, output: Path | None) -> None:
    if output is None and len(written) == 1:
        click.echo(written[0][1].decode())
    elif output is not None and len(written) == 1 and not output.is_dir():
        output.write_bytes(written[0][1])
    else:
        if output is None:
            raise click.ClickException(f"there are {len(written)} patients: name a folder with --output")
        output.mkdir(parents=True, exist_ok=True)
        for name, made in written:
            (output / name).parent.mkdir(parents=True, exist_ok=True)
            (output / f"{name}{suffix}").write_bytes(made)
