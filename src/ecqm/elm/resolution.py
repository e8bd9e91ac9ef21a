"""Finding the libraries that a library includes, by name and exact version (CQL specification: Using Libraries)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ecqm.elm.errors import ElmError
from ecqm.elm.library import IndexedLibrary, LibraryIdentifier
from ecqm.elm.nodes import bare
from ecqm.elm.sources import LibrarySource


@dataclass(frozen=True)
class ResolvedLibraries:
    """A library with all that it includes, directly or not."""

    main: IndexedLibrary
    libraries: tuple[IndexedLibrary, ...]
    """Each once, what is included before what includes it; `main` is last."""
    warnings: tuple[str, ...] = ()
    _included: dict[tuple[LibraryIdentifier, str], IndexedLibrary] = field(default_factory=dict, repr=False)

    def included(self, library: IndexedLibrary, alias: str | None) -> IndexedLibrary:
        """The library that `alias` stands for within `library`; itself for None. Raises ElmError."""
        if alias is None:
            return library
        found = self._included.get((library.identifier, alias))
        if found is None:
            raise ElmError(f"includes no library called {alias!r}", library=str(library.identifier))
        return found


class LibraryCollection:
    """Libraries at hand, some parsed and some not, from which includes are resolved.

    With `relax_versions` an include whose exact version is missing gets the nearest one, and a warning is recorded.
    """

    def __init__(self, sources: Iterable[LibrarySource | IndexedLibrary] = (), *, relax_versions: bool = False) -> None:
        self.relax_versions = relax_versions
        self._sources: dict[str, dict[str | None, list[LibrarySource | IndexedLibrary]]] = {}
        for source in sources:
            self.add(source)

    def add(self, source: LibrarySource | IndexedLibrary) -> None:
        """Put one more library at hand; the same one twice does no harm."""
        identifier = source.identifier
        self._sources.setdefault(identifier.name, {}).setdefault(identifier.version, []).append(source)

    def versions(self, name: str) -> tuple[str, ...]:
        """The versions of a library at hand, oldest first."""
        return tuple(sorted((v for v in self._sources.get(name, {}) if v is not None), key=_version_key))

    def identifiers(self) -> tuple[LibraryIdentifier, ...]:
        """All libraries at hand."""
        return tuple(LibraryIdentifier(name, v) for name, versions in self._sources.items() for v in versions)

    def library(self, name: str, version: str | None = None) -> IndexedLibrary:
        """The library of that name and version (without one, the newest). Raises ElmError when it is not at hand."""
        return self._find(LibraryIdentifier(name, version), None, [])

    def resolve(self, main: IndexedLibrary | LibraryIdentifier) -> ResolvedLibraries:
        """`main` with all that it includes.

        Raises ElmError for a library that is missing, that includes itself by way of others, or that is at hand in
        two different forms.
        """
        warnings: list[str] = []
        if isinstance(main, LibraryIdentifier):
            main = self._find(main, None, warnings)
        done: dict[LibraryIdentifier, IndexedLibrary] = {}
        included: dict[tuple[LibraryIdentifier, str], IndexedLibrary] = {}

        def visit(library: IndexedLibrary, path: tuple[LibraryIdentifier, ...]) -> None:
            if library.identifier in path:
                cycle = [*path[path.index(library.identifier) :], library.identifier]
                raise ElmError("libraries include each other in a circle: " + " → ".join(map(str, cycle)))
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
        at_hand = self._sources.get(wanted.name, {})
        if wanted.version in at_hand:
            return _only(at_hand[wanted.version])
        by = f", which {included_by} includes," if included_by else ""
        versions = self.versions(wanted.name)
        if wanted.version is None and versions:
            if len(versions) > 1:
                warnings.append(f"{wanted.name}{by} without a version: {versions[-1]} of {', '.join(versions)} taken")
            return _only(at_hand[versions[-1]])
        if self.relax_versions and wanted.version and versions:
            nearest = nearest_version(wanted.version, versions)
            warnings.append(f"{wanted}{by} is not at hand: {nearest} taken in its place")
            return _only(at_hand[nearest])
        others = f"there are versions {', '.join(versions)}" if versions else "there is no version of it"
        raise ElmError(f"library {wanted}{by} is not at hand; {others}")


def _version_key(version: str) -> tuple[tuple[int, str], ...]:
    """Orders versions by their numbers; a part that is no number comes before all that are."""
    return tuple((int(part), "") if part.isdigit() else (-1, part) for part in version.split("."))


def nearest_version(wanted: str, versions: Iterable[str]) -> str:
    """Of some versions the one nearest to `wanted`: that agrees with it the longest from the left, of those the first
    that is newer, else the last that is older."""
    key = _version_key(wanted)

    def agreement(version: str) -> int:
        other = _version_key(version)
        return next(
            (at for at, (a, b) in enumerate(zip(key, other, strict=False)) if a != b), min(len(key), len(other))
        )

    ordered = sorted(versions, key=_version_key)
    best = max(map(agreement, ordered))
    close = [version for version in ordered if agreement(version) == best]
    return next((version for version in close if _version_key(version) >= key), close[-1])


def _parsed(source: LibrarySource | IndexedLibrary) -> IndexedLibrary:
    return source.library if isinstance(source, LibrarySource) else source


def _only(sources: list[LibrarySource | IndexedLibrary]) -> IndexedLibrary:
    """The one library that all of these sources hold. Raises ElmError when they hold different ones."""
    first = _parsed(sources[0])
    seen = {sources[0].digest} if isinstance(sources[0], LibrarySource) else set()
    meaning = None
    for other in sources[1:]:
        if isinstance(other, LibrarySource) and other.digest in seen:
            continue
        meaning = meaning or bare(first.node)
        if bare(_parsed(other).node) != meaning:
            origins = " and ".join(sorted({first.origin, other.origin}))
            raise ElmError(f"library {first.identifier} is at hand in two different forms, in {origins}")
    return first
