"""Bundles (FHIR R4, "Resource Bundle"), whose resources are decoded one by one."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec


class BundleEntry(msgspec.Struct, gc=False):
    """An entry of a bundle. Its resource stays bytes, so that one unreadable resource does not affect the others."""

    fullUrl: str | None = None
    resource: msgspec.Raw = msgspec.Raw()


class Bundle(msgspec.Struct, tag_field="resourceType", tag="Bundle"):
    """A bundle of any type."""

    id: str | None = None
    type: str | None = None
    entry: list[BundleEntry] | None = None

    def resources(self) -> Iterator[tuple[int, msgspec.Raw, str | None]]:
        """The entries that hold a resource: number (from 0), JSON, and the fullUrl if it is a URN."""
        for number, entry in enumerate(self.entry or ()):
            if memoryview(entry.resource).nbytes:
                url = entry.fullUrl
                yield number, entry.resource, url if url is not None and url.startswith("urn:") else None
