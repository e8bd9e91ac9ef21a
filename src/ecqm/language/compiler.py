"""Compiling libraries and expressions: the front door of the package."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ecqm.elm import nodes
from ecqm.language.diagnostics import CqlError, Diagnostic, Diagnostics
from ecqm.language.model_context import ModelContext
from ecqm.language.options import CompilerOptions
from ecqm.language.parsing import deep_recursion, parse
from ecqm.language.symbols import Exports
from ecqm.language.translation.core import Context
from ecqm.language.translation.declarations import BrokenLibrary
from ecqm.language.translation.library import LibraryTranslator, translator_info
from ecqm.types import CqlType

TRANSLATOR_VERSION = "1"
EXPRESSION_NAME = "Expression"
SourceResolver = Callable[[str, str | None], str | None]
"""The CQL source of the library of that name and version (None: any), or None where there is none."""


@dataclass(frozen=True, slots=True)
class Compilation:
    """What came of compiling one source. `library` holds what could be translated, even beside errors.

    `result` is the type of the expression, for a compilation of one.
    """

    library: nodes.Library
    errors: tuple[Diagnostic, ...]
    warnings: tuple[Diagnostic, ...]
    exports: Exports
    result: CqlType | None = None

    @property
    def ok(self) -> bool:
        return not self.errors


class Compiler:
    """Compiles sources that include each other; each included library is compiled once.

    Not for use by several threads at once; what it returns is not changed any more.
    """

    def __init__(self, resolver: SourceResolver | None = None, options: CompilerOptions | None = None) -> None:
        self.resolver = resolver
        self.options = options or CompilerOptions()
        self._included: dict[tuple[str, str | None], Compilation] = {}
        self._in_progress: list[str] = []

    def compile_library(self, source: str) -> Compilation:
        """Compile the text of a library. Never raises for what the text holds: see the errors of the result."""
        diagnostics = Diagnostics()
        parsed = parse(source, diagnostics)
        translator = self._translator(parsed, diagnostics)
        with deep_recursion():
            library = translator.translate_library()
        library.annotation = [translator_info(TRANSLATOR_VERSION, self.options)]
        return Compilation(library, diagnostics.errors, diagnostics.warnings, translator.exports)

    def compile_expression(self, source: str, library: str | None = None) -> Compilation:
        """Compile one expression, in the light of a library's source if one is given.

        The library of the result defines it as `Expression`, after the statements of the given library.
        """
        library_diagnostics, diagnostics = Diagnostics(), Diagnostics()
        surroundings = None if library is None else parse(library, library_diagnostics)
        parsed = parse(source, diagnostics, "standaloneExpression")
        translator = self._translator(surroundings, library_diagnostics)
        with deep_recursion():
            elm = translator.translate_library()
            result = None
            if parsed is not None and not parsed.damaged:
                translator.diagnostics = diagnostics
                result = translator.translate_standalone(parsed.tree, EXPRESSION_NAME)
        errors = (*library_diagnostics.errors, *diagnostics.errors)
        warnings = (*library_diagnostics.warnings, *diagnostics.warnings)
        return Compilation(elm, errors, warnings, translator.exports, result)

    def library(self, name: str, version: str | None = None) -> Compilation | None:
        """The compiled library of that name, found by the resolver; None where it finds none."""
        key = (name, version)
        if key not in self._included:
            source = None if self.resolver is None else self.resolver(name, version)
            if source is None:
                return None
            self._in_progress.append(name)
            try:
                self._included[key] = self.compile_library(source)
            finally:
                self._in_progress.pop()
        return self._included[key]

    def _translator(self, parsed: object, diagnostics: Diagnostics) -> LibraryTranslator:
        models = ModelContext(self.options.promotions)
        return LibraryTranslator(parsed, models, self.options, diagnostics, self._include)  # type: ignore[arg-type]

    def _include(self, name: str, version: str | None, context: Context) -> Exports:
        if name in self._in_progress:
            chain = " includes ".join([*self._in_progress, name])
            raise CqlError(f"libraries include each other: {chain}", context)
        compilation = self.library(name, version)
        if compilation is None:
            which = name if version is None else f"{name} version {version}"
            raise CqlError(f"the library {which} is not found", context)
        if compilation.errors:
            first = compilation.errors[0]
            count = len(compilation.errors)
            error = f"the library {name} has {count} errors, the first: {first.render(name)}"
            raise BrokenLibrary(error, context, compilation.exports)
        return compilation.exports


def compile_library(
    source: str, *, resolver: SourceResolver | None = None, options: CompilerOptions | None = None
) -> Compilation:
    """Compile the text of a library; what it includes is found by `resolver`."""
    return Compiler(resolver, options).compile_library(source)


def compile_expression(
    source: str,
    *,
    library: str | None = None,
    resolver: SourceResolver | None = None,
    options: CompilerOptions | None = None,
) -> Compilation:
    """Compile one expression, in the light of a library's source if one is given; see `Compiler`."""
    return Compiler(resolver, options).compile_expression(source, library)
