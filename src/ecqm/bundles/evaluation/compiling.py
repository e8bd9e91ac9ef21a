"""Compiling libraries of published content that come without ELM.

Importing this module loads the compiler and its parser, which takes 0.2 s.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from ecqm.bundles.content import Content
from ecqm.bundles.content.libraries import Format, LibraryNotFound, LibrarySource
from ecqm.elm import ElmError, IndexedLibrary
from ecqm.language import CompiledCache, Compiler, CompilerOptions, Diagnostic
from ecqm.language.sources import KnownSources, unqualified
from ecqm.measures.definition import Measure, MeasureError


def compiled_cache() -> CompiledCache:
    """The cache of compiled libraries, in $ECQM_CACHE, otherwise in the user's cache folder."""
    named = os.environ.get("ECQM_CACHE")
    if named:
        return CompiledCache(Path(named))
    cache = os.environ.get("XDG_CACHE_HOME")
    return CompiledCache((Path(cache) if cache else Path.home() / ".cache") / "ecqm" / "compiled")


class ContentSources(KnownSources):
    """The CQL of a content's libraries."""

    def __init__(self, content: Content, relax_versions: bool = False) -> None:
        self._libraries = content.libraries
        self._relax_versions = relax_versions

    def find(self, name: str, version: str | None) -> LibrarySource:
        """The library with this name, whatever the namespace of an include. Raises LibraryNotFound."""
        name = unqualified(name)
        return (self._libraries.nearest if self._relax_versions else self._libraries.find)(name, version)

    def __call__(self, name: str, version: str | None) -> str | None:
        """The CQL of a library; None if the content has none."""
        try:
            return self.find(name, version).cql()
        except LibraryNotFound:
            return None

    def versions(self, name: str) -> list[str | None]:
        """The versions of a library in the content."""
        return [source.version for source in self._libraries.versions(unqualified(name))]

    def file(self, name: str, version: str | None) -> str | None:
        """Where the CQL of a library is, for messages; None if the content has none."""
        try:
            return file_of(self.find(name, version))
        except LibraryNotFound:
            return None


def file_of(library: LibrarySource) -> str | None:
    """The file of a library's CQL; lines are those of the CQL even where it is attached to a resource."""
    place = library.place(Format.CQL)
    return place if place is None or place.endswith(".cql") else f"{place} ({Format.CQL})"


class ContentCompiler:
    """Compiles the libraries of one content, each once."""

    def __init__(self, content: Content, relax_versions: bool = False) -> None:
        self.sources = ContentSources(content, relax_versions)
        # Annotations and locators are what `explain` and messages show of the source.
        self._compiler = Compiler(self.sources, CompilerOptions(annotations=True, locators=True), compiled_cache())

    def library(self, library: LibrarySource) -> tuple[IndexedLibrary, Sequence[Diagnostic]]:
        """A library, with the warnings of the compiler. Raises ElmError with all errors."""
        compilation = self._compiler.library(library.name, library.version)
        if compilation is None:
            raise ElmError("has neither ELM nor CQL in the content; add it with --libraries", library=str(library))
        if compilation.errors:
            told = _told(compilation.errors, file_of(library))
            raise ElmError(f"does not compile:\n{told}", library=str(library))
        return IndexedLibrary(compilation.library, f"{library} (compiled)"), compilation.warnings

    def with_criteria(self, primary: LibrarySource, measure: Measure, criteria: Sequence[str]) -> IndexedLibrary:
        """The library of a measure with a definition for each criterion, named by the text of the criterion. Raises
        MeasureError for criteria that do not compile, ElmError for other errors of the library."""
        cql = primary.cql()
        if cql is None:
            raise MeasureError(
                f"measure {measure.name} has the criterion {criteria[0]!r}, which is an expression: to compile it "
                f"takes the CQL of library {primary}, which is not at hand; add it with --libraries"
            )
        cql += "\ncontext Patient\n"
        for criterion in criteria:
            if errors := self._compiler.compile_expression(criterion, cql).errors:
                told = _told(errors, file_of(primary))
                raise MeasureError(f"criterion {criterion!r} of measure {measure.name} does not compile:\n{told}")
        definitions = (f"define {_quoted(criterion)}:\n{criterion}\n" for criterion in criteria)
        compilation = self._compiler.compile_library(cql + "".join(definitions))
        if compilation.errors:
            raise ElmError(_told(compilation.errors, file_of(primary)), library=str(primary))
        return IndexedLibrary(compilation.library, f"{primary} with the criteria of {measure.name} (compiled)")


def _told(errors: Iterable[Diagnostic], file: str | None) -> str:
    """A line per error; one without a library is of a criterion."""
    return "\n".join(error.render(file if error.library else "criterion") for error in errors)


def _quoted(name: str) -> str:
    """A name as CQL's quoted identifier."""
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
