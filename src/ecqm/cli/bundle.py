"""`ecqm bundle`: the store of annual measure specifications."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ecqm.cli.contents import libraries_option, valuesets_option
from ecqm.cli.formats import format_option

if TYPE_CHECKING:
    from ecqm.bundles.specifications.releases import Release
    from ecqm.bundles.specifications.specification import Specification
    from ecqm.bundles.specifications.store import SpecificationStore

# Commands import what they need when they run, to keep --help fast.

_store = click.option(
    "--store",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the store; by default $ECQM_STORE, or the folder for data of users.",
)
_year = click.option("--year", type=click.IntRange(2000, 2999), metavar="YEAR", help="Reporting year.")
_version = click.option("--version", "version", metavar="VERSION", help="Version of the measure.")


@click.group("bundle")
def command() -> None:
    """Store measure specifications by reporting year, measure and version."""


@command.command("add", short_help="Add the measures of CONTENT.")
@click.argument("content", type=click.Path(path_type=Path, exists=True))
@click.option("--measure", "measures", multiple=True, metavar="NAME", help="Only this measure (may be repeated).")
@libraries_option
@valuesets_option
@_year
@_store
@click.option("--replace", is_flag=True, help="Replace a specification that is stored with other content.")
@click.option(
    "--allow-missing", is_flag=True, help="Add measures even if libraries or value sets are missing, and list these."
)
def add(
    content: Path,
    measures: tuple[str, ...],
    libraries: tuple[Path, ...],
    valuesets: tuple[Path, ...],
    year: int | None,
    store: Path | None,
    replace: bool,
    allow_missing: bool,
) -> None:
    """Add the measures of CONTENT (a content repository, FHIR Bundle, zip or folder) to the store."""
    from ecqm.cli.contents import measures_of, open_content

    target = _open(store)
    failed = False
    read = open_content(content, libraries, valuesets)
    for measure in measures_of(read, measures):
        try:
            added = target.add(read, measure, year, replace, allow_missing)
        except (ValueError, LookupError) as error:
            failed = True
            click.echo(f"ecqm: {error}", err=True)
            continue
        click.echo(f"{added}  {added.content_hash[:12]}  {len(added.parts)} parts")
        for missing in added.missing:
            click.echo(f"  missing: {missing}", err=True)
    sys.exit(1 if failed else 0)


@command.command("list")
@click.option("--measure", metavar="NAME", help="Only this measure, by CMS id or name.")
@_year
@_store
@format_option("table", "json", of="list")
def list_specifications(measure: str | None, year: int | None, store: Path | None, form: str) -> None:
    """List the specifications in the store."""
    specifications = _open(store)
    found = specifications.matching(measure, year)
    if form == "json":
        click.echo(json.dumps([_summary(specification) for specification in found], indent=2))
        return
    if not found:
        which = "no such specification" if measure or year else "no specifications yet"
        click.echo(f"ecqm: {specifications.root} has {which}; `ecqm bundle add` adds them", err=True)
    width = max((len(specification.measure) for specification in found), default=0)
    for specification in found:
        click.echo(
            f"{specification.year}  {specification.measure:<{width}}  {specification.version:<12}  "
            f"{specification.content_hash[:12]}  {specification.added}"
        )


@command.command("releases", short_help="List the known releases, and what of them is in the store.")
@click.option("--measure", metavar="NAME", help="Only this measure, by CMS id or name.")
@_year
@_store
@format_option("table", "json", of="list")
def list_releases(measure: str | None, year: int | None, store: Path | None, form: str) -> None:
    """List the known annual releases of CMS measures, and how many of their measures are in the store.

    With --year or --measure it lists the measures one by one: CMS id, version, name, and the installed version. For
    some years no source lists the measures; those that are installed are listed all the same.
    """
    from ecqm.bundles.specifications.releases import known_releases

    specifications = list(_open(store))
    releases = [release for release in known_releases() if year in (None, release.year)]
    if not releases:
        known = ", ".join(str(release.year) for release in known_releases())
        raise click.ClickException(f"of {year} no annual update is known; known are those of {known}")
    told = [_release(release, specifications, measure) for release in releases]
    if form == "json":
        click.echo(json.dumps(told, indent=2))
        return
    for each in told:
        if measure is None or each["measures"]:
            _show_release(each, with_measures=bool(year or measure))


def _show_release(release: dict[str, Any], with_measures: bool) -> None:
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


@command.command("show")
@click.argument("measure")
@_year
@_version
@_store
@format_option("table", "json", of="list")
def show(measure: str, year: int | None, version: str | None, store: Path | None, form: str) -> None:
    """Show one specification with its parts."""
    found = _open(store).find(measure, year, version)
    if form == "json":
        parts = [{"part": str(part), "sha256": part.sha256, "size": part.size} for part in found.parts]
        click.echo(json.dumps(_summary(found) | {"parts": parts}, indent=2))
        return
    click.echo(f"{found}\n  {found.url}\n  hash  {found.content_hash}\n  added {found.added} from {found.origin}")
    for part in found.parts:
        click.echo(f"  {part.sha256[:12]}  {part.size:>9}  {part}")
    for missing in found.missing:
        click.echo(f"  missing: {missing}")


@command.command("export")
@click.argument("output", type=click.Path(path_type=Path, file_okay=False))
@click.option("--measure", "measures", multiple=True, metavar="NAME", help="Only this measure (may be repeated).")
@_year
@_version
@_store
def export(output: Path, measures: tuple[str, ...], year: int | None, version: str | None, store: Path | None) -> None:
    """Write specifications to the folder OUTPUT, which can then be used as CONTENT of other commands."""
    source = _open(store)
    chosen = [source.find(name, year, version) for name in measures] or source.matching(None, year, version)
    if not chosen:
        raise click.ClickException(f"{source.root} has no such specification; add measures with ecqm bundle add")
    if output.is_dir() and any(output.iterdir()):
        raise click.ClickException(f"{output} is not empty")
    parts = source.export(chosen, output)
    click.echo(f"{output}: {', '.join(map(str, chosen))}; {parts} files")


@command.command("verify", short_help="Check that specifications are unchanged.")
@click.argument("measure", required=False)
@_year
@_version
@_store
@click.option(
    "--content", type=click.Path(path_type=Path, exists=True), help="Compare what is stored with this content."
)
@libraries_option
@valuesets_option
def verify(
    measure: str | None,
    year: int | None,
    version: str | None,
    store: Path | None,
    content: Path | None,
    libraries: tuple[Path, ...],
    valuesets: tuple[Path, ...],
) -> None:
    """Check that specifications are as they were when added, and with --content that they equal what it holds.

    Exits with 0 if they are, with 1 if not.
    """
    from ecqm.bundles.content import Content

    target = _open(store)
    chosen = target.matching(measure, year, version)
    if measure is not None and not chosen:
        target.find(measure, year, version)
    against = Content.open(content, libraries, valuesets) if content is not None else None
    drifted = False
    for specification in chosen:
        problems = target.verify(specification).problems
        if against is not None and not problems:
            try:
                problems = target.compare(specification, against).problems
            except LookupError as error:
                problems = (str(error),)
        drifted |= bool(problems)
        click.echo(f"{specification}  {specification.content_hash[:12]}  {'differs' if problems else 'ok'}")
        for problem in problems:
            click.echo(f"  {problem}", err=True)
    sys.exit(1 if drifted else 0)


def _release(release: Release, specifications: Sequence[Specification], wanted: str | None) -> dict[str, Any]:
    """A year as JSON: its facts, its measures, and other specifications that are installed for it."""
    from ecqm.measures.definition.naming import cms_id

    rows: list[dict[str, Any]] = []
    seen: set[int] = set()
    for measure in release.measures:
        installed = release.installed(measure, specifications)
        seen.update(map(id, installed))
        versions = [each.version for each in installed]
        rows.append({"id": measure.cms_id, "measure": measure.name, "released": measure.version, "installed": versions})
    for each in specifications:
        if each.year == release.year and id(each) not in seen:
            # The measures of this year are not listed by any source, or it is not a measure of CMS.
            number = next(filter(None, map(cms_id, (each.measure, *each.names))), None)
            rows.append({"id": number, "measure": each.measure, "released": None, "installed": [each.version]})
    if wanted is not None:
        rows = [row for row in rows if wanted.lower() in (str(row["id"]).lower(), str(row["measure"]).lower())]
    return {
        "year": release.year,
        "name": release.name,
        "listed": bool(release.measures),
        "facts": dict(release.facts),
        "measures": rows,
    }


def _open(store: Path | None) -> SpecificationStore:
    from ecqm.bundles.specifications.store import SpecificationStore, default_store

    return SpecificationStore(store or default_store())


def _summary(specification: Specification) -> dict[str, Any]:
    return {
        "year": specification.year,
        "measure": specification.measure,
        "version": specification.version,
        "url": specification.url,
        "hash": specification.content_hash,
        "added": specification.added,
        "origin": specification.origin,
        "missing": list(specification.missing),
    }
