"""`ecqm explain`: one patient, every definition, and why."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ecqm.cli.contents import ContentOptions, measures_of
from ecqm.cli.examples import examples
from ecqm.cli.options import (
    data_option,
    format_option,
    measure_option,
    output_option,
    period_option,
    profiles_option,
    relax_versions_option,
)
from ecqm.cli.parameters import group, option, takes
from ecqm.cli.terminal import warn, write

if TYPE_CHECKING:
    from ecqm.bundles.evaluation.batches import Stated
    from ecqm.engine.profiles import ProfileRule
    from ecqm.reporting.explanations.explanation import Explanation
    from ecqm.reporting.explanations.subjects import Subject

# Commands import what they need when they run, to keep --help fast.


@dataclass(frozen=True)
class ExplainRequest:
    """The arguments of `ecqm explain`."""

    measure: str = measure_option()
    data: tuple[Path, ...] = data_option(required=True)
    patient: str | None = option("--patient", metavar="ID", help="Id of the patient; not needed if there is only one.")
    content: ContentOptions = group(ContentOptions)
    period: Stated = period_option()
    profiles: ProfileRule = profiles_option()
    relax_versions: bool = relax_versions_option()
    format: str = format_option("text", "json", "html", of="explanation")
    output: Path | None = output_option()


@click.command(
    "explain",
    epilog=examples(
        "ecqm explain CONTENT --measure CMS122 --data EXPORT --patient ID",
        "ecqm explain CONTENT --measure CMS122 --data CASE --patient ID \\",
        "    --format html --output why.html",
    ),
)
@takes(ExplainRequest)
def command(request: ExplainRequest) -> None:
    """Show the value of every definition of a measure of CONTENT for one patient, and why.

    For each population that the patient is not in, it shows the clauses of the criterion that were false, null or
    empty, with their values; for each exclusion or exception that the patient is in, those that were true. HTML is one
    page with every clause of the logic marked. For a composite measure, its components are explained one after the
    other (in JSON as a list).
    """
    from ecqm.bundles.packages.content import package_files
    from ecqm.operators.message import telling

    # Messages of the logic are about all evaluated patients, not only this one: they are not shown.
    with telling(lambda told: None):
        explained = _of_package(request) if package_files(request.content.path) else _of_measures(request)
    for warning in dict.fromkeys(warning for each in explained for warning in each.warnings):
        warn(warning)
    write(_rendered(explained, request.format), request.output)


def _of_package(request: ExplainRequest) -> list[Explanation]:
    """The explanation of the measure of a QDM package."""
    from ecqm.bundles.packages.content import PackageContent
    from ecqm.reporting.explanations.subjects import package_subject

    package = PackageContent.open(request.content.path, request.content.valuesets).find(request.measure)
    return [_explanation(package_subject(package, request.data), request)]


def _of_measures(request: ExplainRequest) -> list[Explanation]:
    """The explanation of a FHIR measure, or those of the components of a composite."""
    from ecqm.bundles.evaluation.planning import Planner
    from ecqm.bundles.specifications.specification import with_logic
    from ecqm.data.source import PatientData
    from ecqm.reporting.explanations.subjects import measure_subject

    content = request.content.open()
    planner, data = Planner(content, request.relax_versions), PatientData(request.data)
    plans = map(planner.plan, with_logic(content, measures_of(content, [request.measure])))
    return [_explanation(measure_subject(plan, content, data, request.profiles), request) for plan in plans]


def _explanation(subject: Subject, request: ExplainRequest) -> Explanation:
    return subject.explanation(request.patient, request.period, clauses=request.format == "html")


def _rendered(explained: Sequence[Explanation], form: str) -> str:
    from ecqm.reporting.explanations.rendering import explanation_json, explanation_text
    from ecqm.reporting.html import explanation_page

    if form == "html":
        return explanation_page(explained)
    if form == "json":
        found = list(map(explanation_json, explained))
        return json.dumps(found[0] if len(found) == 1 else found, indent=2, ensure_ascii=False)
    return "\n\n".join(map(explanation_text, explained))
