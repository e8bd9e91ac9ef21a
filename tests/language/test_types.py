"""Subtypes, conversions and the choice of overloads (Developer's Guide, Type System; Function Resolution)."""

from __future__ import annotations

import pytest

from ecqm.language.conversions import (
    Cast,
    Conversion,
    ConversionCall,
    ConversionTable,
    ElementConversion,
    FromChoice,
    IntervalDemotion,
    IntervalPromotion,
    ListDemotion,
    ListPromotion,
    PointConversion,
    Promotions,
    ToChoice,
)
from ecqm.language.overloads import AmbiguousCall, resolve
from ecqm.language.signatures import Signature
from ecqm.language.system_operators import system_signatures
from ecqm.language.type_relations import TypeRelations
from ecqm.types import ANY, DATE, DATETIME, DECIMAL, INTEGER, LONG, STRING, NamedType, parse_type

FRUIT, APPLE, PEAR = (NamedType("Shop", name) for name in ("Fruit", "Apple", "Pear"))
BASES = {APPLE: FRUIT, PEAR: FRUIT}


@pytest.fixture
def table() -> ConversionTable:
    return ConversionTable(TypeRelations(BASES.get))


@pytest.mark.parametrize(
    ("sub", "super_", "holds"),
    [
        ("Shop.Apple", "Shop.Fruit", True),
        ("Shop.Fruit", "Shop.Apple", False),
        ("List<Shop.Apple>", "List<Shop.Fruit>", True),
        ("Interval<Integer>", "Any", True),
        ("Choice<Shop.Apple, Shop.Pear>", "Choice<Shop.Fruit, String>", True),
        ("Choice<Shop.Apple, Integer>", "Choice<Shop.Fruit, String>", False),
        ("Tuple { a Shop.Apple }", "Tuple { a Shop.Fruit }", True),
        ("Tuple { a Shop.Apple, b Integer }", "Tuple { a Shop.Fruit }", False),
    ],
)
def test_subtypes(table: ConversionTable, sub: str, super_: str, holds: bool) -> None:
    assert table.relations.is_subtype(parse_type(sub), parse_type(super_)) is holds


@pytest.mark.parametrize(
    ("from_", "to", "kind"),
    [
        ("Any", "Integer", Cast),
        ("Integer", "Decimal", ConversionCall),
        ("Decimal", "Integer", None),
        ("String", "Integer", None),
        ("Choice<Integer, String>", "Integer", Cast),
        ("Integer", "Choice<Integer, String>", Cast),
        ("Choice<Integer, String>", "Decimal", FromChoice),
        ("Date", "Choice<DateTime, String>", ToChoice),
        ("List<Integer>", "List<Decimal>", ElementConversion),
        ("Interval<Date>", "Interval<DateTime>", PointConversion),
        ("List<Integer>", "Integer", None),
        ("Integer", "List<Integer>", None),
    ],
)
def test_types_convert_implicitly_as_stated(
    table: ConversionTable, from_: str, to: str, kind: type[Conversion] | None
) -> None:
    found = table.find(parse_type(from_), parse_type(to))
    assert (type(found) if found else None) is kind


def test_explicit_conversions_are_only_for_convert(table: ConversionTable) -> None:
    assert table.find(STRING, INTEGER) is None
    found = table.find(STRING, INTEGER, implicit=False)
    assert isinstance(found, ConversionCall) and found.operator == ("System", "ToInteger")


def test_promotion_and_demotion_must_be_asked_for() -> None:
    promotions = Promotions(list_demotion=True, list_promotion=True, interval_demotion=True, interval_promotion=True)
    table = ConversionTable(TypeRelations(BASES.get), promotions)
    kinds = {
        ("List<Integer>", "Integer"): ListDemotion,
        ("Integer", "List<Decimal>"): ListPromotion,
        ("Interval<Integer>", "Integer"): IntervalDemotion,
        ("Integer", "Interval<Integer>"): IntervalPromotion,
    }
    for (from_, to), kind in kinds.items():
        found = table.find(parse_type(from_), parse_type(to))
        assert type(found) is kind


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
    table = ConversionTable(TypeRelations(BASES.get), Promotions(list_demotion=True, list_promotion=True))
    found = resolve(system_signatures()[name], list(map(parse_type, operands)), table)
    assert found is not None and found.signature.operands == tuple(map(parse_type, chosen))


def test_converting_the_only_element_costs_more_than_taking_it() -> None:
    """Developer's Guide, Conversion Precedence."""
    table = ConversionTable(TypeRelations(BASES.get), Promotions(list_demotion=True))
    overloads = [Signature("f", (DECIMAL,), STRING), Signature("f", (INTEGER,), STRING)]
    found = resolve(overloads, [parse_type("List<Integer>")], table)
    assert found is not None and found.signature.operands == (INTEGER,)


def test_nulls_make_no_call_ambiguous(table: ConversionTable) -> None:
    overloads = [Signature("f", (DATE,), DATE), Signature("f", (DATETIME,), DATETIME), Signature("f", (LONG,), LONG)]
    assert resolve(overloads, [ANY], table) is not None


def test_every_operator_has_a_node() -> None:
    from ecqm.elm import nodes

    missing = [name for name in system_signatures() if not hasattr(nodes, name)]
    assert missing == []
