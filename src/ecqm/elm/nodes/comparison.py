"""Comparison operators (ELM reference: Comparison)."""

from __future__ import annotations

from ecqm.elm.nodes.base import BinaryExpression


class Equal(BinaryExpression):
    pass


class Equivalent(BinaryExpression):
    pass


class NotEqual(BinaryExpression):
    pass


class Less(BinaryExpression):
    pass


class Greater(BinaryExpression):
    pass


class LessOrEqual(BinaryExpression):
    pass


class GreaterOrEqual(BinaryExpression):
    pass
