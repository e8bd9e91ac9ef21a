"""The ELM of libraries as sources for library resolution."""

from __future__ import annotations

from ecqm.bundles.content.libraries import LibrarySource
from ecqm.elm.library import LibraryIdentifier
from ecqm.elm.sources import LibrarySource as ElmSource


def elm_source(library: LibrarySource) -> ElmSource | None:
    """A library's ELM, JSON before XML; None if it is at hand only as CQL."""
    if library.elm is None:
        return None
    form, data = library.elm
    return ElmSource(data, f"{library.place(form)} ({form})", LibraryIdentifier(library.name, library.version))
