"""List operators (ELM reference: List)."""

from __future__ import annotations

from ecqm.elm.nodes.base import BinaryExpression, Expression, OperatorExpression, UnaryExpression
from ecqm.elm.nodes.query import SortByItem


class Exists(UnaryExpression):
    pass


class Distinct(UnaryExpression):
    pass


class Flatten(UnaryExpression):
    pass


class SingletonFrom(UnaryExpression):
    pass


class Times(BinaryExpression):
    pass


class First(OperatorExpression):
    orderBy: str | None = None
    source: Expression


class Last(OperatorExpression):
    orderBy: str | None = None
    source: Expression


class IndexOf(OperatorExpression):
    source: Expression
    element: Expression


class Slice(OperatorExpression):
    source: Expression
    startIndex: Expression | None = None
    endIndex: Expression | None = None


class Filter(Expression):
    scope: str | None = None
    source: Expression
    condition: Expression


class ForEach(Expression):
    scope: str | None = None
    source: Expression
    element: Expression


class Repeat(Expression):
    scope: str | None = None
    source: Expression
    element: Expression


class Sort(Expression):
    source: Expression
    by: list[SortByItem]


class Current(Expression):
    scope: str | None = None


class Iteration(Expression):
    scope: str | None = None


class Total(Expression):
    scope: str | None = None
