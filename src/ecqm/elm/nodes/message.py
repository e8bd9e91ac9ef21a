"""Errors and messages (ELM reference: Errors and Messages)."""

from __future__ import annotations

from ecqm.elm.nodes.base import Expression, OperatorExpression


class Message(OperatorExpression):
    source: Expression
    condition: Expression | None = None
    code: Expression | None = None
    severity: Expression | None = None
    message: Expression | None = None
