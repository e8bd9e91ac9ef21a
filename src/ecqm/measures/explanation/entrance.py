"""Which libraries are entered in the evaluation of a patient, that is, have anything called.

A call within a query is made for the rows of the query's source, so not at all for a patient without rows. The
certification tools show the statements of a library that was not entered as not hit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from ecqm.columns import Column, ListColumn, Mask
from ecqm.elm import IndexedLibrary
from ecqm.elm import nodes as elm
from ecqm.elm.nodes.base import Node as ElmNode
from ecqm.elm.nodes.base import children
from ecqm.measures.evaluation.planning import MeasurePlan
from ecqm.plan.lowering import PlanError
from ecqm.plan.lowering.core import Scope
from ecqm.plan.nodes import PlanNode

Sources = frozenset[PlanNode]
"""The lists that have to have elements for a call to be made."""
ALWAYS: Sources = frozenset()


def entrances(plan: MeasurePlan) -> dict[str, set[Sources]]:
    """For each included library, the sets of query sources that its calls depend on; `ALWAYS` for a call outside of
    queries.

    A call in another library is made when that library is entered.
    """
    libraries = plan.libraries
    main = libraries.main.identifier.name
    calls: dict[str, set[tuple[str, Sources]]] = {}
    for library in libraries.libraries:
        definitions = [*library.expressions.values(), *(each for group in library.functions.values() for each in group)]
        of_library = calls.setdefault(library.identifier.name, set())
        for definition in definitions:
            if definition.expression is not None:
                of_library.update(_calls(plan, library, definition.expression, ALWAYS))
    found: dict[str, set[Sources]] = {main: {ALWAYS}}
    changed = True
    while changed:
        changed = False
        for library_name, called_from in calls.items():
            for called, sources in called_from:
                known = found.setdefault(called, set())
                ways = {way | sources for way in found.get(library_name, ())}
                changed |= not ways <= known
                known |= ways
    return found


def entered(ways: Mapping[str, set[Sources]], value: Callable[[PlanNode], Column], n: int) -> dict[str, Mask]:
    """For each library, the patients (of n) who enter it; `value` gives the column of a plan node."""
    found = {}
    for library, several in ways.items():
        mask = np.zeros(n, np.bool_)
        for sources in several:
            made = np.ones(n, np.bool_)
            for source in sources:
                made &= _has_rows(value(source), n)
            mask |= made
        found[library] = mask
    return found


def _has_rows(column: Column, n: int) -> Mask:
    column = column.broadcast(n)
    return column.lengths > 0 if isinstance(column, ListColumn) else column.valid


def _calls(
    plan: MeasurePlan, library: IndexedLibrary, node: ElmNode, sources: Sources
) -> Iterator[tuple[str, Sources]]:
    """(Library, sources) of every reference to another library in an expression."""
    if isinstance(node, elm.ExpressionRef) and node.libraryName is not None:
        yield plan.libraries.included(library, node.libraryName).identifier.name, sources
    if not isinstance(node, elm.Query):
        for child in children(node):
            yield from _calls(plan, library, child, sources)
        return
    within = sources
    for source in node.source:
        yield from _calls(plan, library, source.expression, sources)
        within |= _planned(plan, library, source.expression)
    for relationship in node.relationship:
        yield from _calls(plan, library, relationship.expression, within)
        if relationship.suchThat is not None:
            related = within | _planned(plan, library, relationship.expression)
            yield from _calls(plan, library, relationship.suchThat, related)
    for clause in (*node.let, node.where, node.return_, node.aggregate, node.sort):
        if clause is not None:
            yield from _calls(plan, library, clause, within)


def _planned(plan: MeasurePlan, library: IndexedLibrary, expression: elm.Expression) -> Sources:
    """The plan of a source; nothing for a source that depends on an outer alias."""
    try:
        node = plan.lowering.lower(expression, Scope(library, ("a source",)))
    except PlanError:
        return ALWAYS
    return ALWAYS if node.free else frozenset((node,))
