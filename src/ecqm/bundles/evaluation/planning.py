"""Planning the measures of published content."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Literal

from ecqm.bundles.content import Content
from ecqm.bundles.content.elm import elm_source
from ecqm.bundles.content.libraries import LibrarySource
from ecqm.elm import IndexedLibrary, LibraryCollection, LibraryIdentifier, ResolvedLibraries
from ecqm.elm import LibrarySource as ElmSource
from ecqm.engine import kernel_for
from ecqm.measures.definition import Measure, MeasureError
from ecqm.measures.definition.binding import criteria_in_cql
from ecqm.measures.evaluation.criteria import criteria_problems
from ecqm.measures.evaluation.planning import MeasurePlan, plan_groups, plan_measure
from ecqm.models import assumption
from ecqm.plan.lowering import Lowered

if TYPE_CHECKING:
    from ecqm.bundles.evaluation.compiling import ContentCompiler

# The compiler is imported when it is needed: loading its parser takes 0.2 s, and most measures come with their ELM.

LibraryForm = Literal["elm", "cql"]
"""What libraries are taken from: their published ELM (compiling what has none), or their CQL throughout."""


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
    def _compiler(self) -> ContentCompiler:
        from ecqm.bundles.evaluation.compiling import ContentCompiler

        return ContentCompiler(self.content, self.relax_versions)

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
            main = found[main.identifier] = self._compiler.with_criteria(primary, measure, written)
            resolved = LibraryCollection(found.values(), relax_versions=self.relax_versions).resolve(main)
        self._warn_of_models(resolved)
        for supplied in self.content.libraries.supplied.values():
            self.warnings.setdefault(f"{supplied} is not in the content; ecqm's own is used", str(main.identifier))
        return resolved

    def plan(self, measure: Measure) -> MeasurePlan:
        """The plan of a measure, without groups that cannot be planned if there are others.

        Raises ElmError, PlanError, MeasureError or LibraryNotFound.
        """
        if not measure.groups:
            named = {component.measure for composite in measure.composites for component in composite.components}
            raise MeasureError(f"measure {measure.name} has no logic, only components: {', '.join(sorted(named))}")
        return plan_groups(measure, self._plan)

    def _plan(self, measure: Measure) -> MeasurePlan:
        plan = plan_measure(measure, self.libraries(measure), kernel_for, self._lowered)
        plan.problems.extend(criteria_problems(plan))
        return plan

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
            self._add_compiled(self._compiler.sources.find(included.name, included.version), found)

    def _compiled(self, library: LibrarySource) -> IndexedLibrary:
        compiled, warnings = self._compiler.library(library)
        for warning in warnings:
            self.warnings.setdefault(warning.message, str(library))
        return compiled


def plan_of(content: Content, measure: Measure, relax_versions: bool = False) -> MeasurePlan:
    """The plan of one measure of published content; see `Planner.plan`."""
    return Planner(content, relax_versions).plan(measure)
