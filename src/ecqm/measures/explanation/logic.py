"""The logic of a measure as people read it: its definitions, and the plan node that each clause of them came to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from ecqm.data import Demand
from ecqm.elm import IndexedLibrary
from ecqm.elm import nodes as elm
from ecqm.elm.library import LibraryIdentifier
from ecqm.elm.nodes.base import walk
from ecqm.measures.evaluation.planning import MeasurePlan, demand_of, plan_observation, reachable
from ecqm.measures.explanation.relevance import Statement, reached, references
from ecqm.plan.lowering import Lowered, Lowering, PlanError
from ecqm.plan.lowering.core import Scope
from ecqm.plan.nodes import PlanNode

# What these come to is told where it comes from: they are names and constants.
_NAMES = (
    elm.AliasRef, elm.OperandRef, elm.Literal, elm.Null, elm.Quantity, elm.ValueSetRef, elm.CodeRef, elm.ConceptRef,
)  # fmt: skip


@dataclass(frozen=True)
class LogicDefine:
    """A definition that a measure has or refers to.

    `node` is its plan, or why it has none; None for a function, whose body stands in the plan in place of its calls.
    `clauses` are the plan nodes of each clause, by localId: one, of a function one per call with different operands.
    `uses` are the clauses that refer to other definitions, by localId; `counted` whether a population, stratifier or
    observation needs it; `overload` the number of a function among those of its name.
    """

    library: IndexedLibrary
    definition: elm.ExpressionDef
    node: PlanNode | PlanError | None
    clauses: dict[str, tuple[PlanNode, ...]]
    uses: Mapping[str, Statement]
    counted: bool
    overload: int = 0

    @property
    def statement(self) -> Statement:
        """Its library, with the version, and its name: a measure may have two versions of one library."""
        name = f"{self.definition.name} ({self.overload + 1})" if self.overload else self.definition.name
        return _key(self.library), name


def _key(library: IndexedLibrary) -> str:
    return str(library.identifier)


class MeasureLogic:
    """What a measure's logic consists of.

    `defines`: all definitions of the measure's own library, then those of other libraries that these refer to, each
    library's functions that are called behind its definitions.
    """

    def __init__(self, plan: MeasurePlan) -> None:
        self._plan = plan
        main = plan.libraries.main
        named = references(plan.libraries, _key)
        self._counted = reached(_starts(plan), named)
        self._shown = reached([(_key(main), name) for name in main.expressions], named) | self._counted
        self._calls = _Calls(plan)
        self.defines = [each for library in reversed(plan.libraries.libraries) for each in self._of(library)]

    @property
    def demand(self) -> Demand:
        """What all definitions and clauses need of the data, whether or not the plan of the measure has them."""
        nodes = (node for each in self.defines for clause in each.clauses.values() for node in clause)
        values = (each.node for each in self.defines if isinstance(each.node, PlanNode))
        return demand_of(reachable([*nodes, *values]))

    def _of(self, library: IndexedLibrary) -> Iterator[LogicDefine]:
        for name, definition in library.expressions.items():
            statement = (_key(library), name)
            if statement in self._shown:
                counted = statement in self._counted and not _is_context(definition)
                yield self._define(library, definition, _planned(self._plan, library, name), counted)
        for name, functions in library.functions.items():
            if (_key(library), name) in self._shown:
                defines = [self._define(library, function, None, False) for function in functions]
                called = [define for define in defines if define.clauses]
                yield from (replace(define, overload=number) for number, define in enumerate(called))

    def _define(
        self, library: IndexedLibrary, definition: elm.ExpressionDef, node: PlanNode | PlanError | None, counted: bool
    ) -> LogicDefine:
        clauses: dict[str, tuple[PlanNode, ...]] = {}
        uses: dict[str, Statement] = {}
        for element in walk(definition):
            if not isinstance(element, elm.Element) or element.localId is None or isinstance(element, _NAMES):
                continue
            place = (library.identifier, element.localId)
            if node is None:
                nodes = tuple(self._calls.nodes.get(place, ()))
            else:
                origin = self._plan.lowering.origins.get(place)
                nodes = (origin,) if origin is not None else ()
            told = tuple(each for each in nodes if each.patient or each.free)
            if told:
                clauses[element.localId] = told
            if isinstance(element, elm.ExpressionRef):
                included = self._plan.libraries.included(library, element.libraryName)
                uses[element.localId] = (_key(included), element.name)
        return LogicDefine(library, definition, node, clauses, uses, counted)


def together(logics: Iterable[MeasureLogic]) -> list[LogicDefine]:
    """The definitions of several measures, each once: counted if one of them counts it, functions with all calls."""
    found: dict[Statement, LogicDefine] = {}
    for define in (define for logic in logics for define in logic.defines):
        known = found.get(define.statement, define)
        clauses = {
            clause: tuple(dict.fromkeys((*known.clauses.get(clause, ()), *define.clauses.get(clause, ()))))
            for clause in known.clauses | define.clauses
        }
        found[define.statement] = replace(known, clauses=clauses, counted=known.counted or define.counted)
    return list(found.values())


class _Calls(Lowering):
    """Lowers a measure once more, into the same nodes, to note what the clauses of functions come to in each call."""

    def __init__(self, plan: MeasurePlan) -> None:
        shared = plan.lowering.lowered
        fresh = Lowered(builder=shared.builder, accumulators=shared.accumulators)
        super().__init__(plan.libraries, plan.lowering.kernels, fresh)
        self.nodes: dict[tuple[LibraryIdentifier, str], dict[PlanNode, None]] = {}
        main = plan.libraries.main
        for name in main.expressions:
            # What cannot be planned is told of where its value would be.
            with suppress(PlanError):
                self.define(main, name)
        for group in plan.measure.groups:
            for observation in group.observations:
                plan_observation(self, group, observation)

    def remember(self, node: elm.Element, scope: Scope, plan: PlanNode) -> None:
        super().remember(node, scope, plan)
        if node.localId is not None and len(scope.path) > 1:
            self.nodes.setdefault((scope.library.identifier, node.localId), {})[plan] = None


def _planned(plan: MeasurePlan, library: IndexedLibrary, name: str) -> PlanNode | PlanError:
    try:
        return plan.lowering.define(library, name)
    except PlanError as error:
        return error


def _is_context(definition: elm.ExpressionDef) -> bool:
    """Is it what translators write for `context Patient`, and no author's words?"""
    return definition.name == definition.context and isinstance(definition.expression, elm.SingletonFrom)


def _starts(plan: MeasurePlan) -> Iterator[Statement]:
    """What the populations, stratifiers and observations of a measure name."""
    main = _key(plan.libraries.main)
    for group in plan.measure.groups:
        for population in group.populations:
            yield main, population.expression
        for stratifier in group.stratifiers:
            for component in stratifier.components:
                yield main, component.expression
