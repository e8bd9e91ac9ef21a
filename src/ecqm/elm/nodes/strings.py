"""String operators (ELM reference: String)."""

from __future__ import annotations

from ecqm.elm.nodes.base import (
    BinaryExpression,
    Expression,
    NaryExpression,
    OperatorExpression,
    TernaryExpression,
    UnaryExpression,
)


class Concatenate(NaryExpression):
    pass


class Combine(OperatorExpression):
    source: Expression
    separator: Expression | None = None


class Split(OperatorExpression):
    stringToSplit: Expression
    separator: Expression | None = None


class SplitOnMatches(OperatorExpression):
    stringToSplit: Expression
    separatorPattern: Expression


class Length(UnaryExpression):
    pass


class Upper(UnaryExpression):
    pass


class Lower(UnaryExpression):
    pass


class Indexer(BinaryExpression):
    pass


class PositionOf(OperatorExpression):
    pattern: Expression
    string: Expression


class LastPositionOf(OperatorExpression):
    pattern: Expression
    string: Expression


class Substring(OperatorExpression):
    stringToSub: Expression
    startIndex: Expression
    length: Expression | None = None


class StartsWith(BinaryExpression):
    pass


class EndsWith(BinaryExpression):
    pass


class Matches(BinaryExpression):
    pass


class ReplaceMatches(TernaryExpression):
    pass
