"""Nullological operators (ELM reference: Nullological)."""

from __future__ import annotations

from ecqm.elm.nodes.base import Expression, NaryExpression, QName, UnaryExpression


class Null(Expression):
    valueType: QName | None = None


class IsNull(UnaryExpression):
    pass


class IsTrue(UnaryExpression):
    pass


class IsFalse(UnaryExpression):
    pass


class Coalesce(NaryExpression):
    pass
