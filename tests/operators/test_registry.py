"""The registry: declaring, extending, resolving by type, dispatching by kind."""

from __future__ import annotations

from decimal import Decimal

import pytest

from ecqm.operators import registry
from ecqm.operators.dispatch import type_of
from ecqm.operators.registry import NONE, Declaration, NullRule, operator, overload
from ecqm.operators.signature import OverloadSignature, substitute
from ecqm.types import core as t
from ecqm.types import parse_type
from ecqm.values import Code, CqlError, Date, DateTime, EvaluationContext, Interval, Long, Tuple


def types(*names: str) -> list[t.CqlType]:
    return [parse_type(name) for name in names]


def test_signatures_are_read_and_written_alike() -> None:
    for text in (
        "(List<T>, T) -> Boolean",
        "() -> Date",
        "(T...) -> T",
        "(Tuple{a Integer}, Choice<Date, Time>) -> Any",
    ):
        assert str(OverloadSignature.parse(text)) == text
    with pytest.raises(ValueError, match="Integer -> Boolean"):
        OverloadSignature.parse("Integer -> Boolean")


def test_variables_are_bound_consistently() -> None:
    signature = OverloadSignature.parse("(List<T>, T) -> Interval<T>")
    matched = signature.match(types("List<Integer>", "Integer"))
    assert matched is not None and substitute(signature.result, matched[1]) == parse_type("Interval<Integer>")
    assert signature.match(types("List<Integer>", "String")) is None
    assert signature.match(types("List<Any>", "String")) is not None
    assert substitute(parse_type("List<T>"), {}) == parse_type("List<Any>")


def test_the_closest_overload_is_resolved() -> None:
    add = registry.get("Add")
    found = add.resolve(types("Integer", "Integer"))
    assert found is not None and found.operands == (t.INTEGER, t.INTEGER)
    contains = registry.get("Contains").resolve(types("Interval<Date>", "Date"))
    assert contains is not None and "precision" in contains.attributes
    assert registry.get("Less").resolve(types("Boolean", "Boolean")) is None


def test_null_is_taken_for_a_list_or_an_interval_rather_than_an_element() -> None:
    includes = registry.get("Includes")
    found = includes.resolve(types("List<String>", "Any"))
    assert found is not None and found.signature == OverloadSignature.parse("(List<T>, List<T>) -> Boolean")
    assert includes.call(None, Interval(1, 2)) is None
    assert includes.call((1, 2), None) is None


def test_every_operator_is_documented_and_names_its_chapter() -> None:
    for known in registry.operators():
        assert known.doc, known.name
        assert known.spec.startswith("elm:"), known.name
        assert known.overloads, known.name


def test_an_operator_can_be_extended_but_not_redefined() -> None:
    @operator("Registry test")
    class First:
        """A test."""

        @overload("(Integer) -> Integer", may_raise=True)
        def number(a: int) -> int:
            return a

    @operator("Registry test")
    class Second:
        @overload("(String) -> String", nulls=NONE)
        def text(a: str | None, *, precision: str | None = None, context: EvaluationContext) -> object:
            return a, precision, context.offset_minutes

    known = registry.get("Registry test")
    number, text = known.overloads
    assert known.doc == "A test."
    assert (number.name, number.may_raise, number.nulls) == ("number", True, NullRule.PROPAGATE)
    assert text.attributes == {"precision"} and text.takes_context
    assert isinstance(Second.text, Declaration)
    assert known.call(None) is None
    context = EvaluationContext(DateTime(2026), 60)
    assert known.call("x", context=context, precision="day") == ("x", "day", 60)
    with pytest.raises(ValueError, match="declared twice"):
        operator("Registry test")(First)


def test_kinds_of_values_show_their_types() -> None:
    assert type_of((1, None)) == parse_type("List<Integer>")
    assert type_of((1, "x")) == parse_type("List<Any>")
    assert type_of(Interval(None, Date(2012))) == parse_type("Interval<Date>")
    assert type_of(Tuple(a=1)) == parse_type("Tuple{a Integer}")
    assert type_of(Tuple({}, type_name="FHIR.Encounter")) == parse_type("FHIR.Encounter")
    with pytest.raises(TypeError):
        type_of(1.5)


def test_calls_convert_implicitly() -> None:
    assert registry.get("Less").call(1, Long(2)) is True
    assert registry.get("In").call(2, Interval(Decimal("1.5"), Decimal("2.5"))) is True
    assert registry.get("Before").call(Date(2012), DateTime(2013)) is True
    assert registry.get("Equivalent").call(Code("a", "s"), Code("a", "s", "1")) is True
    with pytest.raises(CqlError):
        registry.get("Less").call("a", 1)
