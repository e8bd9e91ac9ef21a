"""The ELM of expressions (Translation Semantics)."""

from __future__ import annotations

from typing import Any

import pytest

from ecqm.elm import nodes
from ecqm.language import CompilerOptions, SignatureLevel, compile_expression
from ecqm.language.conversions import Promotions
from ecqm.types import parse_type
from tests.language.written import OPTIONS, elm, written


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("1 + 2 * 3", "Add([1, Multiply([2, 3])])"),
        ("2 ^ 3 * 4", "Multiply([Power([2, 3]), 4])"),
        ("1 + 1.0", "Add([ToDecimal(1), 1.0])"),
        ("7 / 2", "Divide([ToDecimal(7), ToDecimal(2)])"),
        ("7 div 2 mod 3", "Modulo([TruncatedDivide([7, 2]), 3])"),
        ("-2147483648", "-2147483648"),
        ("-(1)", "Negate(1)"),
        ("not true and false or true", "Or([And([Not(true), false]), true])"),
        ("true or false implies true xor false", "Implies([Or([true, false]), Xor([true, false])])"),
        ("1 < 2 and 2 >= 1", "And([Less([1, 2]), GreaterOrEqual([2, 1])])"),
        ("1 != 2", "Not(Equal([1, 2]))"),
        ("1 !~ 2", "Not(Equivalent([1, 2]))"),
        ("null is not null", "Not(IsNull(Null()))"),
        ("true is not false", "Not(IsFalse(true))"),
        ("4 between 3 and 6", "And([GreaterOrEqual([4, 3]), LessOrEqual([4, 6])])"),
        ("4 properly between 3 and 6", "And([Greater([4, 3]), Less([4, 6])])"),
        ("'a' + 'b'", "Concatenate([a, b])"),
        ("'a' & null", "Concatenate([Coalesce([a, ]), Coalesce([As(Null(), asType=String), ])])"),
        ("if true then 1 else null", "If(condition=true, then=1, else_=As(Null(), asType=Integer))"),
        ("{ 1, 2.0 }", "List(element=[ToDecimal(1), 2.0])"),
        ("1 as Integer", "As(1, asTypeSpecifier=NamedTypeSpecifier(name=Integer))"),
        ("convert 1 to String", "ToString(1)"),
        ("convert 1 'g' to 'mg'", "ConvertQuantity([1 g, mg])"),
        ("minimum Integer", "MinValue(valueType=Integer)"),
        ("1:2", "Ratio(numerator=1 None, denominator=2 None)"),
        ("singleton from { 1 }", "SingletonFrom(List(element=[1]))"),
        ("{ 1 }[0]", "Indexer([List(element=[1]), 0])"),
        ("Tail({ 1 })", "Slice(source=List(element=[1]), startIndex=1, endIndex=Null())"),
        ("First({ 1 })", "First(source=List(element=[1]))"),
        ("1 in { 1 }", "In([1, List(element=[1])])"),
        ("exists { 1 }", "Exists(List(element=[1]))"),
        ("{ 1 }.exists()", "Exists(List(element=[1]))"),
        ("{ 1 } union { 2 }", "Union([List(element=[1]), List(element=[2])])"),
        ("@T10:30", "Time(hour=10, minute=30)"),
        ("@2012-02T", "DateTime(year=2012, month=2)"),
        ("@2012-02-29", "Date(year=2012, month=2, day=29)"),
        ("@2012-01-01T10:00+01:30", "DateTime(year=2012, month=1, day=1, hour=10, minute=0, timezoneOffset=1.5)"),
        ("@2012-01-01T10:00Z", "DateTime(year=2012, month=1, day=1, hour=10, minute=0, timezoneOffset=0.0)"),
        ("year from @2012", "DateTimeComponentFrom(Date(year=2012), precision=Year)"),
        ("years between @2012 and @2014", "DurationBetween([Date(year=2012), Date(year=2014)], precision=Year)"),
        (
            "difference in days between @2012 and @2014",
            "DifferenceBetween([Date(year=2012), Date(year=2014)], precision=Day)",
        ),
        ("'x\\'y\\u0041'", "x'yA"),
        ("'\\ud83d\\ude00'", "\N{GRINNING FACE}"),
    ],
)
def test_expressions(source: str, expected: str) -> None:
    assert written(elm(source)) == expected


@pytest.mark.parametrize(
    ("phrase", "expected"),
    [
        ("A before B", "Before([A, B])"),
        ("A on or before B", "SameOrBefore([A, B])"),
        ("A starts after end B", "After([Start(A), End(B)])"),
        ("A starts before start of B", "Before([Start(A), Start(B)])"),
        ("A ends during B", "In([End(A), B])"),
        ("A included in B", "IncludedIn([A, B])"),
        ("A properly during day of B", "ProperIncludedIn([A, B], precision=Day)"),
        ("A includes start B", "Contains([A, Start(B)])"),
        ("A properly includes B", "ProperIncludes([A, B])"),
        ("A starts same day as start B", "SameAs([Start(A), Start(B)], precision=Day)"),
        ("A same month or after B", "SameOrAfter([A, B], precision=Month)"),
        ("A meets before B", "MeetsBefore([A, B])"),
        ("A overlaps day of B", "Overlaps([A, B], precision=Day)"),
        ("A starts day of B", "Starts([A, B], precision=Day)"),
        ("A starts 1 day after end B", "SameAs([Start(A), Add([End(B), 1 day])])"),
        ("A ends 2 days or more before B", "SameOrBefore([End(A), Subtract([Start(B), 2 days])])"),
        ("A ends more than 2 days before B", "Before([End(A), Subtract([Start(B), 2 days])])"),
        (
            "A starts less than 2 days before start B",
            "In([Start(A), Interval(lowClosed=False, highClosed=False, low=Subtract([Start(B), 2 days]), "
            "high=Start(B))])",
        ),
        (
            "A starts 2 days or less on or after start B",
            "And([In([Start(A), Interval(low=Start(B), high=Add([Start(B), 2 days]))]), Not(IsNull(Start(B)))])",
        ),
        (
            "A starts within 3 days of start B",
            "And([In([Start(A), Interval(low=Subtract([Start(B), 3 days]), high=Add([Start(B), 3 days]))]), "
            "Not(IsNull(Start(B)))])",
        ),
    ],
)
def test_timing_phrases(phrase: str, expected: str) -> None:
    library = "define A: Interval[@2012-01-01, @2012-01-02] define B: Interval[@2013-01-01, @2013-01-02]"
    compilation = compile_expression(phrase, library=library, options=OPTIONS)
    assert compilation.errors == (), compilation.errors[0].render()
    text = written(compilation.library.statements[-1].expression)
    assert text.replace("ExpressionRef(name=A)", "A").replace("ExpressionRef(name=B)", "B") == expected


@pytest.mark.parametrize(
    ("source", "type_"),
    [
        ("({ 1, 2 }) X where X > 1", "List<Integer>"),
        ("({ 1, 2 }) X return X + 0.5", "List<Decimal>"),
        ("(5) X return X + 1", "Integer"),
        ("from ({ 1 }) A, ({ 'a' }) B", "List<Tuple { A Integer, B String }>"),
        ("({ 1, 2 }) X aggregate R starting 0: R + X", "Integer"),
        ("({ 1, 2 }) X let Y: X * 2.0 return all Tuple { y: Y }", "List<Tuple { y Decimal }>"),
        ("({ Tuple { a: 1 } }) X sort by a desc", "List<Tuple { a Integer }>"),
        ("({ 1 }).where($this > 0).select($this + 0.5)", "List<Decimal>"),
        ("({ Tuple { a: 1, b: 2.0 } }).where(a > 0).select(b)", "List<Decimal>"),
        ("{ 1, 'a' }", "List<Choice<Integer, String>>"),
        ("{ 1.0, 2L, 3 'mg' }", "List<Choice<Decimal, Long, Quantity>>"),  # a Long does not convert to Quantity
        ("{ 1, 2L, 3.0 }", "List<Decimal>"),
        ("Interval[1, 2.0]", "Interval<Decimal>"),
        ("Tuple { a: 1 }.a", "Integer"),
        ("Interval[@2012, @2013].low", "Date"),
        ("case when true then 1 else 2.0 end", "Decimal"),
        ("case when true then 1.0 when false then 2L else 3 'mg' end", "Choice<Decimal, Long, Quantity>"),
        ("Code { code: 'a' }", "Code"),
        ("Coalesce(null, 1)", "Integer"),
        ("5 'mg' / 2", "Quantity"),
    ],
)
def test_an_expression_has_the_type_that_the_reference_states(source: str, type_: str) -> None:
    compilation = compile_expression(source)
    assert compilation.errors == (), compilation.errors[0].render()
    assert compilation.result == parse_type(type_)


@pytest.mark.parametrize(("level", "recorded"), [("None", 0), ("Differing", 0), ("Overloads", 2), ("All", 2)])
def test_the_signature_level_decides_what_is_recorded(level: str, recorded: int) -> None:
    node = elm("1 < 2", CompilerOptions(signatures=SignatureLevel(level)))
    assert isinstance(node, nodes.Less) and len(node.signature) == recorded


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("1 + { 2 }", "Add([1, SingletonFrom(List(element=[2]))])"),
        ("exists 1", "Exists(ToList(1))"),  # the list of a null is empty
        ("Interval[1, 2] overlaps 3", "If(condition=IsNull(3)"),  # the interval of a null is null
    ],
)
def test_promotions_when_asked_for(source: str, expected: str) -> None:
    options = CompilerOptions(signatures=SignatureLevel.NONE, promotions=Promotions(True, True, True, True))
    assert expected in written(elm(source, options))


def test_result_types_locators_and_annotations_on_request() -> None:
    options = CompilerOptions(annotations=True, locators=True, result_types=True)
    compilation = compile_expression("1 +\n  2", options=options)
    definition = compilation.library.statements[0]
    assert isinstance(definition.expression, nodes.Add)
    assert definition.expression.locator == "1:1-2:3"
    assert definition.expression.operand[1].locator == "2:3"
    assert definition.expression.resultTypeName == "{urn:hl7-org:elm-types:r1}Integer"
    ids = [node.localId for node in nodes.walk(definition) if isinstance(node, nodes.Expression)]
    assert None not in ids and len(set(ids)) == len(ids)

    def text(span: dict[str, Any]) -> str:
        return "".join(span.get("value", ())) + "".join(map(text, span.get("s", ())))

    assert text(definition.annotation[0]["s"]) == "1 +\n  2"


def test_a_choice_may_be_cast_to_anything_with_a_warning() -> None:
    compiled = compile_expression("cast { 'a', 1 }[0] as Tuple { x Integer }")
    assert compiled.ok and compiled.result is not None
    assert ["can never be Tuple{x Integer}" in warning.message for warning in compiled.warnings] == [True]
    assert not compile_expression("cast 1 as Tuple { x Integer }").ok
