"""From published content to the plan of a measure."""

from __future__ import annotations

from ecqm.bundles.content import Content
from ecqm.bundles.elm import elm_collection
from ecqm.elm import ElmError, LibraryIdentifier, ResolvedLibraries
from ecqm.engine import kernel_for
from ecqm.measures.definition import Measure
from ecqm.measures.planning import MeasurePlan, plan_measure


def resolve_libraries(content: Content, measure: Measure, relax_versions: bool = False) -> ResolvedLibraries:
    """The libraries of a measure, read and linked.

    Raises ElmError for a library that is missing (naming the versions at hand), cyclic or ambiguous, and for one that
    is at hand as CQL only.
    """
    closure = content.closure(measure, relax_versions)
    primary = closure.libraries[0]
    collection, without = elm_collection(closure.libraries, relax_versions)
    if without:
        raise ElmError("is at hand as CQL only, without ELM; compile it, or add its ELM", library=str(without[0]))
    return collection.resolve(LibraryIdentifier(primary.name, primary.version))


def plan_of(content: Content, measure: Measure, relax_versions: bool = False) -> MeasurePlan:
    """The plan of a measure of published content. Raises ElmError, PlanError or LibraryNotFound."""
    return plan_measure(measure, resolve_libraries(content, measure, relax_versions), kernel_for)
