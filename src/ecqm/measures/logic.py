"""The logic of a measure as people read it: its definitions, and the plan node that each clause of them came to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from ecqm.data import Demand
from ecqm.elm import IndexedLibrary
from ecqm.elm import nodes as elm
from ecqm.elm.nodes.base import walk
from ecqm.measures.planning import MeasurePlan, demand_of, reachable
from ecqm.measures.relevance import Statement, reached, references
from ecqm.plan.lowering import PlanError
from ecqm.plan.nodes import PlanNode

# What these come to is told where it comes from: they are names and constants.
_NAMES = (
    elm.AliasRef, elm.OperandRef, elm.Literal, elm.Null, elm.Quantity, elm.ValueSetRef, elm.CodeRef, elm.ConceptRef,
)  # fmt: skip


@dataclass(frozen=True)
class LogicDefine:
    """A definition that a measure has or refers to.

    `node` is its plan, or why it has none; `clauses` the plan node of each clause, by localId; `uses` the clauses
    that refer to other definitions, by localId; `counted` whether a population, stratifier or observation needs it.
    """

    library: IndexedLibrary
    definition: elm.ExpressionDef
    node: PlanNode | PlanError
    clauses: Mapping[str, PlanNode]
    uses: Mapping[str, Statement]
    counted: bool

    @property
    def statement(self) -> Statement:
        """Its library, with the version, and its name: a measure may have two versions of one library."""
        return _key(self.library), self.definition.name


def _key(library: IndexedLibrary) -> str:
    return str(library.identifier)


def measure_logic(plan: MeasurePlan) -> list[LogicDefine]:
    """All definitions of the measure's own library, then those of other libraries that these refer to."""
    main = plan.libraries.main
    named = references(plan.libraries, _key)
    own = [(_key(main), name) for name in main.expressions]
    counted = reached(_starts(plan), named)
    shown = reached(own, named) | counted
    return [
        _define(plan, library, definition, (_key(library), name) in counted and not _is_context(definition))
        for library in reversed(plan.libraries.libraries)
        for name, definition in library.expressions.items()
        if (_key(library), name) in shown
    ]


def _is_context(definition: elm.ExpressionDef) -> bool:
    """Is it what translators write for `context Patient`, and no author's words?"""
    return definition.name == definition.context and isinstance(definition.expression, elm.SingletonFrom)


def logic_demand(logic: Iterable[LogicDefine]) -> Demand:
    """What all definitions and clauses need of the data, whether or not the plan of the measure has them."""
    nodes = (node for each in logic for node in (each.node, *each.clauses.values()))
    return demand_of(reachable(node for node in nodes if isinstance(node, PlanNode)))


def _starts(plan: MeasurePlan) -> Iterator[Statement]:
    """What the populations, stratifiers and observations of a measure name."""
    main = _key(plan.libraries.main)
    for group in plan.measure.groups:
        for population in group.populations:
            yield main, population.expression
        for stratifier in group.stratifiers:
            for component in stratifier.components:
                yield main, component.expression


def _define(plan: MeasurePlan, library: IndexedLibrary, definition: elm.ExpressionDef, counted: bool) -> LogicDefine:
    node: PlanNode | PlanError
    try:
        node = plan.lowering.define(library, definition.name)
    except PlanError as error:
        node = error
    clauses: dict[str, PlanNode] = {}
    uses: dict[str, Statement] = {}
    for element in walk(definition):
        if not isinstance(element, elm.Element) or element.localId is None or isinstance(element, _NAMES):
            continue
        clause = plan.lowering.origins.get((library.identifier, element.localId))
        if clause is not None and (clause.patient or clause.free):
            clauses[element.localId] = clause
        if isinstance(element, elm.ExpressionRef) and not isinstance(element, elm.FunctionRef):
            included = plan.libraries.included(library, element.libraryName)
            uses[element.localId] = (_key(included), element.name)
    return LogicDefine(library, definition, node, clauses, uses, counted)
