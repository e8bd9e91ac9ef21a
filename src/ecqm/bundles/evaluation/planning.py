"""Planning the measures of published content."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ecqm.bundles.content import Content
from ecqm.bundles.content.elm import elm_source
from ecqm.bundles.content.libraries import LibraryNotFound, LibrarySource
from ecqm.elm import ElmError, IndexedLibrary, LibraryCollection, LibraryIdentifier, ResolvedLibraries
from ecqm.elm import LibrarySource as ElmSource
from ecqm.engine import kernel_for
from ecqm.measures.definition import Measure, MeasureError
from ecqm.measures.definition.binding import criteria_in_cql
from ecqm.measures.evaluation.planning import MeasurePlan, plan_measure
from ecqm.models import assumption
from ecqm.plan.lowering import Lowered

if TYPE_CHECKING:
    from ecqm.language import CompiledCache, Compiler

# The compiler is imported when it is needed: loading its parser takes 0.2 s, and most measures come with their ELM.

LibraryForm = Literal["elm", "cql"]
"""What libraries are taken from: their published ELM (compiling what has none), or their CQL throughout."""


def compiled_cache() -> CompiledCache:
    """The cache of compiled libraries, in $ECQM_CACHE, otherwise in the user's cache folder."""
    from ecqm.language import CompiledCache

    named = os.environ.get("ECQM_CACHE")
    if named:
        return CompiledCache(Path(named))
    cache = os.environ.get("XDG_CACHE_HOME")
    return CompiledCache((Path(cache) if cache else Path.home() / ".cache") / "ecqm" / "compiled")


class Planner:
    """Plans measures of one content. Libraries are read once, and nodes that measures share are planned once.

    `warnings` are the compiler's warnings and assumed versions of data models, each once, with the first library that
    it is about.
    """

    def __init__(self, content: Content, relax_versions: bool = False, form: LibraryForm = "elm") -> None:
        self.content = content
        self.relax_versions = relax_versions
        self.form = form
        self._libraries: dict[LibraryIdentifier, ElmSource | IndexedLibrary] = {}
        self._lowered = Lowered()
        self.warnings: dict[str, str] = {}

    @cached_property
    def _compiler(self) -> Compiler:
        from ecqm.language import Compiler, CompilerOptions

        # Annotations and locators are what `explain` and messages show of the source.
        return Compiler(self._cql, CompilerOptions(annotations=True, locators=True), compiled_cache())

    def libraries(self, measure: Measure) -> ResolvedLibraries:
        """The libraries of a measure, read or compiled, and linked.

        Criteria that are expressions become definitions of the primary library, which is compiled with them. Raises
        ElmError for a library that is missing (listing the available versions), cyclic or ambiguous, or whose CQL has
        errors (with all errors); MeasureError for criteria that do not compile.
        """
        primary = self.content.primary_library(measure)
        found: dict[LibraryIdentifier, ElmSource | IndexedLibrary] = {}
        if self.form == "cql":
            self._add_compiled(primary, found)
        else:
            for library in self.content.closure(measure, self.relax_versions).libraries:
                found[LibraryIdentifier(library.name, library.version)] = self._library(library)
        collection = LibraryCollection(found.values(), relax_versions=self.relax_versions)
        resolved = collection.resolve(next(iter(found.values())).identifier)
        main = resolved.main
        if written := criteria_in_cql(measure, (*main.expressions, *main.functions), main.identifier.name):
            main = found[main.identifier] = self._with_criteria(primary, measure, written)
            resolved = LibraryCollection(found.values(), relax_versions=self.relax_versions).resolve(main)
        self._warn_of_models(resolved)
        return resolved

    def plan(self, measure: Measure) -> MeasurePlan:
        """The plan of a measure. Raises ElmError, PlanError, MeasureError or LibraryNotFound."""
        if not measure.groups:
            named = {component.measure for composite in measure.composites for component in composite.components}
            raise MeasureError(f"measure {measure.name} has no logic, only components: {', '.join(sorted(named))}")
        return plan_measure(measure, self.libraries(measure), kernel_for, self._lowered)

    def _library(self, library: LibrarySource) -> ElmSource | IndexedLibrary:
        identifier = LibraryIdentifier(library.name, library.version)
        found = self._libraries.get(identifier)
        if found is None:
            source = elm_source(library) if self.form == "elm" else None
            found = self._libraries[identifier] = source or self._compiled(library)
        return found

    def _warn_of_models(self, libraries: ResolvedLibraries) -> None:
        for library in libraries.libraries:
            for using in library.usings:
                told = assumption(using.localIdentifier or "", using.version) if using.version else None
                if told is not None:
                    self.warnings.setdefault(told, str(library.identifier))

    def _add_compiled(self, library: LibrarySource, found: dict[LibraryIdentifier, ElmSource | IndexedLibrary]) -> None:
        """Add the library and all that it includes, compiled from CQL."""
        compiled = self._library(library)
        assert isinstance(compiled, IndexedLibrary)
        if compiled.identifier in found:
            return
        found[compiled.identifier] = compiled
        for included in compiled.includes.values():
            self._add_compiled(self._find(included.name, included.version), found)

    def _compiled(self, library: LibrarySource) -> IndexedLibrary:
        compilation = self._compiler.library(library.name, library.version)
        if compilation is None:
            raise ElmError("has neither ELM nor CQL in the content; add it with --libraries", library=str(library))
        if compilation.errors:
            told = "\n".join(error.render() for error in compilation.errors)
            raise ElmError(f"does not compile:\n{told}", library=str(library))
        for warning in compilation.warnings:
            self.warnings.setdefault(warning.message, str(library))
        return IndexedLibrary(compilation.library, f"{library} (compiled)")

    def _with_criteria(self, primary: LibrarySource, measure: Measure, criteria: Sequence[str]) -> IndexedLibrary:
        """The library of a measure with a definition for each criterion, named by the text of the criterion."""
        cql = primary.cql()
        if cql is None:
            raise MeasureError(
                f"measure {measure.name} has the criterion {criteria[0]!r}, which is an expression: to compile it "
                f"takes the CQL of library {primary}, which is not at hand; add it with --libraries"
            )
        cql += "\ncontext Patient\n"
        for criterion in criteria:
            if errors := self._compiler.compile_expression(criterion, cql).errors:
                told = "\n".join(error.render() for error in errors)
                raise MeasureError(f"criterion {criterion!r} of measure {measure.name} does not compile:\n{told}")
        definitions = (f"define {_quoted(criterion)}:\n{criterion}\n" for criterion in criteria)
        compilation = self._compiler.compile_library(cql + "".join(definitions))
        if compilation.errors:
            raise ElmError("\n".join(error.render() for error in compilation.errors), library=str(primary))
        return IndexedLibrary(compilation.library, f"{primary} with the criteria of {measure.name} (compiled)")

    def _cql(self, name: str, version: str | None) -> str | None:
        # Libraries are looked up by name, without the namespace of an include.
        try:
            return self._find(name.rpartition(".")[2], version).cql()
        except LibraryNotFound:
            return None

    def _find(self, name: str, version: str | None) -> LibrarySource:
        libraries = self.content.libraries
        return libraries.nearest(name, version) if self.relax_versions else libraries.find(name, version)


def _quoted(name: str) -> str:
    """A name as CQL's quoted identifier."""
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def plan_of(content: Content, measure: Measure, relax_versions: bool = False) -> MeasurePlan:
    """The plan of one measure of published content; see `Planner.plan`."""
    return Planner(content, relax_versions).plan(measure)
