"""`ecqm plan`: the evaluation plan of a measure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ecqm.cli.examples import examples
from ecqm.cli.options import (
    content_argument,
    format_option,
    libraries_option,
    measure_option,
    relax_versions_option,
)
from ecqm.cli.parameters import option, takes
from ecqm.cli.terminal import warn

if TYPE_CHECKING:
    from ecqm.measures.evaluation.planning import MeasurePlan
    from ecqm.plan.nodes import Node

# Commands import what they need when they run, to keep --help fast.


@dataclass(frozen=True)
class PlanRequest:
    """The arguments of `ecqm plan`."""

    measure: str = measure_option()
    defines: tuple[str, ...] = option(
        "--define", multiple=True, metavar="NAME", help="Only this definition (may be repeated)."
    )
    content: Path = content_argument()
    libraries: tuple[Path, ...] = libraries_option()
    relax_versions: bool = relax_versions_option()
    format: str = format_option("text", "json", of="plan")


@click.command(
    "plan",
    epilog=examples(
        "ecqm plan CONTENT --measure CMS122",
        "ecqm plan CONTENT --measure CMS122 --define Numerator",
    ),
)
@takes(PlanRequest)
def command(request: PlanRequest) -> None:
    """Show how a measure of CONTENT is evaluated.

    For each node it shows the operation and its settings, how often it is evaluated (once, per patient, or per row of a
    query), whether a call has a kernel or is lifted over distinct rows, and the lines of the library that it comes
    from. A node that is used in several places has a number and is shown where it comes first.
    """
    from ecqm.plan.explain import plan_json, plan_text

    plan = _plan(request)
    for name, reason in plan.not_planned.items():
        warn(f"{name} cannot be evaluated: {reason}")
    roots = {name: _define(plan, name) for name in request.defines} or _roots(plan)
    if request.format == "json":
        click.echo(json.dumps(plan_json(roots, plan.places), indent=2, ensure_ascii=False))
    else:
        click.echo(plan_text(roots, plan.places))


def _plan(request: PlanRequest) -> MeasurePlan:
    from ecqm.bundles.evaluation.planning import plan_of
    from ecqm.bundles.packages.content import PackageContent, package_files
    from ecqm.cli.contents import measures_of, open_content

    if package_files(request.content):
        return PackageContent.open(request.content).find(request.measure).plan()
    content = open_content(request.content, request.libraries)
    (measure,) = measures_of(content, [request.measure])
    return plan_of(content, measure, request.relax_versions)


def _roots(plan: MeasurePlan) -> dict[str, Node]:
    """The roots of the plan: defines, observations and stratifying functions of the measure."""
    observed: dict[str, Node] = {
        f"observation {observation} of {group}": each.value for (group, observation), each in plan.observations.items()
    }
    strata: dict[str, Node] = {
        f"stratifier {name} of {group}": each.value for (group, name), each in plan.stratifiers.items()
    }
    return {**plan.defines, **observed, **strata}


def _define(plan: MeasurePlan, name: str) -> Node:
    """The plan of a definition of the measure's library."""
    from difflib import get_close_matches

    library = plan.libraries.main
    if name not in library.expressions:
        close = get_close_matches(name, library.expressions, n=3)
        hint = f"; did you mean {' or '.join(map(repr, close))}?" if close else ""
        raise click.ClickException(f"library {library.identifier} has no definition {name!r}{hint}")
    return plan.lowering.define(library, name)
