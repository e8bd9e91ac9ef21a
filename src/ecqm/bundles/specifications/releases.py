"""The known annual updates of CMS measures (`releases.toml`), and which of their measures a store has.

It has only facts from public pages and published content; the specifications themselves come from their publishers.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecqm.bundles.specifications.specification import Specification
from ecqm.measures.definition.naming import cms_id

RELEASES = Path(__file__).with_name("releases.toml")


@dataclass(frozen=True)
class ReleasedMeasure:
    """A measure of a year: its CMS id (CMS122), name and version in the FHIR content that was released."""

    cms_id: str
    name: str
    version: str

    def is_specified(self, specification: Specification) -> bool:
        """Whether a specification is of this measure, in any version."""
        return self.name == specification.measure or self.cms_id in map(cms_id, specification.names)


@dataclass(frozen=True)
class Release:
    """What is known of a year's update: `facts` as in `releases.toml`, and its measures, if a source lists them."""

    year: int
    name: str
    facts: Mapping[str, Any]
    measures: tuple[ReleasedMeasure, ...]

    def installed(self, measure: ReleasedMeasure, specifications: Iterable[Specification]) -> list[Specification]:
        """The specifications of a measure in the released version, and those in other versions for this year.

        The year alone is not enough: the periods of some measures begin in the year after their release.
        """
        return [
            each
            for each in specifications
            if measure.is_specified(each) and (each.version == measure.version or each.year == self.year)
        ]


def known_releases() -> list[Release]:
    """All annual updates that are known, in order of their years."""
    tables = tomllib.loads(RELEASES.read_text("utf-8"))
    listed = {release["reporting_year"]: release["measures"] for release in tables["release"]}
    return [
        Release(
            year=update["reporting_year"],
            name=update["name"],
            facts={key: fact for key, fact in update.items() if key not in ("reporting_year", "name")},
            measures=tuple(
                ReleasedMeasure(each["id"], each["name"], each["version"])
                for each in listed.get(update["reporting_year"], ())
            ),
        )
        for update in sorted(tables["annual_update"], key=lambda update: update["reporting_year"])
    ]
