"""A library with everything that it includes, and the models and value sets that they name."""

from __future__ import annotations

from dataclasses import dataclass

from ecqm.bundles.content.libraries import Libraries, LibraryNotFound, LibrarySource


@dataclass(frozen=True)
class Closure:
    """A library with all that it includes, itself first, and the includes that are missing (with the reason)."""

    libraries: tuple[LibrarySource, ...]
    missing: tuple[str, ...]

    @property
    def warnings(self) -> tuple[str, ...]:
        """Libraries whose logic states another version than their resource."""
        return tuple(
            f"library {library}: its logic says that it is version {library.declared.version}"
            for library in self.libraries
            if library.declared.version is not None and library.declared.version != library.version
        )

    def models(self) -> set[str]:
        """The names of the data models that these libraries use."""
        return {model for library in self.libraries for model in library.declared.models}

    def value_sets(self) -> dict[str, list[str]]:
        """Every value set declared in these libraries, with the names of the libraries that declare it."""
        uses: dict[str, list[str]] = {}
        for library in self.libraries:
            for identifier in library.declared.value_sets:
                uses.setdefault(identifier, []).append(library.name)
        return uses


def closure(primary: LibrarySource, libraries: Libraries, relax_versions: bool = False) -> Closure:
    """A library with everything it includes, directly or indirectly. Cycles are not followed twice.

    Includes are resolved in exactly the version that they name; with `relax_versions`, a missing version is replaced by
    the nearest.
    """
    reached: dict[tuple[str, str | None], LibrarySource] = {(primary.name, primary.version): primary}
    missing: dict[str, None] = {}
    waiting = [primary]
    while waiting:
        source = waiting.pop(0)
        for name, version in source.declared.includes:
            try:
                included = libraries.nearest(name, version) if relax_versions else libraries.find(name, version)
            except LibraryNotFound as error:
                missing[f"{source} includes {name}: {error}"] = None
                continue
            if (included.name, included.version) not in reached:
                reached[(included.name, included.version)] = included
                waiting.append(included)
    return Closure(tuple(reached.values()), tuple(missing))
