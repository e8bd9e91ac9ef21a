"""Aggregate operators (ELM reference: Aggregate)."""

from __future__ import annotations

from ecqm.elm.nodes.base import Expression, OperatorExpression


class AggregateExpression(OperatorExpression):
    path: str | None = None
    source: Expression


class Aggregate(AggregateExpression):
    iteration: Expression
    initialValue: Expression | None = None


class Count(AggregateExpression):
    pass


class Sum(AggregateExpression):
    pass


class Product(AggregateExpression):
    pass


class GeometricMean(AggregateExpression):
    pass


class Min(AggregateExpression):
    pass


class Max(AggregateExpression):
    pass


class Avg(AggregateExpression):
    pass


class Median(AggregateExpression):
    pass


class Mode(AggregateExpression):
    pass


class Variance(AggregateExpression):
    pass


class PopulationVariance(AggregateExpression):
    pass


class StdDev(AggregateExpression):
    pass


class PopulationStdDev(AggregateExpression):
    pass


class AllTrue(AggregateExpression):
    pass


class AnyTrue(AggregateExpression):
    pass
