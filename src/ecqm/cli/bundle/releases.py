"""`ecqm bundle releases`: the known annual releases."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ecqm.cli.bundle.store import open_store, store_option, stored_measure_option, year_option
from ecqm.cli.options import format_option
from ecqm.cli.parameters import takes

if TYPE_CHECKING:
    from ecqm.bundles.specifications.releases import Release
    from ecqm.bundles.specifications.specification import Specification


@dataclass(frozen=True)
class ReleasesRequest:
    """The arguments of `ecqm bundle releases`."""

    measure: str | None = stored_measure_option()
    year: int | None = year_option()
    store: Path | None = store_option()
    format: str = format_option("table", "json", of="list")


@click.command("releases", short_help="List the known releases, and what of them is in the store.")
@takes(ReleasesRequest)
def list_releases(request: ReleasesRequest) -> None:
    """List the known annual releases of CMS measures, and how many of their measures are in the store.

    With --year or --measure it lists the measures one by one: CMS id, version, name, and the installed version. For
    some years no source lists the measures; those that are installed are listed all the same.
    """
    from ecqm.bundles.specifications.releases import known_releases

    specifications = list(open_store(request.store))
    releases = [release for release in known_releases() if request.year in (None, release.year)]
    if not releases:
        known = ", ".join(str(release.year) for release in known_releases())
        raise click.ClickException(f"of {request.year} no annual update is known; known are those of {known}")
    found = [_to_json(release, specifications, request.measure) for release in releases]
    if request.format == "json":
        click.echo(json.dumps(found, indent=2))
        return
    with_measure = [each for each in found if request.measure is None or each["measures"]]
    if not with_measure:
        years = ", ".join(str(release.year) for release in releases)
        raise click.ClickException(f"there is no measure {request.measure} in what is known of {years}, or installed")
    for each in with_measure:
        _print(each, with_measures=bool(request.year or request.measure))


def _print(release: dict[str, Any], with_measures: bool) -> None:
    """Print a year, and on request its measures."""
    measures = release["measures"]
    released = sum(1 for measure in measures if measure["released"])
    installed = sum(1 for measure in measures if measure["installed"])
    total = f"{released} measures" if release["listed"] else "measures not listed"
    facts = ", ".join(release["facts"][key] for key in ("fhir_model", "fhir_content") if key in release["facts"])
    click.echo(f"{release['year']}  {release['name']}  {total}, {installed} installed  {facts}".rstrip())
    for measure in measures if with_measures else ():
        state = f"installed {', '.join(measure['installed'])}" if measure["installed"] else "not installed"
        click.echo(f"  {measure['id'] or '-':<8}  {measure['released'] or '-':<28}  {measure['measure']}  ({state})")


def _to_json(release: Release, specifications: Sequence[Specification], wanted: str | None) -> dict[str, Any]:
    """A year as JSON: its facts, and its measures, or the one that is `wanted`."""
    measures = [*_released(release, specifications), *_others(release, specifications)]
    return {
        "year": release.year,
        "name": release.name,
        "listed": bool(release.measures),
        "facts": dict(release.facts),
        "measures": [
            row
            for row in measures
            if wanted is None or wanted.lower() in (str(row["id"]).lower(), str(row["measure"]).lower())
        ],
    }


def _released(release: Release, specifications: Sequence[Specification]) -> list[dict[str, Any]]:
    """The measures of a release, and the versions of them that are installed."""
    return [
        {
            "id": measure.cms_id,
            "measure": measure.name,
            "released": measure.version,
            "installed": [each.version for each in release.installed(measure, specifications)],
        }
        for measure in release.measures
    ]


def _others(release: Release, specifications: Sequence[Specification]) -> list[dict[str, Any]]:
    """Specifications of the year that are not among its measures: no source lists these, or it is not a measure of
    CMS."""
    from ecqm.measures.definition.naming import cms_id

    listed = {id(each) for measure in release.measures for each in release.installed(measure, specifications)}
    return [
        {
            "id": next(filter(None, map(cms_id, (each.measure, *each.names))), None),
            "measure": each.measure,
            "released": None,
            "installed": [each.version],
        }
        for each in specifications
        if each.year == release.year and id(each) not in listed
    ]
