"""`ecqm requirements`: the data that measures require."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ecqm.cli.contents import ContentOptions
from ecqm.cli.examples import examples
from ecqm.cli.options import format_option, measures_option, output_option, relax_versions_option
from ecqm.cli.parameters import group, takes
from ecqm.cli.terminal import table_width, warn, write

if TYPE_CHECKING:
    from ecqm.reporting.requirements import Requirements

# Commands import what they need when they run, to keep --help fast.


@dataclass(frozen=True)
class RequirementsRequest:
    """The arguments of `ecqm requirements`."""

    measures: tuple[str, ...] = measures_option()
    content: ContentOptions = group(ContentOptions)
    relax_versions: bool = relax_versions_option()
    format: str = format_option("text", "json", of="requirements")
    output: Path | None = output_option()


@click.command(
    "requirements",
    epilog=examples(
        "ecqm requirements CONTENT --measure CMS122",
        "ecqm requirements CONTENT --format json --output requirements.json",
    ),
)
@takes(RequirementsRequest)
def command(request: RequirementsRequest) -> None:
    """Show the data that measures of CONTENT require, together.

    For each type and profile: the elements that the logic uses, and the codes that it looks for. Then the value sets,
    with the number of their codes, and the resource types to ask of a bulk export. It follows from the logic that the
    populations need; definitions that nothing uses require nothing. JSON is a FHIR Library with DataRequirements, as
    the operation $data-requirements gives it.
    """
    from ecqm.reporting.requirements import requirements_library, requirements_text

    found = _requirements(request)
    if request.format == "text":
        write(requirements_text(found, table_width()), request.output)
        return
    try:
        library = requirements_library(found)
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    write(json.dumps(library, indent=2, ensure_ascii=False), request.output)


def _requirements(request: RequirementsRequest) -> Requirements:
    from ecqm.bundles.evaluation.selection import PlannedMeasures, select
    from ecqm.bundles.packages.content import PackageContent, package_files, select_packages
    from ecqm.cli.contents import measures_of
    from ecqm.reporting.requirements import Requirements
    from ecqm.terminology import ValueSets

    selection: PlannedMeasures
    value_sets: ValueSets
    if package_files(request.content.path):
        packages = select_packages(
            PackageContent.open(request.content.path, request.content.valuesets), request.measures
        )
        selection, value_sets = packages, packages.content.value_sets
    else:
        content = request.content.open()
        selection = select(content, measures_of(content, request.measures), request.relax_versions)
        value_sets = content.value_sets
    for name, reason in selection.not_planned.items():
        warn(f"{name} cannot be evaluated: {reason}")
    if not selection.plans:
        raise click.ClickException("no measure can be evaluated")
    return Requirements.of(selection, value_sets)
