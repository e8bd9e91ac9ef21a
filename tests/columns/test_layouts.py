"""Every layout of columns: values go in and come out, and rows are taken, joined and told apart alike."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ecqm.columns import (
    NullColumn,
    choose,
    concat,
    from_values,
    to_values,
)
from ecqm.terminology import CodeIndex
from ecqm.types import core as t
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
