"""CQL values as parameters, by the table of "FHIR Type Mapping" in Using CQL with FHIR, and back."""

from __future__ import annotations

from decimal import Decimal
from functools import reduce
from typing import Any

import pytest

from ecqm.expressions.evaluation import Expressions
from ecqm.json_decoding import json_decoder
from ecqm.server.calls import Answer
from ecqm.server.cql_values import UnreadableParameter, value_of
from ecqm.server.fhir_values import parameters_of
from ecqm.types import ListType
from ecqm.types import core as t
from ecqm.values import EvaluationContext, Tuple
from ecqm.values.text import to_cql

Json = dict[str, Any]
REQUEST = EvaluationContext.of_this_moment()
EXTENSIONS = "http://hl7.org/fhir/StructureDefinition/"
read = json_decoder(list[dict[str, Any]], float_hook=Decimal)


def sent(expression: str) -> list[Json]:
    """The parameters of an expression's value, as a client reads them."""
    found = Expressions(REQUEST).evaluate(expression)
    return read(Answer.of(parameters_of("return", found.value, found.type)).body)


def values(expression: str) -> list[Json]:
    """The same without names and types."""
    return [
        {name: value for name, value in each.items() if name.startswith(("value", "_value", "part"))}
        for each in sent(expression)
    ]


def marked(name: str, extension: str, value: bool | str) -> Json:
    kind = "valueBoolean" if isinstance(value, bool) else "valueCode"
    return {name: {"extension": [{"url": EXTENSIONS + extension, kind: value}]}}


def number(value: str) -> Json:
    return {"value": Decimal(value), "unit": "1", "system": "http://unitsofmeasure.org", "code": "1"}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("true", {"valueBoolean": True}),
        ("5", {"valueInteger": 5}),
        ("5L", {"valueString": "5"}),
        ("1.50", {"valueDecimal": Decimal("1.50")}),
        ("'a\"b'", {"valueString": 'a"b'}),
        ("@2026-02", {"valueDate": "2026-02"}),
        ("@2026-02T", {"valueDateTime": "2026-02"}),
        ("@2026-02-03T10:20:30.400-05:00", {"valueDateTime": "2026-02-03T10:20:30.400-05:00"}),
        ("@T10:20:30", {"valueTime": "10:20:30"}),
        ("Code { code: 'a', system: 's' }", {"valueCoding": {"system": "s", "code": "a"}}),
        (
            "Concept { codes: { Code { code: 'a' } }, display: 'A' }",
            {"valueCodeableConcept": {"coding": [{"code": "a"}], "text": "A"}},
        ),
    ],
)
def test_a_value_has_the_datatype_of_its_type(expression: str, expected: Json) -> None:
    assert values(expression) == [expected]


def test_a_quantity_has_the_code_of_its_unit() -> None:
    system = "http://unitsofmeasure.org"
    assert values("5 'mg'") == [{"valueQuantity": {"value": 5, "unit": "mg", "system": system, "code": "mg"}}]
    assert values("5 years") == [{"valueQuantity": {"value": 5, "unit": "years", "system": system, "code": "a"}}]


def test_a_time_without_seconds_says_how_precise_it_is() -> None:
    assert values("@T10") == [{"valueTime": "10:00:00", **marked("_valueTime", "time-precision", "h")}]
    assert values("@2026-02-03T10:20+01:00") == [
        {"valueDateTime": "2026-02-03T10:20:00+01:00", **marked("_valueDateTime", "time-precision", "min")}
    ]


def test_null_an_empty_list_and_an_empty_tuple_are_told_apart() -> None:
    assert values("null") == [marked("_valueBoolean", "data-absent-reason", "unknown")]
    assert values("{}") == [marked("_valueBoolean", "cqf-isEmptyList", True)]
    assert values("Tuple { : }") == [marked("_valueBoolean", "cqf-isEmptyTuple", True)]


def test_a_list_is_a_parameter_for_each_element() -> None:
    assert values("{ 1, null }") == [{"valueInteger": 1}, marked("_valueBoolean", "data-absent-reason", "unknown")]


def test_a_list_in_a_list_has_parts_named_element() -> None:
    assert values("{ { 1, 2 }, { 3 } }") == [
        {"part": [{"name": "element", "valueInteger": 1}, {"name": "element", "valueInteger": 2}]},
        {"part": [{"name": "element", "valueInteger": 3}]},
    ]


def test_a_tuple_has_a_part_for_each_element() -> None:
    parts = [{"name": "a", "valueInteger": 1}, {"name": "b", "valueString": "x"}, {"name": "b", "valueString": "y"}]
    assert values("Tuple { a: 1, b: { 'x', 'y' } }") == [{"part": parts}]


def test_an_interval_of_numbers_is_a_range_of_unity() -> None:
    assert values("Interval[1, 3]") == [{"valueRange": {"low": number("1"), "high": number("3")}}]
    assert values("Interval[1 'mg', 3 'mg']")[0]["valueRange"]["low"]["code"] == "mg"


def test_an_interval_of_dates_or_times_is_a_period() -> None:
    assert values("Interval[@2026-01, @2026-03]") == [{"valuePeriod": {"start": "2026-01", "end": "2026-03"}}]
    assert values("Interval[@T10:00:00, @T11:00:00]") == [
        {"valuePeriod": {"start": "0001-01-01T10:00:00Z", "end": "0001-01-01T11:00:00Z"}}
    ]


def test_an_open_boundary_becomes_the_point_next_to_it() -> None:
    assert values("Interval(1, 4)") == [{"valueRange": {"low": number("2"), "high": number("3")}}]
    assert values("Interval[1.0, 1.4)") == [{"valueRange": {"low": number("1.0"), "high": number("1.39999999")}}]
    assert values("Interval(@2026, @2028)") == [{"valuePeriod": {"start": "2027", "end": "2027"}}]


def test_a_closed_null_is_the_extreme_of_the_type_and_an_open_one_unknown() -> None:
    assert values("Interval[null, 4]") == [{"valueRange": {"low": number("-2147483648"), "high": number("4")}}]
    assert values("Interval(null, 4]") == [{"valueRange": {"high": number("4")}}]
    period = values("Interval[@2026, null)")[0]["valuePeriod"]
    assert period == {"start": "2026", **marked("_end", "data-absent-reason", "unknown")}


@pytest.mark.parametrize(
    ("expression", "name"),
    [
        ("1", "System.Integer"),
        ("null", "System.Any"),
        ("null as Integer", "System.Integer"),
        ("{ 1, 'a' }", "List<Choice<System.Integer,System.String>>"),
        ("Interval[1, 2]", "Interval<System.Integer>"),
        ("Tuple { id: 1, names: { 'a' } }", "Tuple{id:System.Integer,names:List<System.String>}"),
        ("days between @2026 and @2027", "Interval<System.Integer>"),
        ("expand { Interval[10, 10] } per 0.1", "List<Interval<System.Decimal>>"),
    ],
)
def test_every_parameter_has_its_cql_type(expression: str, name: str) -> None:
    for each in sent(expression):
        assert each["extension"] == [{"url": EXTENSIONS + "cqf-cqlType", "valueString": name}]


@pytest.mark.parametrize(
    "expression",
    [
        "true",
        "5",
        "5L",
        "1.50",
        "'a'",
        "''",
        "@2026",
        "@2026T",
        "@2026-02-03T10Z",
        "@2026-02-03T10:20:30.400-05:00",
        "@T10:20",
        "5 'mg'",
        "5 years",
        "1 'mg' : 2 'mL'",
        "Code { code: 'a', system: 's' }",
        "Concept { codes: { Code { code: 'a' } } }",
        "null",
        "{ }",
        "{ 1 }",
        "{ 1, null }",
        "{ null }",
        "null as List<Integer>",
        "{ { null }, null as List<Integer>, { } }",
        "Tuple { a: { null as Integer }, b: null as List<Integer> }",
        "{ Tuple { element: 1 }, Tuple { element: 2 } }",
        "{ { 1 }, { } }",
        "{ 1, 'a', 2.0 }",
        "Tuple { : }",
        "Tuple { a: Tuple { b: null, c: { 1 }, d: { } } }",
        "{ Tuple { a: 1 }, Tuple { a: 2 } }",
        "Interval[1, 2]",
        "Interval[5L, 6L]",
        "Interval[1.5, 2.0]",
        "Interval[1 'mg', 2 'mg']",
        "Interval(null, 2]",
        "Interval[@2026, @2027]",
        "Interval[@2026-01-01T10Z, @2026-01-01T11:30Z]",
        "Interval[@T10, @T11:30:00.000]",
        "Interval(null, @2027]",
        "Interval[@2026, null)",
        "{ Interval[1, 2], Interval[4, 5] }",
        "Interval(null, null) as Interval<Integer>",
    ],
)
def test_a_value_is_read_as_it_was(expression: str) -> None:
    was = Expressions(REQUEST).evaluate(expression)
    value, type_ = value_of(sent(expression))
    assert (to_cql(value), type_) == (to_cql(was.value), was.type)


@pytest.mark.parametrize(
    ("parameter", "expected", "type_"),
    [
        ({"valueString": "a"}, "a", t.STRING),
        ({"valueCode": "a"}, "a", t.STRING),
        ({"valuePeriod": {"start": "2026-01-01", "end": "2026-12-31"}}, "Interval[@2026-01-01T, @2026-12-31T]", None),
        ({"valueQuantity": {"value": 3, "code": "mg"}}, "3 'mg'", t.QUANTITY),
        ({"part": [{"name": "a", "valueInteger": 1}]}, "Tuple { a: 1 }", None),
    ],
)
def test_without_a_cql_type_the_datatype_gives_it(parameter: Json, expected: str, type_: Any) -> None:
    value, found = value_of([{"name": "x", **parameter}])
    assert (value if isinstance(value, str) else to_cql(value)) == expected
    assert type_ in (None, found)


def test_a_repeated_parameter_is_a_list() -> None:
    found = [{"name": "x", "valueInteger": 1}, {"name": "x", "valueInteger": 2}]
    assert value_of(found) == ((1, 2), ListType(t.INTEGER))
    assert value_of([{"name": "x", "part": [{"name": "a", "valueInteger": 1}, {"name": "a", "valueInteger": 2}]}])[
        0
    ] == Tuple(a=(1, 2))


@pytest.mark.parametrize(
    "parameter",
    [
        {"valueAddress": {"city": "x"}},
        {"valueDate": "yesterday"},
        {"valueInteger": "five"},
        {"valueQuantity": {"unit": "mg"}},
        {"valueQuantity": 5},
        {"valueString": "a", "extension": [{"url": EXTENSIONS + "cqf-cqlType", "valueString": "List<"}]},
        {"valueInteger": 1, "valueString": "a"},
        {"part": 5},
        {"valueString": "a", "extension": [{"url": EXTENSIONS + "cqf-cqlType", "valueString": "List<" * 10_000}]},
        reduce(lambda inner, _: {"part": [{"name": "x", **inner}]}, range(2_000), {"valueInteger": 1}),
    ],
)
def test_what_cannot_be_read_is_named(parameter: Json) -> None:
    with pytest.raises(UnreadableParameter, match="parameter x"):
        value_of([{"name": "x", **parameter}])


def test_decimals_are_written_with_their_digits() -> None:
    found = Expressions(REQUEST).evaluate("1.30")
    assert b'"valueDecimal":1.30' in Answer.of(parameters_of("return", found.value, found.type)).body
