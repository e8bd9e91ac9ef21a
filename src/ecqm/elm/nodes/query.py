"""Queries, structured values and their elements (ELM reference: Queries; Structured Values)."""

from __future__ import annotations

from ecqm.elm.nodes.base import Element, Expression, QName, TypeSpecifier


class AliasedQuerySource(Element):
    alias: str
    expression: Expression


class LetClause(Element):
    identifier: str
    expression: Expression


class RelationshipClause(AliasedQuerySource):
    suchThat: Expression | None = None


class With(RelationshipClause):
    pass


class Without(RelationshipClause):
    pass


class SortByItem(Element):
    """`direction` is asc, ascending, desc or descending."""

    direction: str


class ByDirection(SortByItem):
    pass


class ByColumn(SortByItem):
    path: str


class ByExpression(SortByItem):
    expression: Expression


class SortClause(Element):
    by: list[SortByItem]


class ReturnClause(Element):
    distinct: bool = True
    expression: Expression


class AggregateClause(Element):
    identifier: str
    distinct: bool = False
    expression: Expression
    starting: Expression | None = None


class Query(Expression):
    source: list[AliasedQuerySource]
    let: list[LetClause] = []
    relationship: list[RelationshipClause] = []
    where: Expression | None = None
    return_: ReturnClause | None = None
    aggregate: AggregateClause | None = None
    sort: SortClause | None = None


class AliasRef(Expression):
    name: str


class QueryLetRef(Expression):
    name: str


class Property(Expression):
    """An element of `source` or of the alias `scope`; `path` may be dotted."""

    path: str
    scope: str | None = None
    source: Expression | None = None


class Search(Property):
    """Like Property, but `path` is the name of a search parameter."""


class Literal(Expression):
    valueType: QName
    value: str | None = None


class TupleElement(Element):
    name: str
    value: Expression


class Tuple(Expression):
    element: list[TupleElement] = []


class InstanceElement(Element):
    name: str
    value: Expression


class Instance(Expression):
    classType: QName
    element: list[InstanceElement] = []


class Interval(Expression):
    """`lowClosedExpression` and `highClosedExpression` override `lowClosed` and `highClosed` if they are given."""

    lowClosed: bool = True
    highClosed: bool = True
    low: Expression | None = None
    lowClosedExpression: Expression | None = None
    high: Expression | None = None
    highClosedExpression: Expression | None = None


class List(Expression):
    typeSpecifier: TypeSpecifier | None = None
    element: list[Expression] = []
