"""Manifests: Library resources that pin the versions of the parts of a publication.

A manifest (an asset collection; also called a version manifest or an expansion profile) pins what measures name without
version: each `depends-on` artifact is a canonical with version (Canonical Resource Management Infrastructure IG,
"Artifact Manifest"). Only those of value sets are used; expansion rules are not needed, because expansions are
published.
"""

from __future__ import annotations

import msgspec

from ecqm.bundles.content.documents import ContentError, Document
from ecqm.json_decoding import json_decoder


class _Artifact(msgspec.Struct, frozen=True):
    type: str | None = None
    resource: str | None = None


class _Library(msgspec.Struct, frozen=True):
    resourceType: str = ""
    id: str | None = None
    url: str | None = None
    name: str | None = None
    relatedArtifact: list[_Artifact] | None = None


_decode = json_decoder(_Library)


class Manifests:
    """The Library resources of a content without logic, by id, name and URL."""

    def __init__(self) -> None:
        self._named: dict[str, Document] = {}

    def add(self, document: Document, data: bytes) -> None:
        """A Library resource without logic."""
        library = _decode(data)
        for name in (library.url, library.id, library.name):
            if name:
                self._named.setdefault(name, document)

    def versions(self, name: str) -> tuple[str, ...]:
        """The canonicals pinned by the manifest with that id, name or URL. Raises ContentError."""
        document = self._named.get(name)
        if document is None:
            raise ContentError(f"there is no manifest {name}; there are: {', '.join(sorted(self._named)) or 'none'}")
        return pinned_versions(document.read(), document.place)


def pinned_versions(data: bytes, origin: str) -> tuple[str, ...]:
    """The canonicals with version that a manifest (JSON) depends on. Raises ContentError."""
    try:
        library = _decode(data)
    except msgspec.DecodeError as error:
        raise ContentError(f"{origin}: {error}") from error
    if library.resourceType != "Library":
        raise ContentError(f"{origin}: a {library.resourceType or 'nameless'} resource where a manifest was expected")
    return tuple(
        artifact.resource
        for artifact in library.relatedArtifact or ()
        if artifact.type == "depends-on" and artifact.resource and "|" in artifact.resource
    )
