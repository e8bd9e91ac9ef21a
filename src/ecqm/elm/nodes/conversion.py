"""Type operators and conversions (ELM reference: Type)."""

from __future__ import annotations

from ecqm.elm.nodes.base import BinaryExpression, Expression, OperatorExpression, QName, TypeSpecifier, UnaryExpression


class Is(UnaryExpression):
    isType: QName | None = None
    isTypeSpecifier: TypeSpecifier | None = None


class As(UnaryExpression):
    asType: QName | None = None
    strict: bool = False
    asTypeSpecifier: TypeSpecifier | None = None


class Convert(UnaryExpression):
    toType: QName | None = None
    toTypeSpecifier: TypeSpecifier | None = None


class CanConvert(UnaryExpression):
    toType: QName | None = None
    toTypeSpecifier: TypeSpecifier | None = None


class ConvertQuantity(BinaryExpression):
    pass


class CanConvertQuantity(BinaryExpression):
    pass


class ConvertsToBoolean(UnaryExpression):
    pass


class ConvertsToDate(UnaryExpression):
    pass


class ConvertsToDateTime(UnaryExpression):
    pass


class ConvertsToDecimal(UnaryExpression):
    pass


class ConvertsToInteger(UnaryExpression):
    pass


class ConvertsToLong(UnaryExpression):
    pass


class ConvertsToQuantity(UnaryExpression):
    pass


class ConvertsToRatio(UnaryExpression):
    pass


class ConvertsToString(UnaryExpression):
    pass


class ConvertsToTime(UnaryExpression):
    pass


class ToBoolean(UnaryExpression):
    pass


class ToChars(UnaryExpression):
    pass


class ToConcept(UnaryExpression):
    pass


class ToDate(UnaryExpression):
    pass


class ToDateTime(UnaryExpression):
    pass


class ToDecimal(UnaryExpression):
    pass


class ToInteger(UnaryExpression):
    pass


class ToList(UnaryExpression):
    pass


class ToLong(UnaryExpression):
    pass


class ToQuantity(UnaryExpression):
    pass


class ToRatio(UnaryExpression):
    pass


class ToString(UnaryExpression):
    pass


class ToTime(UnaryExpression):
    pass


class Children(OperatorExpression):
    source: Expression


class Descendents(OperatorExpression):
    source: Expression
