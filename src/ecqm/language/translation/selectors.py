"""Literals and selectors (Author's Guide, Values)."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from ecqm.elm import nodes
from ecqm.language.diagnostics import TranslationError
from ecqm.language.literals import (
    check_decimal,
    check_integer,
    check_long,
    check_magnitude,
    check_unit,
    temporal,
    unescape,
)
from ecqm.language.parse_trees import Context, rule_of, word
from ecqm.language.symbols import Declared
from ecqm.language.translation.core import Translator, unknown_name
from ecqm.language.translation.names import (
    dotted_name,
    element_names,
    element_of,
    library_member,
    name_of,
    parts_of,
    reference,
)
from ecqm.language.translation.registry import Typed, translates
from ecqm.language.translation.type_specifiers import type_of
from ecqm.types import (
    ANY,
    BOOLEAN,
    CODE,
    CONCEPT,
    DATE,
    DATETIME,
    DECIMAL,
    INTEGER,
    LONG,
    QUANTITY,
    RATIO,
    STRING,
    TIME,
    ChoiceType,
    CqlType,
    IntervalType,
    ListType,
    TupleType,
)
from ecqm.values import Date, DateTime, Time
from ecqm.values.numbers import decimal_text, to_decimal
from ecqm.values.temporal import PRECISIONS


def is_negated(context: Context) -> bool:
    """Whether a number is the operand of a minus."""
    parent = context.parentCtx
    return rule_of(parent) == "PolarityTerm" and parent.start.text == "-"


# -- literals ---------------------------------------------------------------------------------------------------------


@translates("NullTerm")
def null_term(translator: Translator, context: Context) -> Typed:
    return Typed(nodes.Null(), ANY)


@translates("BooleanTerm")
def boolean_term(translator: Translator, context: Context) -> Typed:
    return translator.literal(BOOLEAN, str(context.getText()))


@translates("StringTerm")
def string_term(translator: Translator, context: Context) -> Typed:
    return translator.literal(STRING, unescape(str(context.getText()), context))


@translates("LongTerm")
def long_term(translator: Translator, context: Context) -> Typed:
    digits = str(context.getText())[:-1]
    check_long(digits, context, negated=is_negated(context))
    return translator.literal(LONG, digits)


@translates("NumberTerm")
def number_term(translator: Translator, context: Context) -> Typed:
    quantities = context.quantity()
    if len(quantities) == 2:
        numerator, denominator = (quantity(translator, part) for part in quantities)
        return Typed(nodes.Ratio(numerator=numerator, denominator=denominator), RATIO)
    if quantities[0].getChildCount() > 1:
        return Typed(quantity(translator, quantities[0]), QUANTITY)
    text = str(context.getText())
    if "." in text:
        check_decimal(text, context)
        return translator.literal(DECIMAL, text)
    check_integer(text, context, negated=is_negated(context))
    return translator.literal(INTEGER, text)


def quantity(translator: Translator, context: Context) -> nodes.Quantity:
    """A quantity; the unit of a bare number is the default, 1."""
    text = str(context.NUMBER().getText())
    check_magnitude(text, context)
    unit = None
    if context.getChildCount() > 1:
        unit = word(context, 1)
        unit = unescape(unit, context) if unit[0] == "'" else unit
        check_unit(unit, context)
    node = nodes.Quantity(value=Decimal(text), unit=unit)
    translator.record_type(node, QUANTITY)
    return node


@translates("TemporalTerm")
def temporal_term(translator: Translator, context: Context) -> Typed:
    value = temporal(str(context.getText()), context)
    components: dict[str, Any] = {
        precision: translator.literal(INTEGER, str(component)).node
        for precision, component in zip(PRECISIONS[value.FIRST :], value.fields, strict=False)
    }
    match value:
        case Time():
            return Typed(nodes.Time(**components), TIME)
        case Date():
            return Typed(nodes.Date(**components), DATE)
        case DateTime(offset=int(minutes)):
            hours = decimal_text(to_decimal(Fraction(minutes, 60)))
            components["timezoneOffset"] = translator.literal(DECIMAL, hours).node
    return Typed(nodes.DateTime(**components), DATETIME)


# -- selectors --------------------------------------------------------------------------------------------------------


@translates("ParenthesizedTerm")
def parenthesized_term(translator: Translator, context: Context) -> Typed:
    return translator.translate(context.expression())


@translates("IntervalTerm")
def interval_term(translator: Translator, context: Context) -> Typed:
    low_context, high_context = context.expression()
    given = [translator.translate(low_context), translator.translate(high_context)]
    bounds, point = translator.unified(given, [low_context, high_context])
    if isinstance(point, ChoiceType) and not any(isinstance(bound.type, ChoiceType) for bound in given):
        found = f"{given[0].type} and {given[1].type}"
        raise TranslationError(f"the bounds of an interval must have one type, found {found}", context)
    if isinstance(point, ListType | IntervalType | TupleType):
        raise TranslationError(f"an interval cannot have bounds of type {point}", context)
    node = nodes.Interval(
        lowClosed=word(context, 1) == "[",
        highClosed=word(context, -1) == "]",
        low=bounds[0].node,
        high=bounds[1].node,
    )
    return Typed(node, IntervalType(point))


@translates("ListTerm")
def list_term(translator: Translator, context: Context) -> Typed:
    contexts = context.expression()
    elements = [translator.translate(element) for element in contexts]
    declared = context.typeSpecifier()
    if declared is not None:
        element_type = type_of(translator, declared)
        elements = [translator.to_type(e, element_type, c) for e, c in zip(elements, contexts, strict=True)]
        specifier = translator.models.specifier(ListType(element_type))
        node = nodes.List(typeSpecifier=specifier, element=[e.node for e in elements])
        return Typed(node, ListType(element_type))
    if not elements:
        return Typed(nodes.List(), ListType(ANY))
    elements, element_type = translator.unified(elements, contexts)
    return Typed(nodes.List(element=[e.node for e in elements]), ListType(element_type))


@translates("TupleTerm")
def tuple_term(translator: Translator, context: Context) -> Typed:
    elements: list[nodes.TupleElement] = []
    types: list[tuple[str, CqlType]] = []
    for element in context.element():
        name = _new_name(element, elements)
        value = translator.translate(element.expression())
        elements.append(nodes.TupleElement(name=name, value=value.node))
        types.append((name, value.type))
    return Typed(nodes.Tuple(element=elements), TupleType(tuple(types)))


@translates("InstanceTerm")
def instance_term(translator: Translator, context: Context) -> Typed:
    parts = dotted_name(context.term())
    if parts is None:
        raise TranslationError("an instance selector must begin with the name of a type", context.term())
    class_type = translator.models.named_type(parts, context.term())
    elements: list[nodes.InstanceElement] = []
    for element in context.element():
        name = _new_name(element, elements)
        described = element_of(translator, class_type, name)
        if described is None:
            known = element_names(translator, class_type)
            raise unknown_name(name, known, "element", element, within=str(class_type))
        value = translator.to_type(translator.translate(element.expression()), described[0], element)
        elements.append(nodes.InstanceElement(name=name, value=value.node))
    return Typed(nodes.Instance(classType=translator.models.qname(class_type), element=elements), class_type)


def _new_name(element: Context, known: Sequence[nodes.TupleElement | nodes.InstanceElement]) -> str:
    """The name of an element of a selector. Raises TranslationError if an element before it has the same name."""
    name = name_of(element.referentialIdentifier())
    if any(name == other.name for other in known):
        raise TranslationError(f"the element {name!r} is given twice", element)
    return name


# -- codes ------------------------------------------------------------------------------------------------------------


@translates("CodeTerm")
def code_term(translator: Translator, context: Context) -> Typed:
    return Typed(code(translator, context), CODE)


def code(translator: Translator, context: Context) -> nodes.Code:
    """A code literal."""
    display = context.displayClause()
    return nodes.Code(
        code=unescape(context.STRING().getText(), context),
        display=None if display is None else unescape(display.STRING().getText(), context),
        system=code_system(translator, context.qualifiedIdentifier()),
    )


@translates("ConceptTerm")
def concept_term(translator: Translator, context: Context) -> Typed:
    display = context.displayClause()
    node = nodes.Concept(
        code=[code(translator, part) for part in context.codeLiteral()],
        display=None if display is None else unescape(display.STRING().getText(), context),
    )
    return Typed(node, CONCEPT)


def code_system(translator: Translator, context: Context) -> nodes.CodeSystemRef:
    """A reference to a declared code system."""
    found = terminology(translator, context, Declared.CODE_SYSTEM)
    assert isinstance(found, nodes.CodeSystemRef)
    return found


def terminology(translator: Translator, context: Context, kind: Declared) -> nodes.Expression:
    """A reference to a terminology declaration of the given kind, in this library or an included one."""
    parts = parts_of(context)
    if len(parts) == 1:
        symbol = translator.library.symbol(parts[0], context)
        if symbol is None:
            raise unknown_name(parts[0], translator.library.names(), kind.value, context)
        found = reference(symbol, None)
    else:
        library, name = ".".join(parts[:-1]), parts[-1]
        if library not in translator.library.includes:
            raise unknown_name(library, translator.library.includes, "library", context)
        found = library_member(translator, library, name, context)
        symbol = translator.library.includes[library].symbols[name]
    if symbol.kind is not kind:
        raise TranslationError(f"{parts[-1]!r} is a {symbol.kind.value}, not a {kind.value}", context)
    translator.record_type(found.node, found.type)
    return found.node
