"""Measures of a content by the names that people use for them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ecqm.bundles.content.documents import Document
from ecqm.measures.definition import Measure
from ecqm.measures.definition.naming import MeasureNotFound, cms_id, named, names_of, not_found
from ecqm.measures.definition.parsing import parse_measure
from ecqm.versions import version_key


@dataclass(frozen=True)
class MeasureSource:
    """A Measure resource: `names` are all exact names (lower case); `cms_id` is like CMS122, if it has one."""

    name: str
    version: str | None
    url: str
    document: Document
    names: frozenset[str]
    cms_id: str | None

    def __str__(self) -> str:
        return f"{self.name}|{self.version}" if self.version else self.name

    def read(self) -> bytes:
        """The Measure resource as it is."""
        return self.document.read()


class Catalog:
    """Finds measures by file name, name, id, URL, short name or CMS id."""

    def __init__(self) -> None:
        self._sources: list[MeasureSource] = []
        self._parsed: dict[str, Measure] = {}

    def add(self, document: Document, data: bytes) -> None:
        """A Measure resource; `MeasureError` if it cannot be evaluated."""
        measure = parse_measure(data)
        stem = document.path.stem if "#" not in document.origin else ""
        short = next((cms for name in (measure.name, *measure.short_names) if (cms := cms_id(name))), None)
        source = MeasureSource(
            name=measure.name,
            version=measure.version,
            url=measure.url,
            document=document,
            names=frozenset(name.lower() for name in (*names_of(measure), stem) if name),
            cms_id=short,
        )
        if any(known.name == source.name and known.version == source.version for known in self._sources):
            return
        self._sources.append(source)
        self._parsed[str(source)] = measure

    def __iter__(self) -> Iterator[MeasureSource]:
        return iter(self._sources)

    def __len__(self) -> int:
        return len(self._sources)

    def find(self, name: str) -> MeasureSource:
        """The measure that `name` means; exact names come before CMS ids, and `|version` tells versions apart.

        Of several versions of one measure the latest is meant, as in canonical references of FHIR. Raises
        MeasureNotFound if there is no such measure, or if it may be any of several.
        """
        found = self.versions(name)
        if len({source.url for source in found}) == 1:
            return found[0]
        if found:
            told = ", ".join(sorted(f"{source} ({source.url})" for source in found))
            raise MeasureNotFound(f"{name!r} may mean any of: {told}")
        wanted, _, version = name.partition("|")
        if others := self.versions(wanted):
            at_hand = ", ".join(str(source.version) for source in others)
            raise MeasureNotFound(f"there is no version {version} of {others[0].name}; there is {at_hand}")
        raise not_found(name, (source.name for source in self._sources))

    def versions(self, name: str) -> list[MeasureSource]:
        """All measures that `name` may mean, the latest version first."""
        wanted, _, version = name.partition("|")
        meant = named(wanted, self._sources, lambda source: source.names)
        found = [source for source in meant if version in ("", source.version)]
        return sorted(found, key=lambda source: version_key(source.version), reverse=True)

    def measure(self, source: MeasureSource) -> Measure:
        """The measure that was read from a source."""
        return self._parsed[str(source)]
