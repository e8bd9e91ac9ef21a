"""Why a define is not true for a patient: the clauses of its logic that were false, null or empty."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from ecqm.elm import IndexedLibrary
from ecqm.elm import nodes as elm
from ecqm.elm.nodes.base import children
from ecqm.engine import Executor
from ecqm.measures.explanation.texts import ElementTexts, Place
from ecqm.measures.explanation.values import PatientValues, PerRow, Unknown
from ecqm.plan.lowering import Lowering
from ecqm.plan.nodes import PlanNode

_CHAINS = (elm.And, elm.Or, elm.Union, elm.Intersect)
# Operators that have a value exactly if their operand does: the reason is in the operand.
_HANDING_ON = (
    elm.As, elm.Convert, elm.ToList, elm.SingletonFrom, elm.Exists, elm.First, elm.Last, elm.Distinct, elm.Flatten,
    elm.IsTrue, elm.Sort,
)  # fmt: skip
_NOT_WORTH_SHOWING = (elm.Literal, elm.Null, elm.ValueSetRef, elm.CodeRef, elm.ConceptRef, elm.Quantity)


@dataclass(frozen=True)
class Clause:
    """A clause with its text, place in the source and value, and the inner clauses that explain the value."""

    text: str
    library: str
    locator: str | None
    value: Any
    clauses: tuple[Clause, ...] = ()
    told: bool = False
    """Whether the content of this clause was shown before."""


class ClauseReader:
    """Reads the clauses of defines for one patient (`row`) of an executor's cohort.

    `source_of` gives the CQL of a library, where it is at hand; `values` are those of the patient.
    """

    def __init__(
        self,
        lowering: Lowering,
        executor: Executor,
        row: int,
        source_of: Callable[[IndexedLibrary], str | None] = lambda library: None,
    ) -> None:
        self.values = PatientValues(executor, row)
        self._lowering = lowering
        self._texts = ElementTexts(source_of)
        self._told: set[tuple[str, str, bool]] = set()

    def why(self, library: IndexedLibrary, name: str, wanted: bool = True) -> Clause:
        """The define, with the clauses that kept it from being true (or false, when not `wanted`)."""
        definition = library.expression(name)
        node = self._lowering.define(library, name)
        value = self.values.of(node)
        inner: tuple[Clause, ...] = ()
        key = (str(library.identifier), name, wanted)
        told = key in self._told
        if not told and definition.expression is not None and _to_blame(value, wanted):
            self._told.add(key)
            # The text of a chain of conditions would only repeat the text of its parts.
            inside = self._within if isinstance(definition.expression, _CHAINS) else self._reasons
            inner = _each_once(inside(definition.expression, Place(library, definition), wanted))
        return Clause(f'"{name}"', str(library.identifier), definition.locator, value, inner, told)

    def _reasons(self, element: elm.Element, place: Place, wanted: bool) -> Iterator[Clause]:
        """The clause of an element if it is to blame; an element without text is replaced by the clauses in it."""
        node = self._node(element, place)
        value = Unknown("not evaluated by itself") if node is None else self.values.of(node)
        if node is not None and not _to_blame(value, wanted):
            return
        inner = _each_once(self._within(element, place, wanted))
        text = self._texts.of(element, place)
        if text is None or node is None or (len(inner) == 1 and inner[0].text == text):
            yield from inner
        elif _is_definition(element):
            yield replace(inner[0], text=text)
        else:
            yield Clause(text, str(place.library.identifier), element.locator, value, inner)

    def _within(self, element: elm.Element, place: Place, wanted: bool) -> Iterator[Clause]:
        """The clauses in an element that keep it from having the value wanted."""
        match element:
            case elm.ExpressionRef() if _is_definition(element):
                included = self._lowering.libraries.included(place.library, element.libraryName)
                yield self.why(included, element.name, wanted)
            case elm.Not():
                yield from self._reasons(element.operand, place, not wanted)
            case elm.Implies():
                yield from self._reasons(element.operand[0], place, not wanted)
                yield from self._reasons(element.operand[1], place, wanted)
            case elm.Query():
                yield from self._of_query(element, place, wanted)
            case elm.With():
                yield from self._all([element.expression, element.suchThat], place, wanted)
            case elm.Without():
                yield from self._all([element.expression, element.suchThat], place, not wanted)
            case elm.Except():
                yield from self._reasons(element.operand[0], place, wanted)
            case elm.And() | elm.Or() | elm.Union() | elm.Intersect() | elm.Coalesce():
                yield from self._all(_links(element), place, wanted)
            case _ if isinstance(element, _HANDING_ON):
                yield from self._of_operand(element, place, wanted)
            case _:
                yield from {clause.text: clause for clause in self._operands(element, place)}.values()

    def _all(self, elements: Iterable[elm.Element | None], place: Place, wanted: bool) -> Iterator[Clause]:
        for element in elements:
            if element is not None:
                yield from self._reasons(element, place, wanted)

    def _of_query(self, query: elm.Query, place: Place, wanted: bool) -> Iterator[Clause]:
        yield from self._all((source.expression for source in query.source), place, wanted)
        yield from self._all(query.relationship, place, wanted)
        yield from self._all([query.where], place, wanted)

    def _of_operand(self, element: elm.Element, place: Place, wanted: bool) -> Iterator[Clause]:
        """The clauses in the operand of an operator that hands on whether it has a value."""
        operand = next(part for part in children(element) if isinstance(part, elm.Expression))
        node = self._node(operand, place)
        if node is None or _to_blame(self.values.of(node), wanted):
            yield from self._within(operand, place, wanted)

    def _operands(self, element: elm.Element, place: Place) -> Iterator[Clause]:
        """The operands of a predicate with their values; of operands without a value, why they have none."""
        for operand in children(element):
            if not isinstance(operand, elm.Expression) or isinstance(operand, _NOT_WORTH_SHOWING):
                continue
            node, text = self._node(operand, place), self._texts.of(operand, place)
            if node is None or text is None:
                yield from self._operands(operand, place)
                continue
            value = self.values.of(node)
            if not (value is None or value == ()):
                yield Clause(text, str(place.library.identifier), operand.locator, value)
            elif _is_definition(operand):
                yield from self._within(operand, place, True)
            else:
                inner = tuple(each for each in self._within(operand, place, True) if each.text != text)
                yield Clause(text, str(place.library.identifier), operand.locator, value, inner)

    def _node(self, element: elm.Element, place: Place) -> PlanNode | None:
        return self._lowering.origins.get((place.library.identifier, element.localId or ""))


def _is_definition(element: elm.Element) -> bool:
    """Whether it refers to a definition, not to a function."""
    return isinstance(element, elm.ExpressionRef) and not isinstance(element, elm.FunctionRef)


def _links(element: elm.Element) -> Iterator[elm.Element]:
    """The operands of an operator, with nested uses of the same operator flattened (`(a and b) and c`)."""
    for operand in children(element):
        if type(operand) is type(element):
            yield from _links(operand)
        elif isinstance(operand, elm.Expression):
            yield operand


def _each_once(clauses: Iterable[Clause]) -> tuple[Clause, ...]:
    """Clauses without repetitions: some operators become several nodes that share operands (`7 days or less after`)."""
    distinct: dict[tuple[str, str | None], Clause] = {}
    for clause in clauses:
        distinct.setdefault((clause.text, clause.locator), clause)
    return tuple(distinct.values())


def _to_blame(value: Any, wanted: bool) -> bool:
    """Whether a clause with this value keeps the enclosing clause from having the value wanted."""
    if isinstance(value, Unknown) or value is None:
        return True
    if isinstance(value, PerRow):
        if value.true is None:
            return any(each is None or each == () for each in value.values) if wanted else bool(value.values)
        return value.true < value.n if wanted else value.true > 0
    if isinstance(value, bool):
        return value is not wanted
    if isinstance(value, tuple):
        return bool(value) is not wanted
    return not wanted
