"""The logic of a measure as written: its definitions, with the plan nodes of each clause."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from ecqm.data import Demand
from ecqm.elm import IndexedLibrary
from ecqm.elm import nodes as elm
from ecqm.elm.library import LibraryIdentifier
from ecqm.elm.nodes.base import walk
from ecqm.measures.evaluation.functions import is_function, plan_observation, plan_stratifier
from ecqm.measures.evaluation.planning import MeasurePlan, demand_of
from ecqm.measures.explanation.relevance import Statement, reached, references
from ecqm.plan.lowering import Lowered, Lowering, PlanError
from ecqm.plan.lowering.core import Scope
from ecqm.plan.nodes import PlanNode, reachable

# Names and constants, whose values need no explanation.
_NAMES = (
    elm.AliasRef, elm.OperandRef, elm.Literal, elm.Null, elm.Quantity, elm.ValueSetRef, elm.CodeRef, elm.ConceptRef,
)  # fmt: skip


@dataclass(frozen=True)
class LogicDefine:
    """A definition of a measure, or one that it refers to.

    `node` is its plan, or the reason why it has none; None for a function, whose calls are inlined. `clauses` has the
    plan nodes of each clause, by localId: one, or, in a function, one per distinct call. `uses` are the clauses that
    refer to other definitions, by localId. `counted`: a population, stratifier or observation needs the definition.
    `overload` numbers the functions of one name.
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
        """The library with its version, and the name: a measure may include two versions of one library."""
        name = f"{self.definition.name} ({self.overload + 1})" if self.overload else self.definition.name
        return _key(self.library), name


def _key(library: IndexedLibrary) -> str:
    return str(library.identifier)


class MeasureLogic:
    """The definitions that the logic of a measure consists of.

    `defines`: all definitions of the primary library, then those that they refer to in other libraries; in each library
    the called functions come last.
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
        """The data that all definitions and clauses need, also those that the plan of the measure does not have."""
        nodes = (node for each in self.defines for clause in each.clauses.values() for node in clause)
        values = (each.node for each in self.defines if isinstance(each.node, PlanNode))
        return demand_of(reachable([*nodes, *values]))

    def _of(self, library: IndexedLibrary) -> Iterator[LogicDefine]:
        for name, definition in library.expressions.items():
            statement = (_key(library), name)
            if statement in self._shown and not _is_context(definition):
                node = _planned(self._plan, library, name)
                yield self._define(library, definition, node, statement in self._counted)
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
    """The distinct definitions of several measures, merged: `counted` if one of them counts it, functions with all
    calls."""
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
    """Lowers a measure again, into the same nodes, to record the nodes of the clauses of functions in each call."""

    def __init__(self, plan: MeasurePlan) -> None:
        shared = plan.lowering.lowered
        fresh = Lowered(builder=shared.builder, accumulators=shared.accumulators)
        super().__init__(plan.libraries, plan.lowering.kernels, fresh)
        self.nodes: dict[tuple[LibraryIdentifier, str], dict[PlanNode, None]] = {}
        main = plan.libraries.main
        for name in main.expressions:
            # A definition that cannot be planned has the reason in place of its node.
            with suppress(PlanError):
                self.define(main, name)
        for group in plan.measure.groups:
            for observation in group.observations:
                plan_observation(self, group, observation)
            for stratifier in group.stratifiers:
                for component in stratifier.components:
                    if is_function(main, component.expression):
                        plan_stratifier(self, group, component)

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
    """Whether it is the definition that translators add for `context Patient`, which nobody wrote."""
    return definition.name == definition.context and isinstance(definition.expression, elm.SingletonFrom)


def _starts(plan: MeasurePlan) -> Iterator[Statement]:
    """The statements that populations, stratifiers and observations name."""
    main = _key(plan.libraries.main)
    for group in plan.measure.groups:
        for population in group.populations:
            yield main, population.expression
        for stratifier in group.stratifiers:
            for component in stratifier.components:
                yield main, component.expression
