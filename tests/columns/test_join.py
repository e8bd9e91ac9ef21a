"""Columns of any layouts end to end, and row by row."""

from __future__ import annotations

from typing import Any

import numpy as np

from ecqm.columns import Column, ListColumn, NullColumn, choose, concat, from_values, merge, to_values
from ecqm.terminology import CodeIndex

CODES = CodeIndex()


def test_merge_leaves_null_what_no_piece_gives() -> None:
    pieces: list[tuple[Any, Column]] = [
        (np.array([3, 1]), from_values(["d", "b"], CODES)),
        (np.array([0]), from_values([7], CODES)),
    ]
    assert to_values(merge(5, pieces)) == [7, "b", None, "d", None]


def test_a_piece_with_a_single_value_gives_it_to_all_of_its_rows() -> None:
    assert to_values(merge(3, [(np.array([0, 2]), from_values(["a"], CODES))])) == ["a", None, "a"]


def test_nothing_but_nulls_stays_untyped() -> None:
    assert isinstance(concat([NullColumn(2), NullColumn(1)]), NullColumn)
    assert isinstance(merge(2, []), NullColumn)


def test_lists_of_different_elements_are_still_lists() -> None:
    column = concat([from_values([(1, 2)], CODES), from_values([("a",), ()], CODES)])
    assert isinstance(column, ListColumn)
    assert to_values(column) == [(1, 2), ("a",), ()]


def test_a_branch_may_be_one_value_for_all_rows() -> None:
    mask = np.array([True, False, True])
    assert to_values(choose(mask, from_values([1], CODES), from_values(["x", "y", "z"], CODES))) == [1, "y", 1]
