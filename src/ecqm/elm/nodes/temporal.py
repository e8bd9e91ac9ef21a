"""Date and time operators (ELM reference: Date and Time)."""

from __future__ import annotations

from ecqm.elm.nodes.base import BinaryExpression, Expression, OperatorExpression, UnaryExpression


class Date(OperatorExpression):
    year: Expression
    month: Expression | None = None
    day: Expression | None = None


class DateTime(OperatorExpression):
    year: Expression
    month: Expression | None = None
    day: Expression | None = None
    hour: Expression | None = None
    minute: Expression | None = None
    second: Expression | None = None
    millisecond: Expression | None = None
    timezoneOffset: Expression | None = None


class Time(OperatorExpression):
    hour: Expression
    minute: Expression | None = None
    second: Expression | None = None
    millisecond: Expression | None = None


class Now(OperatorExpression):
    pass


class Today(OperatorExpression):
    pass


class TimeOfDay(OperatorExpression):
    pass


class DateFrom(UnaryExpression):
    pass


class TimeFrom(UnaryExpression):
    pass


class TimezoneFrom(UnaryExpression):
    pass


class TimezoneOffsetFrom(UnaryExpression):
    pass


class DateTimeComponentFrom(UnaryExpression):
    precision: str | None = None


class DurationBetween(BinaryExpression):
    precision: str | None = None


class DifferenceBetween(BinaryExpression):
    precision: str | None = None


class SameAs(BinaryExpression):
    precision: str | None = None


class SameOrBefore(BinaryExpression):
    precision: str | None = None


class SameOrAfter(BinaryExpression):
    precision: str | None = None
