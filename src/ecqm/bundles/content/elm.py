"""The ELM of content's libraries, in the form in which library resolution takes it."""

from __future__ import annotations

from ecqm.bundles.content.libraries import Format, LibrarySource
from ecqm.elm.library import LibraryIdentifier
from ecqm.elm.sources import LibrarySource as ElmSource


def elm_source(library: LibrarySource) -> ElmSource | None:
    """A library's ELM, JSON before XML; None if it is at hand only as CQL."""
    for form, data in ((Format.ELM_JSON, library.elm_json()), (Format.ELM_XML, library.elm_xml())):
        if data is not None:
            origin = f"{library.origin(form)} ({form})"
            return ElmSource(data, origin, LibraryIdentifier(library.name, library.version))
    return None
