"""`ecqm plan`: the evaluation plan of a measure."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ecqm.cli.contents import libraries_option, relax_versions_option
from ecqm.cli.examples import examples
from ecqm.cli.formats import format_option

if TYPE_CHECKING:
    from ecqm.measures.evaluation.planning import MeasurePlan
    from ecqm.plan.nodes import Node

# Commands import what they need when they run, to keep --help fast.


@click.command(
    "plan",
    epilog=examples(
        "ecqm plan CONTENT --measure CMS122",
        "ecqm plan CONTENT --measure CMS122 --define Numerator",
    ),
)
@click.argument("content", type=click.Path(path_type=Path, exists=True))
@click.option("--measure", required=True, metavar="NAME", help="Measure by name, URL or CMS id.")
@click.option("--define", "defines", multiple=True, metavar="NAME", help="Only this definition (may be repeated).")
@libraries_option
@relax_versions_option
@format_option("text", "json", of="plan")
def command(
    content: Path, measure: str, defines: tuple[str, ...], libraries: tuple[Path, ...], relax_versions: bool, form: str
) -> None:
    """Show how a measure of CONTENT is evaluated.

    For each node it shows the operation and its settings, how often it is evaluated (once, per patient, or per row of a
    query), whether a call has a kernel or is lifted over distinct rows, and the lines of the library that it comes
    from. A node that is used in several places has a number and is shown where it comes first.
    """
    from ecqm.bundles.evaluation.planning import plan_of
    from ecqm.bundles.packages.content import PackageContent, package_files
    from ecqm.cli.contents import measures_of, open_content
    from ecqm.plan.explain import plan_json, plan_text

    if package_files(content):
        plan = PackageContent.open(content).find(measure).plan()
    else:
        opened = open_content(content, libraries)
        (chosen,) = measures_of(opened, [measure])
        plan = plan_of(opened, chosen, relax_versions)
    for name, reason in plan.not_planned.items():
        click.echo(f"ecqm: warning: {name} cannot be evaluated: {reason}", err=True)
    roots = {name: _define(plan, name) for name in defines} if defines else _roots(plan)
    if form == "json":
        click.echo(json.dumps(plan_json(roots, plan.places), indent=2, ensure_ascii=False))
    else:
        click.echo(plan_text(roots, plan.places))


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
