"""Records: fields of their own length, gathered when they are used."""

from __future__ import annotations

import numpy as np

from ecqm.columns import NullColumn, RecordColumn, from_values, to_values
from ecqm.terminology import CodeIndex
from ecqm.types import TupleType
from ecqm.types import core as t

CODES = CodeIndex()
TYPE = TupleType((("a", t.INTEGER),))


def records(rows: list[int], **fields: list[object]) -> RecordColumn:
    columns = {name: from_values(values, CODES) for name, values in fields.items()}
    return RecordColumn(columns, np.array(rows), TYPE)


def test_rows_share_the_values_of_fields() -> None:
    column = records([1, -1, 1, 0], a=[10, 20])
    assert column.valid.tolist() == [True, False, True, True]
    assert to_values(column.field("a")) == [20, None, 20, 10]
    assert column.take(np.array([3])).fields is column.fields


def test_a_field_that_the_data_lack_is_null() -> None:
    column = records([0, 0], a=[1]).field("b")
    assert isinstance(column, NullColumn) and len(column) == 2


def test_joined_records_have_the_fields_of_both() -> None:
    joined = records([0, -1], a=[1]).concat([records([0], b=["x"])])
    assert to_values(joined.field("a")) == [1, None, None]
    assert to_values(joined.field("b")) == [None, None, "x"]
    assert joined.valid.tolist() == [True, False, True]


def test_records_are_told_apart_by_all_their_fields() -> None:
    column = records([0, 1, 2, -1], a=[1, 1, 1], b=["x", "y", "x"])
    first, second, third, null = column.keys().tolist()
    assert first == third != second and null == -1
