"""Compiling libraries and expressions: the public interface of the package."""

from __future__ import annotations

from collections.abc import Callable

from ecqm.language.cache import CompiledCache, Dependencies, digest
from ecqm.language.compilation import Compilation, Compiled
from ecqm.language.diagnostics import Diagnostics, TranslationError
from ecqm.language.fhirhelpers import FHIR_HELPERS, fhir_helpers
from ecqm.language.model_context import ModelContext
from ecqm.language.nesting import deep_recursion
from ecqm.language.options import CompilerOptions
from ecqm.language.parse_trees import Context
from ecqm.language.parsing import ParsedLibrary, parse_expression, parse_library
from ecqm.language.sources import KnownSources, unqualified
from ecqm.language.symbols import Exports
from ecqm.language.translation.declarations import BrokenLibrary
from ecqm.language.translation.library import LibraryTranslator, translator_info

TRANSLATOR_VERSION = "1"
EXPRESSION_NAME = "Expression"
SourceResolver = Callable[[str, str | None], str | None]
"""Returns the CQL source of the library with a name and version (None: any version), or None if there is none."""


class Compiler:
    """Compiles sources that include each other; each included library is compiled once. FHIRHelpers need not be found.

    With a cache, libraries compiled earlier are taken from it. A compiler is for one thread at a time; its cache may be
    shared. Results are not changed after they are returned.
    """

    def __init__(
        self,
        resolver: SourceResolver | None = None,
        options: CompilerOptions | None = None,
        cache: CompiledCache | None = None,
    ) -> None:
        self.resolver = resolver
        self.options = options or CompilerOptions()
        self.cache = cache
        self._included: dict[tuple[str, str | None], Compiled] = {}
        self._sources: dict[tuple[str, str | None], str | None] = {}
        self._dependencies: dict[tuple[str, str | None], Dependencies] = {}
        self._gathering: list[dict[tuple[str, str | None], str]] = [{}]
        self._in_progress: list[str] = []

    def compile_library(self, source: str) -> Compilation:
        """Compile the text of a library. Problems of the text are in the `errors` of the result; none is raised."""
        return self._library(source)[0].compilation

    def compile_expression(self, source: str, library: str | None = None) -> Compilation:
        """Compile one expression. With `library`, the source of a library, it may refer to that library's declarations.

        The library of the result defines the expression as `Expression`, after the statements of the given library.
        """
        library_diagnostics, diagnostics = Diagnostics(), Diagnostics()
        surroundings = None if library is None else parse_library(library, library_diagnostics)
        expression = parse_expression(source, diagnostics)
        translator = self._translator(surroundings, library_diagnostics)
        with deep_recursion():
            elm = translator.translate_library()
            result = None
            if expression is not None:
                result = translator.translate_standalone(expression, EXPRESSION_NAME, diagnostics)
        errors = (*library_diagnostics.errors, *diagnostics.errors)
        warnings = (*library_diagnostics.warnings, *diagnostics.warnings)
        return Compilation(elm, errors, warnings, result)

    def library(self, name: str, version: str | None = None) -> Compilation | None:
        """The compiled library with this name; None if the resolver does not find it."""
        compiled = self._named(name, version)
        return None if compiled is None else compiled.compilation

    # ------------------------------------------------------------------------------------------ included libraries

    def _source(self, name: str, version: str | None) -> str | None:
        key = (name, version)
        if key not in self._sources:
            found = None if self.resolver is None else self.resolver(name, version)
            if found is None and unqualified(name) == FHIR_HELPERS:
                found = fhir_helpers(version)
            self._sources[key] = found
        return self._sources[key]

    def _named(self, name: str, version: str | None) -> Compiled | None:
        key = (name, version)
        source = self._source(name, version)
        if source is None:
            return None
        if key not in self._included:
            self._in_progress.append(name)
            try:
                self._included[key], self._dependencies[key] = self._library(source)
            finally:
                self._in_progress.pop()
        gathered = self._gathering[-1]
        gathered[key] = digest(source)
        for inner_name, inner_version, inner_digest in self._dependencies[key]:
            gathered[inner_name, inner_version] = inner_digest
        return self._included[key]

    def _library(self, source: str) -> tuple[Compiled, Dependencies]:
        """A library, compiled or taken from the cache, and the libraries that it includes."""
        cache_key = None if self.cache is None else self.cache.key(source, self.options)
        if self.cache is not None and cache_key is not None:
            found = self.cache.load(cache_key)
            if found is not None and self._are_current(found[1]):
                return found
        self._gathering.append({})
        try:
            compiled = self._compile(source)
        finally:
            gathered = self._gathering.pop()
        dependencies = tuple((name, version, text) for (name, version), text in gathered.items())
        if self.cache is not None and cache_key is not None and compiled.compilation.ok:
            self.cache.store(cache_key, compiled, dependencies)
        return compiled, dependencies

    def _are_current(self, dependencies: Dependencies) -> bool:
        for name, version, known in dependencies:
            source = self._source(name, version)
            if source is None or digest(source) != known:
                return False
        return True

    def _compile(self, source: str) -> Compiled:
        diagnostics = Diagnostics()
        parsed = parse_library(source, diagnostics)
        translator = self._translator(parsed, diagnostics)
        with deep_recursion():
            library = translator.translate_library()
        library.annotation = [translator_info(TRANSLATOR_VERSION, self.options)]
        return Compiled(Compilation(library, diagnostics.errors, diagnostics.warnings), translator.exports)

    def _translator(self, parsed: ParsedLibrary | None, diagnostics: Diagnostics) -> LibraryTranslator:
        return LibraryTranslator(
            parsed, ModelContext(self.options.promotions), self.options, diagnostics, self._include
        )

    def _known_versions(self, name: str) -> str:
        """The available versions of a library, for a message; empty if the resolver cannot list them."""
        if not isinstance(self.resolver, KnownSources):
            return ""
        versions = [version for version in self.resolver.versions(name) if version is not None]
        hint = f"available: {', '.join(versions)}" if versions else "add the folder that contains it with --libraries"
        return f"; {hint}"

    def _file(self, name: str, version: str | None) -> str:
        """Where the source of a library is, for a message; its name if the resolver does not know."""
        return (isinstance(self.resolver, KnownSources) and self.resolver.file(name, version)) or name

    def _include(self, name: str, version: str | None, context: Context) -> Exports:
        if name in self._in_progress:
            chain = " includes ".join([*self._in_progress, name])
            raise TranslationError(f"cyclic include: {chain}", context)
        compiled = self._named(name, version)
        if compiled is None:
            which = name if version is None else f"{name} version {version}"
            raise TranslationError(f"library {which} not found{self._known_versions(name)}", context)
        errors = compiled.compilation.errors
        if errors:
            how_many = "an error" if len(errors) == 1 else f"{len(errors)} errors, the first of them"
            message = f"the included library {name} has {how_many}: {errors[0].render(self._file(name, version))}"
            raise BrokenLibrary(message, context, compiled.exports)
        return compiled.exports


def compile_library(
    source: str,
    *,
    resolver: SourceResolver | None = None,
    options: CompilerOptions | None = None,
    cache: CompiledCache | None = None,
) -> Compilation:
    """Compile the text of a library; `resolver` finds the libraries that it includes."""
    return Compiler(resolver, options, cache).compile_library(source)


def compile_expression(
    source: str,
    *,
    library: str | None = None,
    resolver: SourceResolver | None = None,
    options: CompilerOptions | None = None,
) -> Compilation:
    """Compile one expression; see `Compiler.compile_expression`."""
    return Compiler(resolver, options).compile_expression(source, library)
