"""Measures of a content by the names that people use for them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches

from ecqm.bundles.content.documents import Document
from ecqm.bundles.content.libraries import version_key
from ecqm.measures.definition import Measure
from ecqm.measures.definition.parsing import parse_measure


class MeasureNotFound(LookupError):
    """No measure, or more than one, has the name asked for; the message lists candidates."""


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


# CMS122FHIR…, CMS0334FHIR…, CMSFHIR844…, CMS_122v12: the number tells the measure, whatever stands around it.
_CMS_ID = re.compile(r"^CMS[_\- ]?(?:FHIR|eCQM)?[_\- ]?0*([1-9]\d*)", re.IGNORECASE)


def cms_id(name: str) -> str | None:
    """The CMS id that a name begins with, without leading zeros (CMS334 of CMS0334FHIRPCCesareanBirth)."""
    match = _CMS_ID.match(name)
    return f"CMS{match[1]}" if match else None


class Catalog:
    """Finds measures by file name, name, id, URL, short name or CMS id."""

    def __init__(self) -> None:
        self._sources: list[MeasureSource] = []
        self._parsed: dict[str, Measure] = {}

    def add(self, document: Document, data: bytes) -> None:
        """A Measure resource; `MeasureError` if it cannot be evaluated."""
        measure = parse_measure(data)
        stem = document.path.stem if "#" not in document.origin else ""
        names = {measure.name, measure.id, measure.url, measure.canonical, measure.url.rsplit("/", 1)[-1], stem}
        short = next((cms for name in (measure.name, *measure.short_names) if (cms := cms_id(name))), None)
        source = MeasureSource(
            name=measure.name,
            version=measure.version,
            url=measure.url,
            document=document,
            names=frozenset(name.lower() for name in (*names, *measure.short_names) if name),
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
        known = sorted(source.name for source in self._sources)
        close = get_close_matches(name, known, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(close)}?" if close else f"there are: {', '.join(known) or 'none'}"
        raise MeasureNotFound(f"there is no measure {name!r}; {hint}")

    def versions(self, name: str) -> list[MeasureSource]:
        """All measures that `name` may mean, the latest version first."""
        wanted, _, version = name.partition("|")
        found = [source for source in self._matching(wanted) if version in ("", source.version)]
        return sorted(found, key=lambda source: version_key(source.version), reverse=True)

    def measure(self, source: MeasureSource) -> Measure:
        return self._parsed[str(source)]

    def _matching(self, name: str) -> list[MeasureSource]:
        exact = [source for source in self._sources if name.lower() in source.names]
        if exact:
            return exact
        number = cms_id(name)
        rest = _CMS_ID.sub("", name).lower()
        of_id = [source for source in self._sources if number is not None and source.cms_id == number]
        if rest and of_id:
            # More than the id was given: it has to be how the measure's name goes on (CMS122FHIRDiabetes).
            of_id = [s for s in of_id if any(_CMS_ID.sub("", n).startswith(rest) or rest.endswith(n) for n in s.names)]
        if of_id or (number is not None and not rest):
            return of_id
        return [
            s for s in self._sources if any(n.startswith(name.lower()) for n in s.names if not n.startswith("http"))
        ]
