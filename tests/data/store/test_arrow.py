"""Stored columns: what is written, joined and pruned is read as the same values, in the layout that these need."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from ecqm.columns import from_values, to_values
from ecqm.data.fhir.schema import fhir_schema
from ecqm.data.store.arrow import ArrowReading, Stored, from_arrow, present, to_arrow
from ecqm.data.store.joining import Joining
from ecqm.data.store.pruning import pruned
from ecqm.terminology import CodeIndex
from ecqm.types import core as t
from ecqm.values import Quantity
from tests.operators.domains import DOMAINS, Draw

SCALARS = [type_ for type_ in DOMAINS if type_ != t.QUANTITY]  # data have records of FHIR instead
TYPES = [*SCALARS, *map(t.ListType, SCALARS)]
CODES = CodeIndex()


def drawn(type_: t.CqlType, seed: int, count: int = 20) -> list[Any]:
    """Values as a column holds them: date-times with the offset that none means."""
    draw = Draw(seed, DOMAINS, 0.3)
    return to_values(from_values([draw.value(type_) for _ in range(count)], CODES))


def stored(values: list[Any]) -> Stored:
    return to_arrow(from_values(values, CODES))


def read(column: Stored) -> list[Any]:
    ids = np.append(np.arange(len(CODES), dtype=np.int32), np.int32(-1))
    return to_values(from_arrow(*column, ArrowReading(CODES, ids, lambda type_name, element: False)))


def taken(column: Stored, rows: list[int]) -> Stored:
    array, layout = column
    return array.take(pa.array(rows, pa.int64())), layout


def joined(one: list[Any], other: list[Any]) -> Stored:
    sides = [{"value": stored(values)} for values in (one, other)]
    return Joining(fhir_schema()).elements("Observation", sides[0], len(one), sides[1], len(other))["value"]


@pytest.mark.parametrize("type_", TYPES, ids=str)
class TestStoredColumns:
    def test_values_come_back(self, type_: t.CqlType) -> None:
        values = drawn(type_, 1)
        column = stored(values)
        assert read(column) == values
        assert present(*column).tolist() == [value is not None for value in values]

    def test_rows_of_two_columns_are_one_column(self, type_: t.CqlType) -> None:
        values, others = drawn(type_, 2), drawn(type_, 3, 7)
        column = joined(values, others)
        assert read(column) == [*values, *others]
        assert column[1] == stored([*values, *others])[1]

    def test_a_column_without_values_joins_any(self, type_: t.CqlType) -> None:
        values = drawn(type_, 4)
        assert read(joined(values, [None, None])) == [*values, None, None]
        assert read(joined([None, None], values)) == [None, None, *values]

    def test_what_does_not_occur_any_more_is_pruned(self, type_: t.CqlType) -> None:
        values = drawn(type_, 5)
        mixed = stored([*values, "text", 1])
        kept = pruned(*taken(mixed, list(range(len(values)))))
        assert kept is not None
        assert read(kept) == values
        assert kept[1]["layout"] == stored(values)[1]["layout"]


# A code that is null may have a display.
@pytest.mark.parametrize("type_", [type_ for type_ in TYPES if type_ != t.CODE], ids=str)
def test_nothing_is_left_of_nulls(type_: t.CqlType) -> None:
    values = [*drawn(type_, 6), None]
    nulls = [row for row, value in enumerate(values) if value is None]
    assert pruned(*taken(stored(values), nulls)) is None


@pytest.mark.parametrize(("one", "other"), [pair for pair in product(SCALARS, SCALARS) if pair[0] != pair[1]], ids=str)
def test_columns_of_different_types_join_to_a_choice(one: t.CqlType, other: t.CqlType) -> None:
    values, others = drawn(one, 7, 5), drawn(other, 8, 5)
    column = joined(values, others)
    assert read(column) == [*values, *others]
    assert column[1]["layout"] == "choice"


def test_columns_that_no_data_have_are_not_stored() -> None:
    with pytest.raises(TypeError, match="is not stored"):
        stored([Quantity(1, "g")])
