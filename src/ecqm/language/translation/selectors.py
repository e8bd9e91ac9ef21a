"""Literals and selectors (Author's Guide, Values)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from ecqm.elm import nodes
from ecqm.language.diagnostics import CqlError
from ecqm.language.literals import check_decimal, check_integer, check_long, check_magnitude, temporal_parts, unescape
from ecqm.language.symbols import Declared
from ecqm.language.translation.core import Context, Typed, word
from ecqm.language.translation.names import NameTranslator, name_of, parts_of
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
    NamedType,
    TupleType,
)

_DATE_FIELDS = ("year", "month", "day")
_TIME_FIELDS = ("hour", "minute", "second", "millisecond")


def is_negated(context: Context) -> bool:
    """Whether a number is the operand of a minus."""
    parent = context.parentCtx
    return type(parent).__name__ == "PolarityTermContext" and parent.start.text == "-"


class SelectorTranslator(NameTranslator):
    """Translates literals and selectors."""

    # ------------------------------------------------------------------------------------------ literals

    def literal(self, type_: NamedType, value: str) -> Typed:
        """A literal of a simple type of System."""
        return self.record_type(Typed(nodes.Literal(valueType=self.models.qname(type_), value=value), type_))

    def visit_NullTerm(self, context: Context) -> Typed:
        return Typed(nodes.Null(), ANY)

    def visit_BooleanTerm(self, context: Context) -> Typed:
        return self.literal(BOOLEAN, str(context.getText()))

    def visit_StringTerm(self, context: Context) -> Typed:
        return self.literal(STRING, unescape(str(context.getText())))

    def visit_LongTerm(self, context: Context) -> Typed:
        digits = str(context.getText())[:-1]
        check_long(digits, context, negated=is_negated(context))
        return self.literal(LONG, digits)

    def visit_NumberTerm(self, context: Context) -> Typed:
        quantities = context.quantity()
        if len(quantities) == 2:
            numerator, denominator = (self.quantity(part) for part in quantities)
            return Typed(nodes.Ratio(numerator=numerator, denominator=denominator), RATIO)
        if quantities[0].getChildCount() > 1:
            return Typed(self.quantity(quantities[0]), QUANTITY)
        text = str(context.getText())
        if "." in text:
            check_decimal(text, context)
            return self.literal(DECIMAL, text)
        check_integer(text, context, negated=is_negated(context))
        return self.literal(INTEGER, text)

    def quantity(self, context: Context) -> nodes.Quantity:
        """A quantity; the unit of a bare number is the default, 1."""
        text = str(context.NUMBER().getText())
        check_magnitude(text, context)
        unit = None
        if context.getChildCount() > 1:
            unit = word(context, 1)
            unit = unescape(unit) if unit[0] == "'" else unit
        node = nodes.Quantity(value=Decimal(text), unit=unit)
        self.record_type(Typed(node, QUANTITY))
        return node

    def visit_TemporalTerm(self, context: Context) -> Typed:
        text = str(context.getText())
        date, time, offset = temporal_parts(text, context)
        parts: dict[str, Any] = {
            name: self.literal(INTEGER, str(value)).node
            for name, value in (*zip(_DATE_FIELDS, date, strict=False), *zip(_TIME_FIELDS, time, strict=False))
        }
        if text.startswith("@T"):
            return Typed(nodes.Time(**parts), TIME)
        if "T" not in text:
            return Typed(nodes.Date(**parts), DATE)
        if offset is not None:
            parts["timezoneOffset"] = self.literal(DECIMAL, str(offset)).node
        return Typed(nodes.DateTime(**parts), DATETIME)

    # ------------------------------------------------------------------------------------------ selectors

    def visit_ParenthesizedTerm(self, context: Context) -> Typed:
        return self.translate(context.expression())

    def visit_IntervalTerm(self, context: Context) -> Typed:
        low_context, high_context = context.expression()
        given = [self.translate(low_context), self.translate(high_context)]
        bounds, point = self.unified(given, [low_context, high_context])
        if isinstance(point, ChoiceType) and not any(isinstance(bound.type, ChoiceType) for bound in given):
            found = f"{given[0].type} and {given[1].type}"
            raise CqlError(f"the bounds of an interval must have one type, found {found}", context)
        if isinstance(point, ListType | IntervalType | TupleType):
            raise CqlError(f"an interval cannot have bounds of type {point}", context)
        node = nodes.Interval(
            lowClosed=word(context, 1) == "[",
            highClosed=word(context, -1) == "]",
            low=bounds[0].node,
            high=bounds[1].node,
        )
        return Typed(node, IntervalType(point))

    def visit_ListTerm(self, context: Context) -> Typed:
        contexts = context.expression()
        elements = [self.translate(element) for element in contexts]
        declared = context.typeSpecifier()
        if declared is not None:
            element_type = self.type_of(declared)
            elements = [self.to_type(e, element_type, c) for e, c in zip(elements, contexts, strict=True)]
            specifier = self.models.specifier(ListType(element_type))
            node = nodes.List(typeSpecifier=specifier, element=[e.node for e in elements])
            return Typed(node, ListType(element_type))
        if not elements:
            return Typed(nodes.List(), ListType(ANY))
        elements, element_type = self.unified(elements, contexts)
        return Typed(nodes.List(element=[e.node for e in elements]), ListType(element_type))

    def visit_TupleTerm(self, context: Context) -> Typed:
        elements: list[nodes.TupleElement] = []
        types: list[tuple[str, CqlType]] = []
        for element in context.element():
            name = name_of(element.referentialIdentifier())
            if any(name == known for known, _ in types):
                raise CqlError(f"the tuple element {name!r} is given twice", element)
            value = self.translate(element.expression())
            elements.append(nodes.TupleElement(name=name, value=value.node))
            types.append((name, value.type))
        return Typed(nodes.Tuple(element=elements), TupleType(tuple(types)))

    def visit_InstanceTerm(self, context: Context) -> Typed:
        class_type = self.models.named_type(self._type_parts(context.term()), context.term())
        elements: list[nodes.InstanceElement] = []
        for element in context.element():
            name = name_of(element.referentialIdentifier())
            described = self.element_of(class_type, name)
            if described is None:
                known = self.element_names(class_type)
                raise self.unknown_name(name, known, "element", element, within=str(class_type))
            value = self.to_type(self.translate(element.expression()), described[0], element)
            elements.append(nodes.InstanceElement(name=name, value=value.node))
        return Typed(nodes.Instance(classType=self.models.qname(class_type), element=elements), class_type)

    def _type_parts(self, context: Context) -> list[str]:
        """The parts of the type name before the brace of an instance selector."""
        kind = type(context).__name__
        if kind == "NameTermContext" and context.getChildCount() == 1:
            return [name_of(context.referentialIdentifier())]
        if kind == "MemberTermContext" and context.getChildCount() == 3:
            return [*self._type_parts(context.term()), name_of(context.anyName())]
        raise CqlError("an instance selector must begin with the name of a type", context)

    # ------------------------------------------------------------------------------------------ codes

    def visit_CodeTerm(self, context: Context) -> Typed:
        return Typed(self.code(context), CODE)

    def code(self, context: Context) -> nodes.Code:
        """A code literal."""
        display = context.displayClause()
        return nodes.Code(
            code=unescape(context.STRING().getText()),
            display=None if display is None else unescape(display.STRING().getText()),
            system=self.code_system(context.qualifiedIdentifier()),
        )

    def visit_ConceptTerm(self, context: Context) -> Typed:
        display = context.displayClause()
        node = nodes.Concept(
            code=[self.code(code) for code in context.codeLiteral()],
            display=None if display is None else unescape(display.STRING().getText()),
        )
        return Typed(node, CONCEPT)

    def code_system(self, context: Context) -> nodes.CodeSystemRef:
        """A reference to a declared code system."""
        found = self.terminology(context, Declared.CODE_SYSTEM)
        assert isinstance(found, nodes.CodeSystemRef)
        return found

    def terminology(self, context: Context, kind: Declared) -> nodes.Expression:
        """A reference to a terminology declaration of the given kind, in this library or an included one."""
        parts = parts_of(context)
        if len(parts) == 1:
            symbol = self.own_symbol(parts[0], context)
            if symbol is None:
                raise self.unknown_name(parts[0], self.own_names(), kind.value, context)
            reference = self.reference(symbol, None)
        else:
            library, name = ".".join(parts[:-1]), parts[-1]
            if library not in self.includes:
                raise self.unknown_name(library, self.includes, "library", context)
            reference = self.library_member(library, name, context)
            symbol = self.includes[library].symbols[name]
        if symbol.kind is not kind:
            raise CqlError(f"{parts[-1]!r} is a {symbol.kind.value}, not a {kind.value}", context)
        return self.record_type(reference).node

    # ------------------------------------------------------------------------------------------ types

    def type_of(self, context: Context) -> CqlType:
        """The type of a type specifier. Raises CqlError if there is no such type."""
        kind = type(context).__name__
        if kind == "ListTypeContext":
            return ListType(self.type_of(context.typeSpecifier()))
        if kind == "IntervalTypeContext":
            return IntervalType(self.type_of(context.typeSpecifier()))
        if kind == "ChoiceTypeContext":
            return ChoiceType(tuple(map(self.type_of, context.typeSpecifier())))
        if kind == "TupleTypeContext":
            return TupleType(
                tuple(
                    (name_of(element.referentialIdentifier()), self.type_of(element.typeSpecifier()))
                    for element in context.tupleElementDefinition()
                )
            )
        if kind != "NamedTypeContext":
            raise CqlError("missing type", context)
        return self.models.named_type(parts_of(context.qualifiedIdentifier()), context)
