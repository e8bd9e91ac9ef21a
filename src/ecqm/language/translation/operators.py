"""Operators, except timing phrases (CQL reference, chapters 1 to 8 and 10)."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from ecqm.elm import nodes
from ecqm.language.conversions import CAST, Conversion, Kind
from ecqm.language.diagnostics import CqlError
from ecqm.language.literals import INTEGER_LIMIT
from ecqm.language.system_operators import system_signatures
from ecqm.language.translation.core import Context, Typed, word
from ecqm.language.translation.functions import FunctionTranslator
from ecqm.language.translation.names import parts_of
from ecqm.language.translation.selectors import SelectorTranslator
from ecqm.types import (
    ANY,
    BOOLEAN,
    CODE,
    CODE_SYSTEM,
    CONCEPT,
    DATETIME,
    QUANTITY,
    STRING,
    VALUE_SET,
    ChoiceType,
    CqlType,
    IntervalType,
    ListType,
    choice_of,
)

_INEQUALITIES = {"<": "Less", "<=": "LessOrEqual", ">": "Greater", ">=": "GreaterOrEqual"}
_ARITHMETIC = {"*": "Multiply", "/": "Divide", "div": "TruncatedDivide", "mod": "Modulo", "-": "Subtract"}
_SETS = {"|": "Union", "union": "Union", "intersect": "Intersect", "except": "Except"}
_OF = {"start": "Start", "end": "End", "width": "Width", "successor": "Successor", "predecessor": "Predecessor"}
_COMPONENTS = {
    "date": "DateFrom",
    "time": "TimeFrom",
    "timezone": "TimezoneFrom",
    "timezoneoffset": "TimezoneOffsetFrom",
}
_UCUM = {
    "year": "a", "month": "mo", "week": "wk", "day": "d", "hour": "h", "minute": "min", "second": "s",
    "millisecond": "ms",
}  # fmt: skip
_ORDINALS = ("Integer", "Long", "Decimal", "Quantity", "Date", "DateTime", "Time")


def compared_to(precision: Context) -> dict[str, str]:
    """The attribute of a comparison for its precision."""
    name = str(precision.getText()).capitalize()
    if name == "Week":
        raise CqlError("values cannot be compared to the week: weeks are numbered in different ways", precision)
    return {"precision": name}


class OperatorTranslator(SelectorTranslator, FunctionTranslator):
    """Translates operators."""

    # ------------------------------------------------------------------------------------------ logic

    def _binary(self, name: str, context: Context) -> Typed:
        left, right = context.expression()
        return self.operator(name, [self.translate(left), self.translate(right)], context)

    def visit_AndExpression(self, context: Context) -> Typed:
        return self._binary("And", context)

    def visit_OrExpression(self, context: Context) -> Typed:
        return self._binary(word(context, 1).capitalize(), context)

    def visit_ImpliesExpression(self, context: Context) -> Typed:
        return self._binary("Implies", context)

    def negation(self, operand: Typed, context: Context) -> Typed:
        """The negation of a Boolean."""
        return self.operator("Not", [operand], context)

    def visit_NotExpression(self, context: Context) -> Typed:
        return self.negation(self.translate(context.expression()), context)

    def visit_ExistsExpression(self, context: Context) -> Typed:
        return self.operator("Exists", [self.translate(context.expression())], context)

    def visit_BooleanTestExpression(self, context: Context) -> Typed:
        words = [word(context, at) for at in range(1, context.getChildCount())]
        test = {"null": "IsNull", "true": "IsTrue", "false": "IsFalse"}[words[-1]]
        tested = self.operator(test, [self.translate(context.expression())], context)
        return self.negation(tested, context) if "not" in words else tested

    # ------------------------------------------------------------------------------------------ comparison

    def visit_InequalityExpression(self, context: Context) -> Typed:
        return self._binary(_INEQUALITIES[word(context, 1)], context)

    def visit_EqualityExpression(self, context: Context) -> Typed:
        symbol = word(context, 1)
        if symbol in ("=", "!=") and any(operand.getText() == "null" for operand in context.expression()):
            message = f"a comparison with null by {symbol} is always null; use 'is null'"
            self.report(CqlError(message, context), "warning")
        compared = self._binary("Equivalent" if "~" in symbol else "Equal", context)
        return self.negation(compared, context) if symbol[0] == "!" else compared

    def visit_BetweenExpression(self, context: Context) -> Typed:
        properly = word(context, 1) == "properly"
        value = self.translate(context.expression())
        low, high = (self.translate(bound) for bound in context.term())
        if isinstance(value.type, IntervalType):
            (low, high), point = self.unified([low, high], context.term())
            interval = Typed(nodes.Interval(low=low.node, high=high.node), IntervalType(point))
            self.record_type(interval)
            name = "ProperIncludedIn" if properly else "IncludedIn"
            return self.operator(name, [value, interval], context)
        after = self.operator("Greater" if properly else "GreaterOrEqual", [value, low], context)
        before = self.operator("Less" if properly else "LessOrEqual", [value, high], context)
        return self.operator("And", [after, before], context)

    # ------------------------------------------------------------------------------------------ arithmetic

    def visit_PolarityTerm(self, context: Context) -> Typed:
        operand = self.translate(context.term())
        if word(context, 0) == "+":
            return operand
        node = operand.node
        if isinstance(node, nodes.Literal) and node.value in (str(INTEGER_LIMIT), str(2**63)):
            return Typed(nodes.Literal(valueType=node.valueType, value=f"-{node.value}"), operand.type)
        if isinstance(node, nodes.Ratio):
            # In `-1 'mg':2 'mg'` the sign belongs to the numerator: there is no negation of ratios.
            node.numerator.value = -node.numerator.value
            return operand
        return self.operator("Negate", [operand], context)

    def _terms(self, context: Context) -> list[Typed]:
        left, right = context.term()
        return [self.translate(left), self.translate(right)]

    def visit_PowerTerm(self, context: Context) -> Typed:
        return self.operator("Power", self._terms(context), context)

    def visit_MultiplicationTerm(self, context: Context) -> Typed:
        return self.operator(_ARITHMETIC[word(context, 1)], self._terms(context), context)

    def visit_AdditionTerm(self, context: Context) -> Typed:
        symbol = word(context, 1)
        operands = self._terms(context)
        if symbol == "-":
            return self.operator("Subtract", operands, context)
        if symbol == "&":
            if not all(self._converts_to_text(operand.type) for operand in operands):
                given = ", ".join(str(operand.type) for operand in operands)
                raise CqlError(f"'&' cannot be applied to ({given})", context, expected=["String & String"])
            empty = [self.operator("Coalesce", [part, self.literal(STRING, "")], context) for part in operands]
            return self.operator("Concatenate", empty, context)
        if any(self._is_text(operand.type) for operand in operands):
            return self.operator("Concatenate", operands, context)
        return self.operator("Add", operands, context)

    def _is_text(self, type_: CqlType) -> bool:
        if type_ == ANY:
            return False
        if self.models.relations.is_subtype(type_, STRING):
            return True
        conversion = self.models.conversions.find(type_, STRING)
        return conversion is not None and conversion.kind is Kind.OPERATOR

    def _converts_to_text(self, type_: CqlType) -> bool:
        return type_ == STRING or self.models.conversions.find(type_, STRING) is not None

    def visit_ExtentTerm(self, context: Context) -> Typed:
        type_ = self.models.named_type(parts_of(context.qualifiedIdentifier()), context.qualifiedIdentifier())
        if type_.model != "System" or type_.name not in _ORDINALS:
            raise CqlError(f"{type_} has no {word(context, 0)} value", context)
        name = self.models.qname(type_)
        if word(context, 0) == "minimum":
            return Typed(nodes.MinValue(valueType=name), type_)
        return Typed(nodes.MaxValue(valueType=name), type_)

    # ------------------------------------------------------------------------------------------ conditions

    def visit_IfTerm(self, context: Context) -> Typed:
        condition, then, else_ = context.expression()
        test = self.boolean(condition)
        branches, type_ = self.unified([self.translate(then), self.translate(else_)], [then, else_])
        return Typed(nodes.If(condition=test.node, then=branches[0].node, else_=branches[1].node), type_)

    def visit_CaseTerm(self, context: Context) -> Typed:
        items = context.caseItem()
        expressions = context.expression()
        else_ = expressions[-1]
        whens = [item.expression(0) for item in items]
        results = [item.expression(1) for item in items] + [else_]
        comparand: Typed | None = None
        if len(expressions) > 1:
            compared = [self.translate(expressions[0]), *map(self.translate, whens)]
            self._check_comparable(compared, whens)
            (comparand, *conditions), _ = self.unified(compared, [expressions[0], *whens])
        else:
            conditions = [self.boolean(when) for when in whens]
        values, type_ = self.unified([self.translate(result) for result in results], results)
        node = nodes.Case(
            comparand=None if comparand is None else comparand.node,
            caseItem=[
                nodes.CaseItem(when=when.node, then=then.node) for when, then in zip(conditions, values, strict=False)
            ],
            else_=values[-1].node,
        )
        return Typed(node, type_)

    def _check_comparable(self, compared: Sequence[Typed], whens: Sequence[Context]) -> None:
        """Raises CqlError if the first of the values cannot equal one of the others."""
        comparand, *others = compared
        for value, when in zip(others, whens, strict=True):
            if self.try_resolve(system_signatures()["Equal"], [comparand, value], "Equal", when) is None:
                raise CqlError(f"a value of type {comparand.type} cannot equal one of type {value.type}", when)

    # ------------------------------------------------------------------------------------------ types

    def visit_TypeExpression(self, context: Context) -> Typed:
        value = self.translate(context.expression())
        type_ = self.type_of(context.typeSpecifier())
        specifier = self.models.specifier(type_)
        if word(context, 1) == "is":
            return Typed(nodes.Is(operand=value.node, isTypeSpecifier=specifier), BOOLEAN)
        self._check_cast(value.type, type_, context)
        return Typed(nodes.As(operand=value.node, asTypeSpecifier=specifier, strict=False), type_)

    def visit_CastExpression(self, context: Context) -> Typed:
        value = self.translate(context.term())
        type_ = self.type_of(context.typeSpecifier())
        self._check_cast(value.type, type_, context)
        specifier = self.models.specifier(type_)
        return Typed(nodes.As(operand=value.node, asTypeSpecifier=specifier, strict=True), type_)

    def _check_cast(self, from_: CqlType, to: CqlType, context: Context) -> None:
        relations = self.models.relations
        parts = to.choices if isinstance(to, ChoiceType) else (to,)
        related = any(
            relations.is_subtype(from_, part)
            or relations.is_subtype(part, from_)
            or relations.is_compatible(from_, part)
            for part in parts
        )
        if isinstance(from_, ChoiceType):
            related = related or any(
                relations.is_subtype(part, choice) or relations.is_subtype(choice, part)
                for part in parts
                for choice in from_.choices
            )
        if not related:
            # What a choice is shows only at run time (CQL reference, Cast), so published libraries cast them to anything.
            severity = "warning" if isinstance(from_, ChoiceType) else "error"
            self.report(CqlError(f"a value of type {from_} can never be {to}", context), severity)

    def visit_ConvertTerm(self, context: Context) -> Typed:
        value = self.translate(context.expression())
        target = context.typeSpecifier()
        if target is None:
            unit = word(context, 3)
            ucum = _UCUM.get(unit.removesuffix("s"), unit.strip("'"))
            return self.operator("ConvertQuantity", [value, self.literal(STRING, ucum)], context)
        type_ = self.type_of(target)
        if self.models.relations.is_subtype(value.type, type_):
            return value
        conversion = self.models.conversions.find(value.type, type_, implicit=False)
        if conversion is None:
            raise CqlError(f"there is no conversion from {value.type} to {type_}", context)
        return self.convert(value, conversion)

    # ------------------------------------------------------------------------------------------ lists, sets

    def visit_SetExpression(self, context: Context) -> Typed:
        name = _SETS[word(context, 1)]
        left, right = (self.translate(operand) for operand in context.expression())
        if isinstance(left.type, ListType) and isinstance(right.type, ListType):
            return self._of_lists(name, left, left.type, right, right.type, context)
        return self.operator(name, [left, right], context)

    def _of_lists(
        self, name: str, left: Typed, left_type: ListType, right: Typed, right_type: ListType, context: Context
    ) -> Typed:
        """A set operation on lists. If neither element type includes the other, both become lists of their choice."""
        relations, conversions = self.models.relations, self.models.conversions
        related = (
            relations.is_subtype(left_type, right_type)
            or relations.is_subtype(right_type, left_type)
            or (
                not isinstance(left_type.element, ChoiceType)
                and not isinstance(right_type.element, ChoiceType)
                and (
                    conversions.find(left_type, right_type) is not None
                    or conversions.find(right_type, left_type) is not None
                )
            )
        )
        if not related:
            type_ = ListType(choice_of((left_type.element, right_type.element)))
            left, right = (
                operand if operand.type == type_ else self._as_list(operand, type_) for operand in (left, right)
            )
        return self.operator(name, [left, right], context)

    def _as_list(self, value: Typed, type_: ListType) -> Typed:
        node = nodes.As(operand=value.node, asTypeSpecifier=self.models.specifier(type_))
        return self.record_type(Typed(node, type_))

    def visit_IndexerTerm(self, context: Context) -> Typed:
        operands = [self.translate(context.term()), self.translate(context.expression())]
        return self.operator("Indexer", operands, context)

    def visit_ListOperatorTerm(self, context: Context) -> Typed:
        name = word(context, 0).capitalize()
        operand = self.translate(context.expression())
        if name == "Flatten" and isinstance(operand.type, ListType):
            return self._flatten(operand, operand.type, context)
        return self.operator(name, [operand], context)

    def _flatten(self, operand: Typed, type_: ListType, context: Context) -> Typed:
        """Flatten a list; lists of different types become a list of their choice."""
        element = type_.element
        if isinstance(element, ChoiceType) and any(isinstance(part, ListType) for part in element.choices):
            parts = [part.element if isinstance(part, ListType) else part for part in element.choices]
            return Typed(nodes.Flatten(operand=operand.node), ListType(choice_of(parts)))
        return self.operator("Flatten", [operand], context)

    def visit_PerTerm(self, context: Context) -> Typed:
        name = word(context, 0).capitalize()
        expressions = context.expression()
        source = self.translate(expressions[0])
        precision = context.precision()
        if precision is not None:
            node = nodes.Quantity(value=Decimal(1), unit=str(precision.getText()))
            per = self.record_type(Typed(node, QUANTITY))
        elif len(expressions) > 1:
            per = self.to_type(self.translate(expressions[1]), QUANTITY, expressions[1])
        else:
            per = self.cast(self.record_type(Typed(nodes.Null(), ANY)), QUANTITY)
        return self.operator(name, [source, per], context)

    def visit_OfTerm(self, context: Context) -> Typed:
        return self.operator(_OF[word(context, 0)], [self.translate(context.term())], context)

    def visit_FromTerm(self, context: Context) -> Typed:
        component = word(context, 0)
        operand = self.translate(context.term())
        if component == "singleton":
            return self.operator("SingletonFrom", [operand], context)
        if component == "point":
            return self.operator("PointFrom", [operand], context)
        if component in _COMPONENTS:
            return self.operator(_COMPONENTS[component], [operand], context)
        if component == "week":
            raise CqlError("'week from' is not defined: weeks are numbered in different ways", context)
        if operand.type == ANY:
            operand = self.cast(operand, DATETIME)
        return self.operator("DateTimeComponentFrom", [operand], context, precision=component.capitalize())

    # ------------------------------------------------------------------------------------------ membership

    def visit_MembershipExpression(self, context: Context) -> Typed:
        left, right = (self.translate(operand) for operand in context.expression())
        precision = context.precisionOf()
        relation = word(context, 1)
        attributes = {} if precision is None else compared_to(precision.precision())
        if relation == "in":
            if precision is None and self._is_terminology(right.type):
                return self.membership(left, right, context)
            return self.operator("In", [left, right], context, **attributes)
        if precision is None and self._is_terminology(left.type):
            return self.membership(right, left, context)
        return self.operator("Contains", [left, right], context, **attributes)

    def _is_terminology(self, type_: CqlType) -> bool:
        return type_ in (VALUE_SET, CODE_SYSTEM)

    def membership(self, element: Typed, collection: Typed, context: Context) -> Typed:
        """The test whether a code, concept or string, or any of a list, is in a value set or code system."""
        kind = "ValueSet" if collection.type == VALUE_SET else "CodeSystem"
        name = f"AnyIn{kind}" if isinstance(element.type, ListType) else f"In{kind}"
        if isinstance(element.type, ChoiceType) and CONCEPT in element.type.choices:
            element = self._concept_of_choice(element, element.type)
        found = self.operator(name, [element, collection], context)
        reference = nodes.ValueSetRef if kind == "ValueSet" else nodes.CodeSystemRef
        if not isinstance(collection.node, reference):
            field = kind.lower()
            setattr(found.node, f"{field}Expression", collection.node)
            setattr(found.node, field, None)
        return found

    def _concept_of_choice(self, element: Typed, type_: ChoiceType) -> Typed:
        """The Concept that a choice holds; made of the Code if it may hold that instead."""
        of_code = self.models.conversions.find(CODE, CONCEPT)
        if CODE not in type_.choices or of_code is None:
            return self.cast(element, CONCEPT)
        concept = Conversion(Kind.CAST, CONCEPT, CONCEPT, CAST)
        either = Conversion(Kind.FROM_CHOICE, type_, CONCEPT, of_code.score, inner=concept, alternatives=(of_code,))
        return self.convert(element, either)
