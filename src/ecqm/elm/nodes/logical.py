"""Logical and conditional operators (ELM reference: Logical; Conditional)."""

from __future__ import annotations

from ecqm.elm.nodes.base import BinaryExpression, Element, Expression, UnaryExpression


class And(BinaryExpression):
    pass


class Or(BinaryExpression):
    pass


class Xor(BinaryExpression):
    pass


class Implies(BinaryExpression):
    pass


class Not(UnaryExpression):
    pass


class If(Expression):
    condition: Expression
    then: Expression
    else_: Expression


class CaseItem(Element):
    when: Expression
    then: Expression


class Case(Expression):
    comparand: Expression | None = None
    caseItem: list[CaseItem]
    else_: Expression
