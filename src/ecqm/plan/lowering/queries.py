"""Retrieves and queries (`elm:11.1`, `elm:10`)."""

from __future__ import annotations

from ecqm.elm import nodes as elm
from ecqm.plan.lowering.core import Lowering, PlanError, Scope, lowers
from ecqm.plan.lowering.types import named_type
from ecqm.plan.lowering.values import element_of
from ecqm.plan.nodes import (
    Accumulator,
    Call,
    CollectWithin,
    Conditional,
    Element,
    ExistsWithin,
    FunctionKernel,
    MakeRecord,
    PlanNode,
    Position,
    ReduceWithin,
    Repeat,
    Retrieve,
    RowsNode,
    Scan,
    SortWithin,
    TypeTest,
)
from ecqm.plan.rewrites.conditions import filtered
from ecqm.plan.rewrites.identity import collected
from ecqm.types import ANY, IntervalType, NamedType


@lowers(elm.Retrieve)
def retrieve(lowering: Lowering, node: elm.Retrieve, scope: Scope) -> PlanNode:
    codes = lowering.lower(node.codes, scope) if node.codes is not None else None
    found = lowering.builder.make(
        Retrieve,
        named_type(node.dataType),
        node.templateId,
        node.codeProperty,
        node.codeComparator,
        codes,
        scope.unfiltered,
    )
    return found if node.dateRange is None or not node.dateProperty else _dated(lowering, found, node, scope)


def _dated(lowering: Lowering, retrieved: Retrieve, node: elm.Retrieve, scope: Scope) -> PlanNode:
    """The retrieved resources whose date is in the date range; a period must be included in it."""
    make = lowering.builder.make
    assert node.dateRange is not None and node.dateProperty is not None
    element = element_variable(lowering, retrieved, scope)
    dates = lowering.lower(node.dateRange, scope)
    date = element_of(lowering, element, node.dateProperty, scope)
    period = make(FunctionKernel, "ToInterval", date)
    within = make(
        Conditional,
        (
            (make(TypeTest, date, NamedType("FHIR", "Period")), make(Call, "IncludedIn", (period, dates))),
            (make(TypeTest, date, IntervalType(ANY)), make(Call, "IncludedIn", (date, dates))),
        ),
        make(Call, "In", (date, dates)),
    )
    rows = filtered(lowering.builder, make(Scan, retrieved, element, (), None), within)
    return make(CollectWithin, rows, element, False)


@lowers(elm.Query)
def query(lowering: Lowering, node: elm.Query, scope: Scope) -> PlanNode:
    make = lowering.builder.make
    rows: RowsNode | None = None
    sources: list[tuple[str, PlanNode]] = []
    for source in node.source:
        scan = _scan(lowering, source, scope, rows)
        rows = scan
        sources.append((source.alias, scan.variable))
        scope = scope.with_name(source.alias, scan.variable).with_variable(scan.variable)
    if rows is None:
        raise PlanError(f"{lowering.place(node, scope)}: the query has no source")
    for let in node.let:
        scope = scope.with_name(let.identifier, lowering.lower(let.expression, scope))
    for relationship in node.relationship:
        related = _related(lowering, relationship, scope)
        rows = filtered(lowering.builder, rows, related)
    if node.where is not None:
        rows = filtered(lowering.builder, rows, lowering.lower(node.where, scope))
    if node.aggregate is not None:
        return _aggregate(lowering, node.aggregate, rows, scope)
    value: PlanNode
    is_distinct = False
    if node.return_ is not None:
        value = lowering.lower(node.return_.expression, scope)
        is_distinct = node.return_.distinct
    elif len(sources) == 1:
        value = sources[0][1]
    else:
        # Without a return clause a query over several sources returns tuples of their elements.
        value = make(MakeRecord, None, tuple(sources))
        is_distinct = True
    result = collected(lowering.builder, rows, value, is_distinct)
    return result if node.sort is None else sort(lowering, result, node.sort.by, scope)


def _scan(lowering: Lowering, source: elm.AliasedQuerySource, scope: Scope, of: RowsNode | None) -> Scan:
    expression = lowering.lower(source.expression, scope)
    variable = element_variable(lowering, expression, scope)
    return lowering.builder.make(Scan, expression, variable, (), of)


def element_variable(lowering: Lowering, source: PlanNode, scope: Scope) -> Element:
    """A variable for the elements of `source` that no enclosing query has bound."""
    return lowering.builder.element(source, scope.variables)


def _related(lowering: Lowering, relationship: elm.RelationshipClause, scope: Scope) -> PlanNode:
    """With and Without (`elm:10.14`, `elm:10.15`): whether a related element exists that meets the condition, or
    none."""
    scan = _scan(lowering, relationship, scope, None)
    inside = scope.with_name(relationship.alias, scan.variable).with_variable(scan.variable)
    rows: RowsNode = scan
    if relationship.suchThat is not None:
        rows = filtered(lowering.builder, scan, lowering.lower(relationship.suchThat, inside))
    found: PlanNode = lowering.builder.make(ExistsWithin, rows, scan.variable)
    if isinstance(relationship, elm.Without):
        found = lowering.builder.make(Call, "Not", (found,))
    lowering.remember(relationship, scope, found)
    return found


def _aggregate(lowering: Lowering, clause: elm.AggregateClause, rows: RowsNode, scope: Scope) -> PlanNode:
    accumulator = lowering.builder.make(Accumulator, lowering.next_accumulator())
    starting = lowering.lower_optional(clause.starting, scope)
    inside = scope.with_name(clause.identifier, accumulator).with_variable(accumulator)
    step = lowering.lower(clause.expression, inside)
    return lowering.builder.make(ReduceWithin, rows, accumulator, starting, step, clause.distinct)


def sort(lowering: Lowering, source: PlanNode, items: list[elm.SortByItem], scope: Scope) -> PlanNode:
    """A sort clause on `source`, the result of the query; bare names are elements of the elements of it."""
    element = element_variable(lowering, source, scope)
    inside = scope.with_element(element)
    keys: list[tuple[PlanNode, bool]] = []
    for item in items:
        if isinstance(item, elm.ByColumn):
            key = element_of(lowering, element, item.path, scope)
        elif isinstance(item, elm.ByExpression):
            key = lowering.lower(item.expression, inside)
        else:
            key = element
        keys.append((key, item.direction.startswith("desc")))
    return lowering.builder.make(SortWithin, source, element, tuple(keys))


@lowers(elm.Sort)
def sort_operator(lowering: Lowering, node: elm.Sort, scope: Scope) -> PlanNode:
    return sort(lowering, lowering.lower(node.source, scope), node.by, scope)


@lowers(elm.Filter)
def filter_operator(lowering: Lowering, node: elm.Filter, scope: Scope) -> PlanNode:
    scan, inside = _scoped(lowering, node.source, node.scope, scope)
    rows = filtered(lowering.builder, scan, lowering.lower(node.condition, inside))
    return lowering.builder.make(CollectWithin, rows, scan.variable, False)


@lowers(elm.ForEach)
def for_each(lowering: Lowering, node: elm.ForEach, scope: Scope) -> PlanNode:
    scan, inside = _scoped(lowering, node.source, node.scope, scope)
    return lowering.builder.make(CollectWithin, scan, lowering.lower(node.element, inside), False)


def _scoped(lowering: Lowering, source: elm.Expression, name: str | None, scope: Scope) -> tuple[Scan, Scope]:
    """The scan of an operator such as Filter, in which Current refers to the current element by the name of a scope."""
    clause = elm.AliasedQuerySource(alias=name or "$this", expression=source)
    scan = _scan(lowering, clause, scope, None)
    return scan, scope.with_name(clause.alias, scan.variable).with_variable(scan.variable)


@lowers(elm.Current)
def current(lowering: Lowering, node: elm.Current, scope: Scope) -> PlanNode:
    return lowering.named(node.scope or "$this", node, scope)


@lowers(elm.Iteration)
def iteration(lowering: Lowering, node: elm.Iteration, scope: Scope) -> PlanNode:
    element = scope.names.get(node.scope or "$this")
    if not isinstance(element, Element):
        raise PlanError(f"{lowering.place(node, scope)}: Iteration is used outside of a list")
    return lowering.builder.make(Position, element)


@lowers(elm.Repeat)
def repeat(lowering: Lowering, node: elm.Repeat, scope: Scope) -> PlanNode:
    make = lowering.builder.make
    current = make(Accumulator, lowering.next_accumulator())
    inside = scope.with_name(node.scope or "$this", current).with_variable(current)
    return make(Repeat, lowering.lower(node.source, scope), current, lowering.lower(node.element, inside))


@lowers(elm.Aggregate)
def aggregate(lowering: Lowering, node: elm.Aggregate, scope: Scope) -> PlanNode:
    scan, inside = _scoped(lowering, node.source, None, scope)
    clause = elm.AggregateClause(identifier="$total", expression=node.iteration, starting=node.initialValue)
    return _aggregate(lowering, clause, scan, inside)


@lowers(elm.Total)
def total(lowering: Lowering, node: elm.Total, scope: Scope) -> PlanNode:
    return lowering.named(node.scope or "$total", node, scope)
