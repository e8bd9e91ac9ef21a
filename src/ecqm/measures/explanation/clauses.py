"""Why a define is not true for a patient: the clauses of its logic that were false, null or empty."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ecqm.columns import BooleanColumn, to_values
from ecqm.elm import IndexedLibrary
from ecqm.elm import nodes as elm
from ecqm.elm.narrative import SourceText
from ecqm.elm.nodes.base import children
from ecqm.engine import Executor
from ecqm.engine.frame import Frame
from ecqm.engine.queries import open_rows
from ecqm.plan.lowering import Lowering
from ecqm.plan.nodes import Element, PlanNode, Scan, Variable
from ecqm.values import evaluating

_ROWS_SHOWN = 3
_CHAINS = (elm.And, elm.Or, elm.Union, elm.Intersect)
# Operators that have a value exactly if their operand does: the reason is in the operand.
_HANDING_ON = (
    elm.As, elm.Convert, elm.ToList, elm.SingletonFrom, elm.Exists, elm.First, elm.Last, elm.Distinct, elm.Flatten,
    elm.IsTrue, elm.Sort,
)  # fmt: skip
_BOUNDARIES = {"starts": "start", "ends": "end"}
_NOT_WORTH_SHOWING = (elm.Literal, elm.Null, elm.ValueSetRef, elm.CodeRef, elm.ConceptRef, elm.Quantity)


@dataclass(frozen=True)
class PerRow:
    """The values of a clause within queries: `values` for the first of `n` rows; `true` is the number of rows in which
    a condition is true."""

    n: int
    true: int | None
    values: tuple[Any, ...]


class Unknown(str):
    """Why a clause has no value."""


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

    `source_of` gives the CQL of a library, where it is at hand.
    """

    def __init__(
        self,
        lowering: Lowering,
        executor: Executor,
        row: int,
        source_of: Callable[[IndexedLibrary], str | None] = lambda library: None,
    ) -> None:
        self._lowering = lowering
        self._executor = executor
        self._row = np.array([row])
        self._source_of = source_of
        self._texts: dict[str, SourceText] = {}
        self._told: set[tuple[str, str, bool]] = set()
        self._frames: dict[frozenset[Variable], Frame | None] = {}

    def value(self, node: PlanNode) -> Any:
        """The value of a node for the patient; PerRow for a node within queries."""
        try:
            if not node.free:
                column = self._executor.evaluate(node, "").broadcast(self._executor.cohort.n)
                return to_values(column.take(self._row))[0]
            return self._per_row(node)
        except Exception as error:
            # A clause may fail on rows that no measure evaluates it on; the other clauses are still shown.
            return Unknown(str(error))

    def why(self, library: IndexedLibrary, name: str, wanted: bool = True) -> Clause:
        """The define, with the clauses that kept it from being true (or false, when not `wanted`)."""
        definition = library.expression(name)
        node = self._lowering.define(library, name)
        value = self.value(node)
        inner: tuple[Clause, ...] = ()
        key = (str(library.identifier), name, wanted)
        told = key in self._told
        if not told and definition.expression is not None and _to_blame(value, wanted):
            self._told.add(key)
            # The text of a chain of conditions would only repeat the text of its parts.
            inside = self._within if isinstance(definition.expression, _CHAINS) else self._reasons
            inner = _each_once(inside(definition.expression, _Place(library, definition), wanted))
        return Clause(f'"{name}"', str(library.identifier), definition.locator, value, inner, told)

    # -- the tree -------------------------------------------------------------------------------------------------

    def _reasons(self, element: elm.Element, place: _Place, wanted: bool) -> Iterator[Clause]:
        """The clause of an element if it is to blame; an element without text is replaced by the clauses in it."""
        node = self._node(element, place)
        value = Unknown("not evaluated by itself") if node is None else self.value(node)
        if node is not None and not _to_blame(value, wanted):
            return
        inner = _each_once(self._within(element, place, wanted))
        text = self._text(element, place)
        if text is None or node is None or (len(inner) == 1 and inner[0].text == text):
            yield from inner
        elif isinstance(element, elm.ExpressionRef) and not isinstance(element, elm.FunctionRef):
            yield replace(inner[0], text=text)
        else:
            yield Clause(text, str(place.library.identifier), element.locator, value, inner)

    def _within(self, element: elm.Element, place: _Place, wanted: bool) -> Iterator[Clause]:
        if isinstance(element, elm.ExpressionRef) and not isinstance(element, elm.FunctionRef):
            included = self._lowering.libraries.included(place.library, element.libraryName)
            yield self.why(included, element.name, wanted)
        elif isinstance(element, elm.Not):
            yield from self._reasons(element.operand, place, not wanted)
        elif isinstance(element, elm.Implies):
            yield from self._reasons(element.operand[0], place, not wanted)
            yield from self._reasons(element.operand[1], place, wanted)
        elif isinstance(element, elm.Query):
            yield from self._of_query(element, place, wanted)
        elif isinstance(element, elm.RelationshipClause):
            related = wanted if isinstance(element, elm.With) else not wanted
            yield from self._all([element.expression, element.suchThat], place, related)
        elif isinstance(element, elm.Except):
            yield from self._reasons(element.operand[0], place, wanted)
        elif isinstance(element, (*_CHAINS, elm.Coalesce)):
            yield from self._all(_links(element), place, wanted)
        elif isinstance(element, _HANDING_ON):
            operand = next(part for part in children(element) if isinstance(part, elm.Expression))
            node = self._node(operand, place)
            if node is None or _to_blame(self.value(node), wanted):
                yield from self._within(operand, place, wanted)
        else:
            yield from {clause.text: clause for clause in self._operands(element, place)}.values()

    def _all(self, elements: Iterable[elm.Element | None], place: _Place, wanted: bool) -> Iterator[Clause]:
        for element in elements:
            if element is not None:
                yield from self._reasons(element, place, wanted)

    def _of_query(self, query: elm.Query, place: _Place, wanted: bool) -> Iterator[Clause]:
        yield from self._all((source.expression for source in query.source), place, wanted)
        yield from self._all(query.relationship, place, wanted)
        yield from self._all([query.where], place, wanted)

    def _operands(self, element: elm.Element, place: _Place) -> Iterator[Clause]:
        """The operands of a predicate with their values; of operands without a value, why they have none."""
        for operand in children(element):
            if not isinstance(operand, elm.Expression) or isinstance(operand, _NOT_WORTH_SHOWING):
                continue
            node, text = self._node(operand, place), self._text(operand, place)
            if node is None or text is None:
                yield from self._operands(operand, place)
                continue
            value = self.value(node)
            if not (value is None or value == ()):
                yield Clause(text, str(place.library.identifier), operand.locator, value)
            elif isinstance(operand, elm.ExpressionRef) and not isinstance(operand, elm.FunctionRef):
                yield from self._within(operand, place, True)
            else:
                inner = tuple(each for each in self._within(operand, place, True) if each.text != text)
                yield Clause(text, str(place.library.identifier), operand.locator, value, inner)

    # -- values and texts -----------------------------------------------------------------------------------------

    def _node(self, element: elm.Element, place: _Place) -> PlanNode | None:
        return self._lowering.origins.get((place.library.identifier, element.localId or ""))

    def _text(self, element: elm.Element, place: _Place) -> str | None:
        key = str(place.library.identifier)
        texts = self._texts.get(key)
        if texts is None:
            texts = self._texts[key] = SourceText(place.library, self._source_of(place.library))
        text = texts.of(element, place.definition)
        return text and self._with_operand(text, element, place)

    def _with_operand(self, text: str, element: elm.Element, place: _Place) -> str:
        """The text of an element with that of its operand, which the annotation of some has elsewhere: `starts` in
        `A.period starts before B`, and `latest()` in `A.effective.latest()`."""
        if isinstance(element, (elm.Start, elm.End)) and text in _BOUNDARIES:
            operand = self._text_of_operand(element.operand, place)
            return f"{_BOUNDARIES[text]} of {operand}" if operand else text
        if isinstance(element, elm.FunctionRef) and element.operand:
            operand = self._text_of_operand(element.operand[0], place)
            return f"{operand}.{text}" if operand and operand not in text else text
        return text

    def _text_of_operand(self, operand: elm.Element | None, place: _Place) -> str | None:
        """The text of an operand, or of what an implicit conversion is applied to."""
        if operand is None:
            return None
        inner = (each for each in children(operand) if isinstance(each, elm.Expression))
        return self._text(operand, place) or self._text_of_operand(next(inner, None), place)

    def _per_row(self, node: PlanNode) -> Any:
        frame = self._frame(node.free)
        if frame is None:
            return Unknown("depends on the rows before it")
        with evaluating(self._executor.context):
            column = self._executor.value(node, frame).broadcast(frame.n)
        true = int(np.count_nonzero(column.is_true)) if isinstance(column, BooleanColumn) else None
        return PerRow(frame.n, true, tuple(to_values(column.take(np.arange(min(frame.n, _ROWS_SHOWN))))))

    def _frame(self, variables: frozenset[Variable]) -> Frame | None:
        """The patient's rows of the queries that bind some variables; None if a variable is not bound by a query."""
        if variables not in self._frames:
            patient = self._executor.patients.select(self._row)
            self._frames[variables] = rows_of(self._executor, variables, patient)
        return self._frames[variables]


def rows_of(executor: Executor, variables: Iterable[Variable], patients: Frame) -> Frame | None:
    """The rows of the queries that bind some variables, for the patients of a frame; None if a variable is not bound by
    a query."""
    ordered = _outermost_first(variables)
    if ordered is None:
        return None
    frame = patients
    with evaluating(executor.context):
        for variable in ordered:
            frame = open_rows(executor, Scan(variable.source, variable), frame)
    return frame


@dataclass(frozen=True)
class _Place:
    """The define that contains an element."""

    library: IndexedLibrary
    definition: elm.ExpressionDef


def _outermost_first(variables: Iterable[Variable]) -> Sequence[Element] | None:
    """The variables in order of nesting, outermost first; None if one of them is not an element of a query."""
    found: dict[Element, None] = {}
    for variable in variables:
        if not isinstance(variable, Element):
            return None
        before = _outermost_first(variable.source.free)
        if before is None:
            return None
        found |= dict.fromkeys((*before, variable))
    return list(found)


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
