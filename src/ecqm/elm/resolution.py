"""Resolving includes, by name and exact version (CQL specification: Using Libraries)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ecqm.elm.errors import ElmError
from ecqm.elm.library import IndexedLibrary, LibraryIdentifier
from ecqm.elm.nodes import bare
from ecqm.elm.sources import LibrarySource
from ecqm.versions import version_key


@dataclass(frozen=True)
class ResolvedLibraries:
    """A library with all libraries that it includes, directly or indirectly."""

    main: IndexedLibrary
    libraries: tuple[IndexedLibrary, ...]
    """All libraries, each once. Included libraries come before those that include them; `main` is last."""
    warnings: tuple[str, ...] = ()
    _included: dict[tuple[LibraryIdentifier, str], IndexedLibrary] = field(default_factory=dict, repr=False)

    def included(self, library: IndexedLibrary, alias: str | None) -> IndexedLibrary:
        """The library that `library` includes as `alias`; for None, `library` itself. Raises ElmError."""
        if alias is None:
            return library
        found = self._included.get((library.identifier, alias))
        if found is None:
            raise ElmError(f"includes no library called {alias!r}", library=str(library.identifier))
        return found


class LibraryCollection:
    """The available libraries, parsed or not, from which includes are resolved.

    With `relax_versions`, the nearest version replaces a missing one, and a warning is recorded.
    """

    def __init__(self, sources: Iterable[LibrarySource | IndexedLibrary] = (), *, relax_versions: bool = False) -> None:
        self.relax_versions = relax_versions
        self._sources: dict[str, dict[str | None, list[LibrarySource | IndexedLibrary]]] = {}
        for source in sources:
            self.add(source)

    def add(self, source: LibrarySource | IndexedLibrary) -> None:
        """Add a library. Adding the same library twice has no effect."""
        identifier = source.identifier
        self._sources.setdefault(identifier.name, {}).setdefault(identifier.version, []).append(source)

    def versions(self, name: str) -> tuple[str, ...]:
        """The available versions of a library, oldest first."""
        return tuple(sorted((v for v in self._sources.get(name, {}) if v is not None), key=version_key))

    def identifiers(self) -> tuple[LibraryIdentifier, ...]:
        """All available libraries."""
        return tuple(LibraryIdentifier(name, v) for name, versions in self._sources.items() for v in versions)

    def library(self, name: str, version: str | None = None) -> IndexedLibrary:
        """The library with a name and version; the newest version for None. Raises ElmError if it is not available."""
        return self._find(LibraryIdentifier(name, version), None, [])

    def resolve(self, main: IndexedLibrary | LibraryIdentifier) -> ResolvedLibraries:
        """`main` with all libraries that it includes.

        Raises ElmError for a missing library, a cyclic include, or a library that has two different definitions.
        """
        warnings: list[str] = []
        if isinstance(main, LibraryIdentifier):
            main = self._find(main, None, warnings)
        done: dict[LibraryIdentifier, IndexedLibrary] = {}
        included: dict[tuple[LibraryIdentifier, str], IndexedLibrary] = {}

        def visit(library: IndexedLibrary, path: tuple[LibraryIdentifier, ...]) -> None:
            if library.identifier in path:
                cycle = [*path[path.index(library.identifier) :], library.identifier]
                raise ElmError("cyclic include: " + " → ".join(map(str, cycle)))
            if library.identifier in done:
                return
            for alias, wanted in library.includes.items():
                found = self._find(wanted, library.identifier, warnings)
                included[library.identifier, alias] = found
                visit(found, (*path, library.identifier))
            done[library.identifier] = library

        visit(main, ())
        return ResolvedLibraries(main, tuple(done.values()), tuple(dict.fromkeys(warnings)), included)

    def _find(
        self, wanted: LibraryIdentifier, included_by: LibraryIdentifier | None, warnings: list[str]
    ) -> IndexedLibrary:
        available = self._sources.get(wanted.name, {})
        if wanted.version in available:
            return _only(available[wanted.version])
        by = f" (included by {included_by})" if included_by else ""
        versions = self.versions(wanted.name)
        if wanted.version is None and versions:
            if len(versions) > 1:
                chosen, others = versions[-1], ", ".join(versions)
                warnings.append(f"library {wanted.name}{by} without a version: using {chosen} of {others}")
            return _only(available[versions[-1]])
        if self.relax_versions and wanted.version and versions:
            nearest = nearest_version(wanted.version, versions)
            warnings.append(f"library {wanted}{by} not found: using version {nearest} instead")
            return _only(available[nearest])
        others = f"available versions: {', '.join(versions)}" if versions else "no version of it is available"
        raise ElmError(f"library {wanted}{by} not found; {others}")


def nearest_version(wanted: str, versions: Iterable[str]) -> str:
    """The version nearest to `wanted`.

    It is one that shares the most leading parts with `wanted`: the first newer one, or else the last older one.
    """
    key = version_key(wanted)

    def agreement(version: str) -> int:
        other = version_key(version)
        return next(
            (at for at, (a, b) in enumerate(zip(key, other, strict=False)) if a != b), min(len(key), len(other))
        )

    ordered = sorted(versions, key=version_key)
    best = max(map(agreement, ordered))
    close = [version for version in ordered if agreement(version) == best]
    return next((version for version in close if version_key(version) >= key), close[-1])


def _parsed(source: LibrarySource | IndexedLibrary) -> IndexedLibrary:
    return source.library if isinstance(source, LibrarySource) else source


def _only(sources: list[LibrarySource | IndexedLibrary]) -> IndexedLibrary:
    """The library that all these sources define. Raises ElmError if they define it differently."""
    first = _parsed(sources[0])
    seen = {sources[0].digest} if isinstance(sources[0], LibrarySource) else set()
    meaning = None
    for other in sources[1:]:
        if isinstance(other, LibrarySource) and other.digest in seen:
            continue
        meaning = meaning or bare(first.node)
        if bare(_parsed(other).node) != meaning:
            origins = " and ".join(sorted({first.origin, other.origin}))
            raise ElmError(f"library {first.identifier} is defined differently in {origins}")
    return first
