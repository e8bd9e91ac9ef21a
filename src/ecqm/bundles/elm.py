"""The ELM of content's libraries, in the form in which library resolution takes it."""

from __future__ import annotations

from collections.abc import Iterable

from ecqm.bundles.libraries import Format, Libraries, LibrarySource
from ecqm.elm.library import LibraryIdentifier
from ecqm.elm.resolution import LibraryCollection
from ecqm.elm.sources import LibrarySource as ElmSource


def elm_source(library: LibrarySource) -> ElmSource | None:
    """A library's ELM, JSON before XML; None if it is at hand only as CQL."""
    for form, data in ((Format.ELM_JSON, library.elm_json()), (Format.ELM_XML, library.elm_xml())):
        if data is not None:
            origin = f"{library.origin(form)} ({form})"
            return ElmSource(data, origin, LibraryIdentifier(library.name, library.version))
    return None


def elm_collection(
    libraries: Libraries | Iterable[LibrarySource], relax_versions: bool = False
) -> tuple[LibraryCollection, tuple[LibrarySource, ...]]:
    """The ELM of libraries (those of a measure's closure, or all of a content) as a collection to resolve from.

    The second value names the libraries that are left out because they are at hand only as CQL.
    """
    collection = LibraryCollection(relax_versions=relax_versions)
    without: list[LibrarySource] = []
    for library in libraries:
        source = elm_source(library)
        if source is None:
            without.append(library)
        else:
            collection.add(source)
    return collection, tuple(without)
