"""Logic, comparison and arithmetic (CQL reference, chapters 1 to 4)."""

from __future__ import annotations

from ecqm.elm import nodes
from ecqm.language.conversions import ConversionCall
from ecqm.language.diagnostics import TranslationError
from ecqm.language.parse_trees import Context, word, words
from ecqm.language.translation.core import Translator
from ecqm.language.translation.names import parts_of
from ecqm.language.translation.registry import Typed, translates
from ecqm.types import ANY, STRING, CqlType, IntervalType
from ecqm.values.numbers import MIN_INTEGER, MIN_LONG

_INEQUALITIES = {"<": "Less", "<=": "LessOrEqual", ">": "Greater", ">=": "GreaterOrEqual"}
_ARITHMETIC = {"*": "Multiply", "/": "Divide", "div": "TruncatedDivide", "mod": "Modulo", "-": "Subtract"}
_TESTS = {"null": "IsNull", "true": "IsTrue", "false": "IsFalse"}
_EXTENDED = ("Integer", "Long", "Decimal", "Quantity", "Date", "DateTime", "Time")


def compared_to(precision: Context) -> dict[str, str]:
    """The attribute of a comparison for its precision."""
    name = str(precision.getText()).capitalize()
    if name == "Week":
        raise TranslationError("values cannot be compared to the week: weeks are numbered in different ways", precision)
    return {"precision": name}


# -- logic ------------------------------------------------------------------------------------------------------------


def _binary(translator: Translator, name: str, context: Context) -> Typed:
    left, right = context.expression()
    return translator.operator(name, [translator.translate(left), translator.translate(right)], context)


@translates("AndExpression")
def and_expression(translator: Translator, context: Context) -> Typed:
    return _binary(translator, "And", context)


@translates("OrExpression")
def or_expression(translator: Translator, context: Context) -> Typed:
    return _binary(translator, word(context, 1).capitalize(), context)


@translates("ImpliesExpression")
def implies_expression(translator: Translator, context: Context) -> Typed:
    return _binary(translator, "Implies", context)


def negation(translator: Translator, operand: Typed, context: Context) -> Typed:
    """The negation of a Boolean."""
    return translator.operator("Not", [operand], context)


@translates("NotExpression")
def not_expression(translator: Translator, context: Context) -> Typed:
    return negation(translator, translator.translate(context.expression()), context)


@translates("ExistsExpression")
def exists_expression(translator: Translator, context: Context) -> Typed:
    return translator.operator("Exists", [translator.translate(context.expression())], context)


@translates("BooleanTestExpression")
def boolean_test_expression(translator: Translator, context: Context) -> Typed:
    _, *test_words = words(context)
    test = _TESTS[test_words[-1]]
    tested = translator.operator(test, [translator.translate(context.expression())], context)
    return negation(translator, tested, context) if "not" in test_words else tested


# -- comparison -------------------------------------------------------------------------------------------------------


@translates("InequalityExpression")
def inequality_expression(translator: Translator, context: Context) -> Typed:
    return _binary(translator, _INEQUALITIES[word(context, 1)], context)


@translates("EqualityExpression")
def equality_expression(translator: Translator, context: Context) -> Typed:
    symbol = word(context, 1)
    if symbol in ("=", "!=") and any(operand.getText() == "null" for operand in context.expression()):
        message = f"a comparison with null by {symbol} is always null; use 'is null'"
        translator.report(TranslationError(message, context), "warning")
    compared = _binary(translator, "Equivalent" if "~" in symbol else "Equal", context)
    return negation(translator, compared, context) if symbol[0] == "!" else compared


@translates("BetweenExpression")
def between_expression(translator: Translator, context: Context) -> Typed:
    properly = word(context, 1) == "properly"
    value = translator.translate(context.expression())
    low, high = (translator.translate(bound) for bound in context.term())
    if isinstance(value.type, IntervalType):
        (low, high), point = translator.unified([low, high], context.term())
        interval = translator.typed(nodes.Interval(low=low.node, high=high.node), IntervalType(point))
        name = "ProperIncludedIn" if properly else "IncludedIn"
        return translator.operator(name, [value, interval], context)
    after = translator.operator("Greater" if properly else "GreaterOrEqual", [value, low], context)
    before = translator.operator("Less" if properly else "LessOrEqual", [value, high], context)
    return translator.operator("And", [after, before], context)


# -- arithmetic -------------------------------------------------------------------------------------------------------


@translates("PolarityTerm")
def polarity_term(translator: Translator, context: Context) -> Typed:
    operand = translator.translate(context.term())
    if word(context, 0) == "+":
        return operand
    node = operand.node
    if isinstance(node, nodes.Literal) and node.value in (str(-MIN_INTEGER), str(-MIN_LONG)):
        return Typed(nodes.Literal(valueType=node.valueType, value=f"-{node.value}"), operand.type)
    if isinstance(node, nodes.Ratio):
        # In `-1 'mg':2 'mg'` the sign belongs to the numerator: there is no negation of ratios.
        node.numerator.value = -node.numerator.value
        return operand
    return translator.operator("Negate", [operand], context)


def _terms(translator: Translator, context: Context) -> list[Typed]:
    left, right = context.term()
    return [translator.translate(left), translator.translate(right)]


@translates("PowerTerm")
def power_term(translator: Translator, context: Context) -> Typed:
    return translator.operator("Power", _terms(translator, context), context)


@translates("MultiplicationTerm")
def multiplication_term(translator: Translator, context: Context) -> Typed:
    return translator.operator(_ARITHMETIC[word(context, 1)], _terms(translator, context), context)


@translates("AdditionTerm")
def addition_term(translator: Translator, context: Context) -> Typed:
    symbol = word(context, 1)
    operands = _terms(translator, context)
    if symbol == "-":
        return translator.operator("Subtract", operands, context)
    if symbol == "&":
        if not all(_converts_to_text(translator, operand.type) for operand in operands):
            given = ", ".join(str(operand.type) for operand in operands)
            raise TranslationError(f"'&' cannot be applied to ({given})", context, expected=["String & String"])
        empty = [translator.operator("Coalesce", [part, translator.literal(STRING, "")], context) for part in operands]
        return translator.operator("Concatenate", empty, context)
    if any(_is_text(translator, operand.type) for operand in operands):
        return translator.operator("Concatenate", operands, context)
    return translator.operator("Add", operands, context)


def _is_text(translator: Translator, type_: CqlType) -> bool:
    if type_ == ANY:
        return False
    if translator.models.relations.is_subtype(type_, STRING):
        return True
    return isinstance(translator.models.conversions.find(type_, STRING), ConversionCall)


def _converts_to_text(translator: Translator, type_: CqlType) -> bool:
    return type_ == STRING or translator.models.conversions.find(type_, STRING) is not None


@translates("ExtentTerm")
def extent_term(translator: Translator, context: Context) -> Typed:
    type_ = translator.models.named_type(parts_of(context.qualifiedIdentifier()), context.qualifiedIdentifier())
    if type_.model != "System" or type_.name not in _EXTENDED:
        raise TranslationError(f"{type_} has no {word(context, 0)} value", context)
    name = translator.models.qname(type_)
    if word(context, 0) == "minimum":
        return Typed(nodes.MinValue(valueType=name), type_)
    return Typed(nodes.MaxValue(valueType=name), type_)
