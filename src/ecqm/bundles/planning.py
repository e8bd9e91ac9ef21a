"""From published content to the plans of its measures."""

from __future__ import annotations

from ecqm.bundles.content import Content
from ecqm.bundles.elm import elm_source
from ecqm.bundles.libraries import LibrarySource
from ecqm.elm import ElmError, LibraryCollection, LibraryIdentifier, ResolvedLibraries
from ecqm.elm import LibrarySource as ElmSource
from ecqm.engine import kernel_for
from ecqm.measures.definition import Measure
from ecqm.measures.planning import MeasurePlan, plan_measure
from ecqm.plan.lowering import Lowered


class Planner:
    """Plans measures of one content. Libraries are read once, and what measures have in common is planned once."""

    def __init__(self, content: Content, relax_versions: bool = False) -> None:
        self.content = content
        self.relax_versions = relax_versions
        self._sources: dict[LibraryIdentifier, ElmSource] = {}
        self._lowered = Lowered()

    def libraries(self, measure: Measure) -> ResolvedLibraries:
        """The libraries of a measure, read and linked.

        Raises ElmError for a library that is missing (naming the versions at hand), cyclic or ambiguous, and for one
        that is at hand as CQL only.
        """
        closure = self.content.closure(measure, self.relax_versions)
        collection = LibraryCollection(map(self._source, closure.libraries), relax_versions=self.relax_versions)
        primary = closure.libraries[0]
        return collection.resolve(LibraryIdentifier(primary.name, primary.version))

    def plan(self, measure: Measure) -> MeasurePlan:
        """The plan of a measure. Raises ElmError, PlanError, MeasureError or LibraryNotFound."""
        return plan_measure(measure, self.libraries(measure), kernel_for, self._lowered)

    def _source(self, library: LibrarySource) -> ElmSource:
        identifier = LibraryIdentifier(library.name, library.version)
        found = self._sources.get(identifier)
        if found is None:
            found = elm_source(library)
            if found is None:
                raise ElmError("is at hand as CQL only, without ELM; compile it, or add its ELM", library=str(library))
            self._sources[identifier] = found
        return found


def plan_of(content: Content, measure: Measure, relax_versions: bool = False) -> MeasurePlan:
    """The plan of one measure of published content; see `Planner.plan`."""
    return Planner(content, relax_versions).plan(measure)
