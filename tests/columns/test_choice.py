"""Choices: values of several layouts in one column."""

from __future__ import annotations

import numpy as np

from ecqm.columns import ChoiceColumn, concat, from_values, to_values
from ecqm.terminology import CodeIndex
from ecqm.values import DateTime, Tuple

CODES = CodeIndex()


def test_values_of_different_kinds_make_a_choice() -> None:
    values = [1, "one", None, True, (1, 2), Tuple({"a": 1})]
    column = from_values(values, CODES)
    assert isinstance(column, ChoiceColumn)
    assert to_values(column) == values
    assert to_values(column.take(np.array([5, 0, 2]))) == [values[5], 1, None]
    assert len(set(column.keys().tolist())) == len(values)


def test_tuples_of_different_elements_are_of_different_types() -> None:
    values = [Tuple({"a": 1}), Tuple({"a": 1, "b": None}), Tuple({"b": None, "a": 2})]
    column = from_values(values, CODES)
    assert to_values(column) == values
    assert len(set(column.keys().tolist())) == len(values)


def test_a_choice_whose_alternatives_are_one_layout_may_be_null_throughout() -> None:
    """An element that is a date-time or an instant, both of which CQL knows as one type."""
    moments = from_values([DateTime(2026, offset=0), DateTime(2027, offset=0)], CODES)
    none = np.array([-1, -1])
    nothing = ChoiceColumn(none, (moments.nulls(2), moments.nulls(2)), moments.type)
    assert to_values(concat([nothing, moments])) == [None, None, *to_values(moments)]
