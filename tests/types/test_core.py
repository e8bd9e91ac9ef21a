"""Types that are composed of others."""

from __future__ import annotations

from ecqm.types import DECIMAL, INTEGER, STRING, CqlType, choice_of, leaves, map_leaves, parse_type


def test_a_choice_has_neither_choices_nor_one_type_twice() -> None:
    assert choice_of([INTEGER, parse_type("Choice<String, Integer>")]) == parse_type("Choice<Integer, String>")
    assert choice_of([INTEGER, INTEGER]) == INTEGER


def test_leaves_are_what_a_type_is_composed_of() -> None:
    type_ = parse_type("Tuple{a List<Integer>, b Interval<Decimal>, c Choice<String, Integer>}")
    assert list(leaves(type_)) == [INTEGER, DECIMAL, STRING, INTEGER]


def test_leaves_are_changed_in_their_places() -> None:
    def widened(leaf: CqlType) -> CqlType:
        return DECIMAL if leaf == INTEGER else leaf

    changed = map_leaves(parse_type("List<Tuple{a Integer, b Choice<Integer, Decimal>}>"), widened)
    assert changed == parse_type("List<Tuple{a Decimal, b Decimal}>")
