"""The choice of overloads (Developer's Guide, Function Resolution; Conversion Precedence)."""

from __future__ import annotations

import pytest

from ecqm.language.conversions import ConversionTable
from ecqm.language.overloads import AmbiguousCall, resolve
from ecqm.language.signatures import Signature
from ecqm.language.system_operators import system_signatures
from ecqm.types import ANY, DATE, DATETIME, DECIMAL, INTEGER, LONG, STRING, parse_type
from tests.language.shop import APPLE, FRUIT, PEAR, conversions


@pytest.mark.parametrize(
    ("name", "operands", "chosen"),
    [
        ("Add", ["Integer", "Integer"], ["Integer", "Integer"]),
        ("Add", ["Integer", "Decimal"], ["Decimal", "Decimal"]),
        ("Add", ["Integer", "Long"], ["Long", "Long"]),
        ("Divide", ["Integer", "Integer"], ["Decimal", "Decimal"]),
        ("Multiply", ["Integer", "Quantity"], ["Quantity", "Quantity"]),
        ("Less", ["Any", "Date"], ["Date", "Date"]),
        ("In", ["Date", "Interval<DateTime>"], ["DateTime", "Interval<DateTime>"]),
        ("In", ["Shop.Apple", "List<Shop.Fruit>"], ["Shop.Fruit", "List<Shop.Fruit>"]),
        ("Union", ["List<Shop.Apple>", "List<Shop.Pear>"], ["List<Shop.Fruit>", "List<Shop.Fruit>"]),
        ("Equivalent", ["Concept", "Code"], ["Concept", "Concept"]),
        ("Equivalent", ["Choice<Concept, String>", "Code"], ["Concept", "Concept"]),
        ("First", ["List<Interval<Date>>"], ["List<Interval<Date>>"]),
        ("ProperIncludedIn", ["Interval<Integer>", "Interval<Any>"], ["Interval<Integer>", "Interval<Integer>"]),
    ],
)
def test_overloads(table: ConversionTable, name: str, operands: list[str], chosen: list[str]) -> None:
    found = resolve(system_signatures()[name], list(map(parse_type, operands)), table)
    assert found is not None
    assert found.signature.operands == tuple(map(parse_type, chosen))


@pytest.mark.parametrize(("name", "operands"), [("And", ["Integer", "Boolean"]), ("Add", ["Date", "String"])])
def test_calls_that_no_overload_takes(table: ConversionTable, name: str, operands: list[str]) -> None:
    assert resolve(system_signatures()[name], list(map(parse_type, operands)), table) is None


def test_a_call_may_be_ambiguous(table: ConversionTable) -> None:
    overloads = [Signature("f", (INTEGER, DECIMAL), STRING), Signature("f", (DECIMAL, INTEGER), STRING)]
    with pytest.raises(AmbiguousCall):
        resolve(overloads, [INTEGER, INTEGER], table)


def test_the_more_specific_overload_hides_the_general_one(table: ConversionTable) -> None:
    overloads = [Signature("f", (FRUIT,), STRING), Signature("f", (APPLE,), INTEGER)]
    found = resolve(overloads, [APPLE], table)
    assert found is not None and found.signature.result == INTEGER
    general = resolve(overloads, [PEAR], table)
    assert general is not None and general.signature.result == STRING


@pytest.mark.parametrize(
    ("name", "operands", "chosen"),
    [
        ("In", ["List<Decimal>", "Interval<Decimal>"], ["Decimal", "Interval<Decimal>"]),
        ("Equivalent", ["List<Concept>", "Code"], ["Concept", "Concept"]),
        ("Union", ["List<Interval<Date>>", "Interval<Date>"], ["Interval<Date>", "Interval<Date>"]),
    ],
)
def test_demotion_comes_before_promotion(name: str, operands: list[str], chosen: list[str]) -> None:
    """Developer's Guide, Conversion Precedence."""
    table = conversions(list_demotion=True, list_promotion=True)
    found = resolve(system_signatures()[name], list(map(parse_type, operands)), table)
    assert found is not None and found.signature.operands == tuple(map(parse_type, chosen))


def test_converting_the_only_element_costs_more_than_taking_it() -> None:
    """Developer's Guide, Conversion Precedence."""
    table = conversions(list_demotion=True)
    overloads = [Signature("f", (DECIMAL,), STRING), Signature("f", (INTEGER,), STRING)]
    found = resolve(overloads, [parse_type("List<Integer>")], table)
    assert found is not None and found.signature.operands == (INTEGER,)


def test_nulls_make_no_call_ambiguous(table: ConversionTable) -> None:
    overloads = [Signature("f", (DATE,), DATE), Signature("f", (DATETIME,), DATETIME), Signature("f", (LONG,), LONG)]
    assert resolve(overloads, [ANY], table) is not None
