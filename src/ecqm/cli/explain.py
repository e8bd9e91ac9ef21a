"""`ecqm explain`: one patient, every definition, and why."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ecqm.cli.contents import (
    libraries_option,
    manifest_option,
    measures_of,
    open_content,
    period_option,
    profiles_option,
    relax_versions_option,
    valuesets_option,
)
from ecqm.cli.examples import examples
from ecqm.cli.formats import format_option

if TYPE_CHECKING:
    from ecqm.bundles.evaluation.batches import Stated
    from ecqm.engine.profiles import ProfileRule

# Commands import what they need when they run, to keep --help fast.


@click.command(
    "explain",
    epilog=examples(
        "ecqm explain CONTENT --measure CMS122 --data EXPORT --patient ID",
        "ecqm explain CONTENT --measure CMS122 --data CASE --patient ID \\",
        "    --format html --output why.html",
    ),
)
@click.argument("content", type=click.Path(path_type=Path, exists=True))
@click.option("--measure", required=True, metavar="NAME", help="Measure by name, URL or CMS id.")
@click.option(
    "--data",
    multiple=True,
    required=True,
    type=click.Path(path_type=Path),
    help="Patients: file, folder or store (may be repeated).",
)
@click.option("--patient", metavar="ID", help="Id of the patient; not needed if there is only one.")
@libraries_option
@valuesets_option
@manifest_option
@period_option
@profiles_option
@relax_versions_option
@format_option("text", "json", "html", of="explanation")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="File to write to instead of printing.")
def command(
    content: Path,
    measure: str,
    data: tuple[Path, ...],
    patient: str | None,
    libraries: tuple[Path, ...],
    valuesets: tuple[Path, ...],
    manifest: str | None,
    stated: Stated,
    profiles: ProfileRule,
    relax_versions: bool,
    form: str,
    output: Path | None,
) -> None:
    """Show the value of every definition of a measure of CONTENT for one patient, and why.

    For each population that the patient is not in, it shows the clauses of the criterion that were false, null or
    empty, with their values; for each exclusion or exception that the patient is in, those that were true. HTML is one
    page with every clause of the logic marked. For a composite measure, its components are explained one after the
    other (in JSON as a list).
    """
    from ecqm.bundles.evaluation.planning import Planner
    from ecqm.bundles.packages.content import PackageContent, package_files
    from ecqm.bundles.specifications.specification import with_logic
    from ecqm.data.source import PatientData
    from ecqm.operators.message import telling
    from ecqm.reporting.explanations.explanation import explain, explain_package
    from ecqm.reporting.explanations.rendering import explanation_json, explanation_text
    from ecqm.reporting.html import explanation_page

    # Messages of the logic are about all evaluated patients, not only this one: they are not shown.
    with telling(lambda told: None):
        if package_files(content):
            (package,) = PackageContent.open(content, valuesets).select([measure])
            found = [explain_package(package, data, patient, stated, form == "html")]
        else:
            opened = open_content(content, libraries, valuesets, manifest)
            chosen = with_logic(opened, measures_of(opened, [measure]))
            patients, planner = PatientData(data), Planner(opened, relax_versions)
            found = [
                explain(planner.plan(each), opened, patients, patient, stated, profiles, form == "html")
                for each in chosen
            ]
    for warning in dict.fromkeys(warning for each in found for warning in each.warnings):
        click.echo(f"ecqm: warning: {warning}", err=True)
    if form == "json":
        told = [explanation_json(each) for each in found]
        text = json.dumps(told[0] if len(told) == 1 else told, indent=2, ensure_ascii=False)
    else:
        text = explanation_page(found) if form == "html" else "\n\n".join(map(explanation_text, found))
    if output is None:
        click.echo(text)
    else:
        output.write_text(text, "utf-8")
