"""Every layout of columns: values go in and come out, and rows are taken, joined and told apart alike."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ecqm.columns import (
    ChoiceColumn,
    CodeColumn,
    Column,
    NullColumn,
    StringColumn,
    choose,
    concat,
    from_values,
    merge,
    to_values,
)
from ecqm.terminology import CodeIndex
from ecqm.types import core as t
from ecqm.values import Code, DateTime, Tuple
from tests.operators.domains import DOMAINS, POINTS, Draw

TYPES = [
    *DOMAINS,
    *(t.IntervalType(point) for point in POINTS),
    *(t.ListType(element) for element in DOMAINS),
]
CODES = CodeIndex()


def drawn(type_: t.CqlType, count: int = 30, nulls: float = 0.2) -> list[Any]:
    """Values as a column holds them: date-times with the offset that none means."""
    draw = Draw(11, DOMAINS, nulls)
    return to_values(from_values([draw.value(type_) for _ in range(count)], CODES))


@pytest.mark.parametrize("type_", TYPES, ids=str)
class TestLayouts:
    def test_values_go_in_and_come_out(self, type_: t.CqlType) -> None:
        values = drawn(type_)
        column = from_values(values, CODES)
        assert to_values(column) == values
        assert column.valid.tolist() == [value is not None for value in values]

    def test_rows_are_taken_and_hidden(self, type_: t.CqlType) -> None:
        values = drawn(type_)
        column = from_values(values, CODES)
        rows = np.array([3, 3, 0, len(values) - 1])
        assert to_values(column.take(rows)) == [values[row] for row in rows]
        assert to_values(column.pick(np.array([2, -1, 0]))) == [values[2], None, values[0]]
        keep = np.arange(len(values)) % 3 > 0
        assert to_values(column.where(keep)) == [
            value if kept else None for value, kept in zip(values, keep, strict=True)
        ]

    def test_columns_are_joined(self, type_: t.CqlType) -> None:
        values, others = drawn(type_), drawn(type_, 7)
        column, other = from_values(values, CODES), from_values(others, CODES)
        assert to_values(concat([column, NullColumn(2), other])) == [*values, None, None, *others]
        assert to_values(column.nulls(3)) == [None] * 3
        mask = np.arange(7) % 2 == 0
        assert to_values(choose(mask, column.take(np.arange(7)), other)) == [
            values[row] if mask[row] else others[row] for row in range(7)
        ]

    def test_keys_tell_values_apart(self, type_: t.CqlType) -> None:
        values = drawn(type_)
        keys = from_values(values, CODES).keys().tolist()
        for one, key in zip(values, keys, strict=True):
            assert [other_key == key for other_key in keys] == [other == one for other in values]


def test_values_of_different_kinds_make_a_choice() -> None:
    values = [1, "one", None, True, (1, 2), Tuple({"a": 1})]
    column = from_values(values, CODES)
    assert to_values(column) == values
    assert to_values(column.take(np.array([5, 0, 2]))) == [values[5], 1, None]
    assert len(set(column.keys().tolist())) == len(values)


def test_merge_leaves_null_what_no_piece_gives() -> None:
    pieces: list[tuple[Any, Column]] = [
        (np.array([3, 1]), from_values(["d", "b"], CODES)),
        (np.array([0]), from_values([7], CODES)),
    ]
    assert to_values(merge(5, pieces)) == [7, "b", None, "d", None]


def test_a_choice_whose_alternatives_are_one_layout_may_be_null_throughout() -> None:
    """An element that is a date-time or an instant, both of which CQL knows as one type."""
    moments = from_values([DateTime(2026, offset=0), DateTime(2027, offset=0)], CODES)
    none = np.array([-1, -1])
    nothing = ChoiceColumn(none, (moments.nulls(2), moments.nulls(2)), moments.type)
    assert to_values(concat([nothing, moments])) == [None, None, *to_values(moments)]


def _shouted(text: str) -> str | None:
    ASKED.append(text)
    return text.upper() if text else None


ASKED: list[str] = []


def test_a_function_of_strings_is_asked_once_for_each() -> None:
    column = StringColumn.of(["ab", "", None, "ab", "xy"])
    assert column.mapped(_shouted).texts() == ["AB", None, None, "AB", "XY"]
    assert StringColumn.of(["xy", "never seen before"]).mapped(_shouted).texts() == ["XY", "NEVER SEEN BEFORE"]
    assert sorted(ASKED) == ["", "ab", "never seen before", "xy"]


def test_strings_and_codes_that_match_are_found_once_each() -> None:
    asked: list[str] = []

    def starts_with_a(text: str) -> bool:
        asked.append(text)
        return text.startswith("a")

    column = from_values(["ab", None, "b", "ab"], CODES)
    assert isinstance(column, StringColumn)
    assert column.matches(starts_with_a).tolist() == [True, False, False, True]
    assert sorted(asked) == ["ab", "b"]
    codes = from_values([Code("x", "s"), None, Code("x", "t")], CODES)
    assert isinstance(codes, CodeColumn)
    assert codes.matches(lambda system, code: (system, code) == ("t", "x")).tolist() == [False, False, True]


def test_keys_of_lists_take_as_long_as_there_are_elements() -> None:
    many, long = 20_000, 20_000
    lists = from_values([(1, 2)] * many + [tuple(range(long))] * 2, CODES)
    keys = lists.keys()
    assert len(set(keys[:many].tolist())) == 1
    assert keys[many] == keys[many + 1] != keys[0]
