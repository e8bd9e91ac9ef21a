"""Arithmetic operators (ELM reference: Arithmetic)."""

from __future__ import annotations

from ecqm.elm.nodes.base import BinaryExpression, Expression, OperatorExpression, QName, UnaryExpression


class Add(BinaryExpression):
    pass


class Subtract(BinaryExpression):
    pass


class Multiply(BinaryExpression):
    pass


class Divide(BinaryExpression):
    pass


class TruncatedDivide(BinaryExpression):
    pass


class Modulo(BinaryExpression):
    pass


class Log(BinaryExpression):
    pass


class Power(BinaryExpression):
    pass


class Abs(UnaryExpression):
    pass


class Ceiling(UnaryExpression):
    pass


class Exp(UnaryExpression):
    pass


class Floor(UnaryExpression):
    pass


class Ln(UnaryExpression):
    pass


class Negate(UnaryExpression):
    pass


class Precision(UnaryExpression):
    pass


class Predecessor(UnaryExpression):
    pass


class Successor(UnaryExpression):
    pass


class Truncate(UnaryExpression):
    pass


class Round(OperatorExpression):
    operand: Expression
    precision: Expression | None = None


class LowBoundary(BinaryExpression):
    pass


class HighBoundary(BinaryExpression):
    pass


class MinValue(Expression):
    valueType: QName


class MaxValue(Expression):
    valueType: QName
